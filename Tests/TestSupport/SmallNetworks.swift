package import Networks

/// Networks that are small enough to be computed naively, with every kind of layer among them.
package enum SmallNetworks {
  package static func conv(
    _ name: String, _ kernels: Int, _ window: Window, groups: Int = 1, reads: Reads = .own
  ) -> LayerSpecification {
    .convolution(
      ConvolutionSpecification(
        name: name, kernels: kernels, window: window, groups: groups, reads: reads,
        initial: InitialValues(deviation: 0.2, bias: 0.1)))
  }

  package static func fc(_ name: String, _ kernels: Int, reads: Reads = .all) -> LayerSpecification
  {
    .fullyConnected(
      FullyConnectedSpecification(
        name: name, kernels: kernels, reads: reads,
        initial: InitialValues(deviation: 0.2, bias: 0.1)))
  }

  package static func norm<Norm: NormalizationTraits>(
    _ name: String, size: Int = 5, constant: Double = 2
  ) -> Norm {
    Norm(name: name, size: size, constant: constant, scale: 0.1, exponent: 0.75)
  }

  package static func pool<Pool: PoolingTraits>(
    _ name: String, _ size: Int = 3, _ stride: Int = 2
  ) -> Pool {
    Pool(name: name, window: Window(size: size, stride: stride))
  }

  package static func network(
    _ name: String, towers: Int = 2, side: Int = 16, classes: Int = 7,
    _ layers: [LayerSpecification]
  ) -> NetworkSpecification {
    NetworkSpecification(
      name: name, towers: towers, inputSide: side, imageSide: side, classes: classes,
      layers: layers + [fc("last", classes)])
  }

  /// AlexNet in small, over some towers: the same order of layers, with dropout and an odd class.
  package static func alexNetLike(towers: Int = 2) -> NetworkSpecification {
    network(
      "small", towers: towers, side: 23,
      [
        conv("conv1", 12 * towers, Window(size: 5, stride: 2)), .relu(name: "relu1"),
        .responseNormalization(norm("norm1")), .maxPooling(pool("pool1")),
        conv("conv2", 8 * towers, Window(size: 3, stride: 1, padding: 1)), .relu(name: "relu2"),
        .responseNormalization(norm("norm2")), .spatialNormalization(norm("cnorm2", size: 3)),
        conv("conv3", 9, Window(size: 3, stride: 1, padding: 1), reads: .all), .relu(name: "relu3"),
        .maxPooling(pool("pool3")),
        fc("fc4", 21), .relu(name: "relu4"), .dropout(name: "drop4", probability: 0.5),
        fc("fc5", 18), .relu(name: "relu5"), .dropout(name: "drop5", probability: 0.3),
      ])
  }

  /// Layers that remember something of each image stand between a convolution and the message that
  /// follows it.
  package static let sentInParts = network(
    "sent in parts",
    [
      conv("conv1", 6, Window(size: 3, stride: 2)), .relu(name: "relu1"),
      .maxPooling(pool("pool1")), .dropout(name: "drop1", probability: 0.3),
      conv("conv2", 8, Window(size: 2, stride: 1), reads: .all), .relu(name: "relu2"),
      conv("conv3", 6, Window(size: 2, stride: 1)), .maxPooling(pool("pool3", 2, 1)),
    ])

  /// Four towers that exchange in pairs, and then read three of the four; uneven where a layer
  /// reads all.
  package static let fourTowers = network(
    "pairs and threes", towers: 4, side: 13,
    [
      conv("conv1", 12, Window(size: 4, stride: 3)), .relu(name: "relu1"),
      conv(
        "conv2", 8, Window(size: 2, stride: 1),
        reads: .listed([[0, 1], [0, 1], [2, 3], [2, 3]])),
      .relu(name: "relu2"),
      conv(
        "conv3", 12, Window(size: 2, stride: 1),
        reads: .listed([[0, 1, 2], [1, 2, 3], [0, 2, 3], [0, 1, 3]])),
      .relu(name: "relu3"), fc("fc4", 10), .relu(name: "relu4"),
    ])

  package static let all = [
    fourTowers,
    alexNetLike(), alexNetLike(towers: 1), alexNetLike(towers: 3),
    // The order of Krizhevsky's code: the rectifier works in place on a pool's output.
    network(
      "signed norms",
      [
        conv("conv1", 12, Window(size: 4, stride: 3)),
        .responseNormalization(norm("norm1", size: 3)),
        .maxPooling(pool("pool1", 2, 1)), .relu(name: "relu1"),
        conv("conv2", 8, Window(size: 2, stride: 1), groups: 2), .relu(name: "relu2"),
        .averagePooling(pool("pool2")),
      ]),
    // Two columns that meet in the last layer alone, as in network 150 of Krizhevsky's code.
    network(
      "columns",
      [
        conv("conv1", 12, Window(size: 4, stride: 3)), .relu(name: "relu1"),
        .maxPooling(pool("pool1", 2, 1)),
        fc("fc2", 14, reads: .own), .relu(name: "relu2"),
        .dropout(name: "drop2", probability: 0.3),
        fc("fc3", 12, reads: .own), .relu(name: "relu3"),
      ]),
    // Lists that name every tower say the same as all.
    network(
      "all by lists", towers: 2, side: 13,
      [
        conv("conv1", 8, Window(size: 4, stride: 3)), .relu(name: "relu1"),
        fc("fc2", 10, reads: .listed([[0, 1], [0, 1]])), .relu(name: "relu2"),
      ]),
    // Units one after the other in one place in memory, and averages over the edge.
    network(
      "units", classes: 5,
      [
        conv("conv1", 5, Window(size: 3, stride: 2, padding: 1), reads: .all), .tanh(name: "tanh1"),
        .dropout(name: "drop1", probability: 0.4),
        .averagePooling(pool("pool1", 3, 3)), .relu(name: "relu1"), .tanh(name: "tanh2"),
        fc("fc2", 6), .tanh(name: "tanh3"), .relu(name: "relu3"),
      ]),
    network(
      "tanh twice", [fc("fc1", 6), .tanh(name: "tanh1"), .tanh(name: "tanh2")]),
    network(
      "tanh thrice with units between",
      [
        fc("fc1", 6), .tanh(name: "tanh1"), .relu(name: "relu1"), .tanh(name: "tanh2"),
        .dropout(name: "drop1", probability: 0.2), .tanh(name: "tanh3"), .relu(name: "relu3"),
      ]),
    network(
      "tanh before drops that scale up",
      [
        fc("fc1", 12), .tanh(name: "tanh1"),
        .dropout(name: "drop1", probability: 0.5, scalesInTraining: true),
        fc("fc2", 12), .tanh(name: "tanh2"), .relu(name: "relu2"),
        .dropout(name: "drop2", probability: 0.4, scalesInTraining: true),
      ]),
    // Nothing but the last layer; and units before anything that learns.
    network("linear", classes: 3, []),
    network(
      "units first", towers: 1, classes: 3,
      [.relu(name: "relu0"), .maxPooling(pool("pool0")), fc("fc1", 4)]),
    network(
      "three readers in a row", towers: 3, side: 9, classes: 4,
      [
        conv("conv1", 4, Window(size: 3, stride: 1), reads: .all),
        conv("conv2", 5, Window(size: 3, stride: 2), reads: .all), .relu(name: "relu2"),
        conv("conv3", 3, Window(size: 2, stride: 1), reads: .all),
      ]),
    .cifarFourLayer(classes: 10),
  ]
}
