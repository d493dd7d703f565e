package import System

/// Which of the two sources settles what they tell differently (Docs/Differences.md).
package enum RecipeName: String, Codable, Sendable, CaseIterable {
  /// The text of the paper.
  case paper
  /// The authors' 2012 source code, as its layers-145.cfg trains the published network.
  case code2012
}

extension NetworkSpecification {
  /// The names of the networks that come with the program.
  package static let presetNames = [
    "alexnet", "alexnet-one-tower", "alexnet-64", "cifar-four-layer", "caffe-alexnet", "caffenet",
    "torchvision-alexnet",
  ]

  /// One of the networks that come with the program, or nil where none has the name.
  package static func preset(
    _ name: String, classes: Int, recipe: RecipeName
  ) -> NetworkSpecification? {
    switch name {
    case "alexnet": alexNet(classes: classes, recipe: recipe)
    case "alexnet-one-tower": alexNetOneTower(classes: classes, recipe: recipe)
    case "alexnet-64": alexNet64(classes: classes, recipe: recipe)
    case "cifar-four-layer": cifarFourLayer(classes: classes)
    case "caffe-alexnet": caffeAlexNet(classes: classes)
    case "caffenet": caffeNet(classes: classes)
    case "torchvision-alexnet": torchvisionAlexNet(classes: classes)
    default: nil
    }
  }

  /// The network that `--network` names: one of those that come with the program, or a JSON
  /// description.
  /// - Returns: The network for a number of classes; a description has its own.
  /// - Throws: `Failure`: usage where there is none of the name, as for a file that is no
  ///   description.
  package static func named(
    _ name: String, recipe: RecipeName
  ) throws(Failure) -> (_ classes: Int) -> NetworkSpecification {
    if presetNames.contains(name) {
      return { classes in
        guard let network = preset(name, classes: classes, recipe: recipe) else {
          preconditionFailure("There is no preset \(name).")
        }
        return network
      }
    }
    guard name.contains("/") || name.hasSuffix(".json") else {
      throw Failure(
        .usage,
        "--network takes \(presetNames.joined(separator: ", ")) or a .json file, not "
          + "\(quoted(name))."
      )
    }
    let described = try NetworkSpecification(contentsOf: name)
    return { _ in described }
  }

  /// The network of the paper's figure 2: two towers that meet in conv3 and in the fully-connected
  /// layers.
  package static func alexNet(classes: Int, recipe: RecipeName) -> NetworkSpecification {
    alexNet(
      name: "alexnet", towers: 2, Sizes(kernels: [96, 256, 384, 384, 256]), classes: classes,
      recipe: recipe)
  }

  /// The paper's one-GPU net (3.2, footnote): half the kernels but in conv5 and the fully-connected
  /// layers, so that the number of parameters is about the same.
  package static func alexNetOneTower(classes: Int, recipe: RecipeName) -> NetworkSpecification {
    alexNet(
      name: "alexnet-one-tower", towers: 1, Sizes(kernels: [48, 128, 192, 192, 256]),
      classes: classes, recipe: recipe)
  }

  /// The network of figure 2 for 64x64 crops of 72x72 pictures, for experiments: half the kernels
  /// and neurons in every layer but the last, and a conv1 of 7x7 with stride 2.
  ///
  /// Maps have 30, 15, 7 and 3 pixels a side; a step takes a thirteenth of the arithmetic. Weights
  /// start larger by the square root of how much smaller their layer's fan-in is than in the
  /// paper's network, so that sums have the paper's deviation and the recipes suit it.
  package static func alexNet64(classes: Int, recipe: RecipeName) -> NetworkSpecification {
    alexNet(
      name: "alexnet-64", towers: 2,
      Sizes(
        kernels: [48, 128, 192, 192, 128], first: Window(size: 7, stride: 2), hidden: 2048,
        inputSide: 64, imageSide: 72,
        // conv1: 11x11x3 against 7x7x3; fc6: 6x6x256 against 3x3x128; the others: half.
        deviationFactors: [363.0 / 147, 2, 2, 2, 2, 8, 2, 2].map { $0.squareRoot() }),
      classes: classes, recipe: recipe)
  }

  /// What networks of figure 2's shape differ in.
  private struct Sizes {
    /// Kernels of conv1 to conv5.
    var kernels: [Int]
    /// Of conv1.
    var first = Window(size: 11, stride: 4)
    /// Neurons of fc6 and fc7.
    var hidden = 4096
    var inputSide = 224
    var imageSide = 256
    /// By which the initial weights' deviations of conv1 to fc8 are multiplied.
    var deviationFactors = [Double](repeating: 1, count: 8)
  }

