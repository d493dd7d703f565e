import Layers
import Networks
import Testing

/// One line of network.md's table: a layer of one tower with its output and the numbers of both
/// towers.
struct TableLine: Sendable {
  var layer: String
  var output: MapShape
  var parameters = 0
  var multiplications = 0

  init(_ layer: String, _ side: Int, _ maps: Int, _ parameters: Int = 0, _ multiplications: Int = 0)
  {
    self.layer = layer
    output = MapShape(height: side, width: side, maps: maps)
    self.parameters = parameters
    self.multiplications = multiplications
  }
}

@Suite struct PresetTests {
  @Test func whatOnlyPoolsReadIsFreeOnceTheyHaveReadIt() {
    let layers = NetworkSpecification.alexNet(classes: 10, recipe: .paper).layers
    let free = zip(layers, LayerSpecification.areFreeAfterForward(layers)).filter(\.1)
    // pool5 reads what ReLU needs, and what is in the place of conv5's output.
    #expect(free.map(\.0.name) == ["norm1", "norm2"])
  }

  static let table = [
    TableLine("conv1", 55, 48, 34_944, 105_415_200),
    TableLine("pool1", 27, 48),
    TableLine("conv2", 27, 128, 307_456, 223_948_800),
    TableLine("pool2", 13, 128),
    TableLine("conv3", 13, 192, 885_120, 149_520_384),
    TableLine("conv4", 13, 192, 663_936, 112_140_288),
    TableLine("conv5", 13, 128, 442_624, 74_760_192),
    TableLine("pool5", 6, 128),
    TableLine("fc6", 1, 2048, 37_752_832, 37_748_736),
    TableLine("fc7", 1, 2048, 16_781_312, 16_777_216),
    TableLine("fc8", 1, 500, 4_097_000, 4_096_000),
  ]

  static func alexNet(_ recipe: RecipeName, classes: Int = 1000) -> NetworkSpecification {
    .alexNet(classes: classes, recipe: recipe)
  }