  private static func alexNet(
    name: String, towers: Int, _ sizes: Sizes, classes: Int, recipe: RecipeName
  ) -> NetworkSpecification {
    let isCode = recipe == .code2012
    // Krizhevsky's code starts conv3 to conv5 from larger weights, and divides alpha by n.
    let upper = isCode ? 0.03 : 0.01
    let scale = isCode ? 1e-4 / 5 : 1e-4
    func initial(_ number: Int, _ deviation: Double, bias: Double) -> InitialValues {
      InitialValues(deviation: deviation * sizes.deviationFactors[number - 1], bias: bias)
    }
    // torchvision's names: the index in `features` and `classifier`.
    func conv(
      _ number: Int, _ window: Window, _ deviation: Double, bias: Double, reads: Reads = .own,
      tensor: String
    ) -> LayerSpecification {
      .convolution(
        ConvolutionSpecification(
          name: "conv\(number)", kernels: sizes.kernels[number - 1], window: window, reads: reads,
          initial: initial(number, deviation, bias: bias), tensor: tensor))
    }
    func fc(_ number: Int, _ kernels: Int, bias: Double, tensor: String) -> LayerSpecification {
      .fullyConnected(
        FullyConnectedSpecification(
          name: "fc\(number)", kernels: kernels, reads: .all,
          initial: initial(number, 0.01, bias: bias), tensor: tensor))
    }
    func norm(_ number: Int) -> LayerSpecification {
      .responseNormalization(
        ResponseNormalizationSpecification(
          name: "norm\(number)", size: 5, constant: 2, scale: scale, exponent: 0.75))
    }
    func pool(_ number: Int) -> LayerSpecification {
      .maxPooling(
        MaxPoolingSpecification(name: "pool\(number)", window: Window(size: 3, stride: 2)))
    }
    func relu(_ number: Int) -> LayerSpecification { .relu(name: "relu\(number)") }

    var layers = [conv(1, sizes.first, 0.01, bias: 0, tensor: "features.0")]
    layers += isCode ? [norm(1), pool(1), relu(1)] : [relu(1), norm(1), pool(1)]
    let second = Window(size: 5, stride: 1, padding: 2)
    layers += [conv(2, second, 0.01, bias: 1, tensor: "features.3"), relu(2), norm(2)]
    if isCode {
      layers.append(
        .spatialNormalization(
          SpatialNormalizationSpecification(
            name: "cnorm2", size: 5, constant: 1, scale: 0.001 / 25, exponent: 0.75)))
    }
    let small = Window(size: 3, stride: 1, padding: 1)
    layers += [
      pool(2),
      conv(3, small, upper, bias: 0, reads: .all, tensor: "features.6"), relu(3),
      conv(4, small, upper, bias: 1, tensor: "features.8"), relu(4),
      conv(5, small, upper, bias: 1, tensor: "features.10"), relu(5), pool(5),
      fc(6, sizes.hidden, bias: 1, tensor: "classifier.1"), relu(6),
      .dropout(name: "drop6", probability: 0.5),
      fc(7, sizes.hidden, bias: 1, tensor: "classifier.4"), relu(7),
      .dropout(name: "drop7", probability: 0.5),
      fc(8, classes, bias: 0, tensor: "classifier.6"),
    ]
    return NetworkSpecification(
      name: name, towers: towers, inputSide: sizes.inputSide, imageSide: sizes.imageSide,
      classes: classes, layers: layers)
  }

  /// The four-layer network of the paper's figure 1, whose sizes are those of Krizhevsky's
  /// `layers-18pct.cfg` without its norms.
  ///
  /// Every layer reads both towers, so the network is the same whether its kernels are split or
  /// not.
  package static func cifarFourLayer(classes: Int) -> NetworkSpecification {
    func conv(_ number: Int, _ kernels: Int, _ deviation: Double) -> LayerSpecification {
      .convolution(
        ConvolutionSpecification(
          name: "conv\(number)", kernels: kernels, window: Window(size: 5, stride: 1, padding: 2),
          reads: .all, initial: InitialValues(deviation: deviation)))
    }
    let pool = Window(size: 3, stride: 2)
    return NetworkSpecification(
      name: "cifar-four-layer", towers: 2, inputSide: 32, imageSide: 32, classes: classes,
      layers: [
        conv(1, 32, 0.0001), .maxPooling(MaxPoolingSpecification(name: "pool1", window: pool)),
        .relu(name: "relu1"),
        conv(2, 32, 0.01), .relu(name: "relu2"),
        .averagePooling(AveragePoolingSpecification(name: "pool2", window: pool)),
        conv(3, 64, 0.01), .relu(name: "relu3"),
        .averagePooling(AveragePoolingSpecification(name: "pool3", window: pool)),
        .fullyConnected(
          FullyConnectedSpecification(
            name: "fc10", kernels: classes, reads: .all, initial: InitialValues(deviation: 0.01))),
      ])
  }
}