  @Test(arguments: RecipeName.allCases) func everyLayerMatchesTheTable(_ recipe: RecipeName) throws
  {
    let towers = (0..<2).map { Self.alexNet(recipe).shapes(ofTower: $0) }
    for line in Self.table {
      let layers = try towers.map { shapes in
        try #require(shapes.first { $0.layer.name == line.layer })
      }
      #expect(layers.allSatisfy { $0.output == line.output }, "\(line.layer)")
      #expect(layers.reduce(0) { $0 + $1.parameters } == line.parameters, "\(line.layer)")
      #expect(
        layers.reduce(0) { $0 + $1.multiplications } == line.multiplications, "\(line.layer)")
    }
  }

  @Test(arguments: RecipeName.allCases) func totalsMatchTheTable(_ recipe: RecipeName) {
    let network = Self.alexNet(recipe)
    #expect(network.parameterCount == 60_965_224)
    for tower in 0..<2 {
      #expect(network.shapes(ofTower: tower).reduce(0) { $0 + $1.parameters } == 30_482_612)
    }
    let forward = (0..<2).reduce(0) { sum, tower in
      sum + network.shapes(ofTower: tower).reduce(0) { $0 + $1.multiplications }
    }
    #expect(forward == 724_406_816)
    // A step is three times that, less the gradient by the image.
    #expect(3 * forward - 105_415_200 == 2_067_805_248)
  }

  @Test func neuronsAreCountedAsInThePaper() {
    // 55x55x96 + 27x27x256 + 13x13x(384 + 384 + 256) + 4096 + 4096 + 1000.
    let shapes = (0..<2).flatMap { Self.alexNet(.paper).shapes(ofTower: $0) }
    let neurons = shapes.filter { $0.parameters > 0 }.reduce(0) { $0 + $1.output.count }
    #expect(neurons == 659_272)
  }

  @Test func tenClassesWorkedByHand() {
    // Without fc8's 4,097,000, with 10 x 4096 + 10.
    #expect(Self.alexNet(.paper, classes: 10).parameterCount == 60_965_224 - 4_097_000 + 40_970)
    let fc8 = (0..<2).map { Self.alexNet(.paper, classes: 10).shapes(ofTower: $0).last }
    #expect(fc8.map { $0?.kernels } == [0..<5, 5..<10])
  }

  @Test func anOddClassGoesToTowerZero() {
    let fc8 = (0..<2).map { Self.alexNet(.paper, classes: 11).shapes(ofTower: $0).last }
    #expect(fc8.map { $0?.kernels } == [0..<6, 6..<11])
    #expect(fc8.map { $0?.output.maps } == [6, 5])
  }

  @Test func towersExchangeAtConv3AndTheFullyConnectedLayers() {
    for recipe in RecipeName.allCases {
      let readers = Self.alexNet(recipe).layers.filter { $0.reads == .all }.map(\.name)
      #expect(readers == ["conv3", "fc6", "fc7", "fc8"])
    }
    let shapes = Self.alexNet(.paper).shapes(ofTower: 1)
    #expect(
      shapes.first { $0.layer.name == "conv3" }?.inputs.map(\.description) == [
        "13x13x128", "13x13x128",
      ])
    #expect(shapes.first { $0.layer.name == "conv4" }?.inputs.map(\.description) == ["13x13x192"])
  }

  @Test func recipesDifferAsTheirSourcesDo() {
    func order(_ recipe: RecipeName) -> [String] {
      Self.alexNet(recipe).layers.prefix(9).map(\.name)
    }
    #expect(
      order(.paper)
        == ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2", "conv3"])
    #expect(
      order(.code2012)
        == ["conv1", "norm1", "pool1", "relu1", "conv2", "relu2", "norm2", "cnorm2", "pool2"])
    let initial = RecipeName.allCases.map { recipe in
      Self.alexNet(recipe).layers.compactMap { layer -> [Double]? in
        switch layer {
        case .convolution(let layer): [layer.initial.deviation, layer.initial.bias]
        case .fullyConnected(let layer): [layer.initial.deviation, layer.initial.bias]
        default: nil
        }
      }
    }
    #expect(initial[0].map { $0[0] } == [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01])
    #expect(initial[1].map { $0[0] } == [0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01])
    for recipe in initial { #expect(recipe.map { $0[1] } == [0, 1, 0, 1, 1, 1, 1, 0]) }
    // k, n, alpha and beta of the paper's section 3.3; the code divides alpha by n.
    let norms = RecipeName.allCases.map { recipe in
      Self.alexNet(recipe).layers.compactMap { layer -> [Double]? in
        guard case .responseNormalization(let norm) = layer else { return nil }
        return [norm.constant, Double(norm.size), norm.scale, norm.exponent]
      }
    }
    #expect(norms[0] == [[2, 5, 1e-4, 0.75], [2, 5, 1e-4, 0.75]])
    #expect(norms[1] == [[2, 5, 2e-5, 0.75], [2, 5, 2e-5, 0.75]])
  }

  @Test func theNetworkFor64PixelsWorkedByHand() throws {
    for recipe in RecipeName.allCases {
      let network = NetworkSpecification.alexNet64(classes: 1000, recipe: recipe)
      try network.validate()
      let towers = (0..<2).map { network.shapes(ofTower: $0) }
      let weighted = towers[0].filter { $0.parameters > 0 }.map { "\($0.layer.name) \($0.output)" }
      #expect(
        weighted == [
          "conv1 30x30x24", "conv2 15x15x64", "conv3 7x7x96", "conv4 7x7x96", "conv5 7x7x64",
          "fc6 1x1x1024", "fc7 1x1x1024", "fc8 1x1x500",
        ])
      // 48x148 + 128x601 + 192x1153 + 192x865 + 128x865 + 2048x1153 + 2048x2049 + 1000x2049.
      #expect(
        network.parameterCount
          == 7104 + 76_928 + 221_376 + 166_080 + 110_720 + 2_361_344 + 4_196_352 + 2_049_000)
      // 900x48x147 + 225x128x600 + 49x(192x1152 + 192x864 + 128x864) + 2048x(1152 + 2048 + 1000).
      let forward = towers.reduce(0) { $0 + $1.reduce(0) { $0 + $1.multiplications } }
      #expect(forward == 6_350_400 + 17_280_000 + 24_385_536 + 8_601_600)
      // A step's, without the gradient by the image, against 2,067,805,248 of AlexNet: a thirteenth.
      #expect((3 * forward - 6_350_400) * 25 / 2_067_805_248 == 1)
      // The layers and what they read are AlexNet's.
      let alexNet = Self.alexNet(recipe)
      #expect(network.layers.map(\.name) == alexNet.layers.map(\.name))
      #expect(network.layers.map(\.reads) == alexNet.layers.map(\.reads))
      // A sum over fc6's 1152 inputs has the deviation of one over 9216: 0.01 sqrt(9216 / 1152).
      let fc6 = try #require(network.layers.first { $0.name == "fc6" }?.weights)
      #expect(abs(fc6.initial.deviation - 0.028284271247461901) < 1e-12)
    }
  }

  @Test func theFourLayerNetworkWorkedByHand() throws {
    let network = NetworkSpecification.cifarFourLayer(classes: 10)
    try network.validate()
    // 32x76 + 32x801 + 64x801 + 10x(4x4x64 + 1).
    #expect(network.parameterCount == 2432 + 25_632 + 51_264 + 10_250)
    let sides = network.shapes(ofTower: 0).map(\.output.height)
    #expect(sides == [32, 16, 16, 16, 16, 8, 8, 8, 4, 1])
  }

  @Test func caffesTwoNetworksDifferInOrderAndInitialBiases() throws {
    let (alexNet, caffeNet) = (
      NetworkSpecification.caffeAlexNet(classes: 1000), NetworkSpecification.caffeNet(classes: 1000)
    )
    func order(_ network: NetworkSpecification) -> [String] {
      network.layers.prefix(4).map(\.name) + network.layers[4..<8].map(\.name)
    }
    #expect(
      order(alexNet)
        == ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"])
    #expect(
      order(caffeNet)
        == ["conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2", "norm2"])
    // Both have the parameters of the paper's network.
    #expect(alexNet.parameterCount == 60_965_224 && caffeNet.parameterCount == 60_965_224)
    let biases = [alexNet, caffeNet].map { network in
      network.layers.compactMap { layer -> Double? in
        switch layer {
        case .convolution(let layer): layer.initial.bias
        case .fullyConnected(let layer): layer.initial.bias
        default: nil
        }
      }
    }
    #expect(biases[0] == [0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0])
    #expect(biases[1] == [0, 1, 0, 1, 1, 1, 1, 0])
    #expect(alexNet.preprocessing == PixelScaling(channelOrder: .bgr))
    #expect(caffeNet.preprocessing == alexNet.preprocessing)
  }

  @Test func presetsAreFoundByName() {
    for name in NetworkSpecification.presetNames {
      #expect(NetworkSpecification.preset(name, classes: 10, recipe: .paper)?.name == name)
    }
    #expect(NetworkSpecification.preset("lenet", classes: 10, recipe: .paper) == nil)
  }

  @Test(arguments: NetworkSpecification.presetNames, RecipeName.allCases)
  func presetsAreValidForAnyNumberOfClasses(_ name: String, _ recipe: RecipeName) throws {
    for classes in [2, 3, 10, 1000, 21_843] {
      try NetworkSpecification.preset(name, classes: classes, recipe: recipe)?.validate()
    }
  }
}
