import Layers
import ModelParallel
import Networks
import Planning
import System
import Testing

@Suite struct VariantTests {
  static let alexNet = NetworkSpecification.alexNet(classes: 1000, recipe: .code2012)

  static func varied(
    _ variant: NetworkVariant, _ network: NetworkSpecification = alexNet
  ) throws -> NetworkSpecification {
    let changed = try network.applying(variant, recipe: .code2012)
    try changed.validate()
    #expect(changed.name == "\(network.name)+\(variant.rawValue)")
    return changed
  }

  static func output(_ layer: String, _ network: NetworkSpecification) -> String? {
    network.shapes(ofTower: 0).first { $0.layer.name == layer }?.output.description
  }

  /// Mean and deviation of each layer's first values, by layer: the presets have those of their own
  /// source, and He's follow from the kernels.
  @Test(arguments: [
    (InitialScheme.paper, "alexnet", RecipeName.paper),
    (.code2012, "alexnet", .code2012), (.caffe, "caffe-alexnet", .paper),
  ])
  func aPresetBeginsAsItsOwnSourceSays(
    scheme: InitialScheme, name: String, recipe: RecipeName
  ) throws {
    var choice = try NetworkChoice(name: name, recipe: recipe, variants: [])
    let own = try choice.network(classes: 10)
    choice.initial = scheme
    #expect(try choice.network(classes: 10) == own)
    choice.initial = scheme == .paper ? .caffe : .paper
    #expect(try choice.network(classes: 10) != own)
  }

  @Test func hesInitialValuesFollowTheKernels() throws {
    var choice = try NetworkChoice(name: "alexnet", recipe: .paper, variants: [])
    choice.initial = .he
    let values = try choice.network(classes: 10).layers.compactMap(\.weights?.initial)
    // conv3 reads all 256 maps, conv2 and conv4 their own tower's half.
    let inputs = [363, 1200, 2304, 1728, 1728, 9216, 4096, 4096]
    #expect(values.map(\.bias).allSatisfy { $0 == 0 } && values.count == inputs.count)
    for (value, count) in zip(values, inputs) {
      #expect(abs(value.deviation - (2 / Double(count)).squareRoot()) < 1e-12)
    }
  }

  @Test func withoutConv3ExchangeConv3ReadsHalfTheMaps() throws {
    let network = try Self.varied(.noConv3Exchange)
    #expect(network.layers.filter { $0.reads == .all }.map(\.name) == ["fc6", "fc7", "fc8"])
    // 384 kernels of 3x3 lose 128 maps each.
    #expect(network.parameterCount == 60_965_224 - 384 * 9 * 128)
  }

  @Test func noNormalizationRemovesAllNorms() throws {
    let names = try Self.varied(.noNormalization).layers.map(\.name)
    #expect(names.allSatisfy { !$0.contains("norm") })
    #expect(names.count == Self.alexNet.layers.count - 3)
  }

  @Test func nonOverlappingPoolingHasTheSizesOfNetwork147() throws {
    let network = try Self.varied(.nonOverlappingPooling)
    let names = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]
    let sides = [55, 28, 26, 13, 13, 11, 11, 6]
    for (name, side) in zip(names, sides) {
      let output = network.shapes(ofTower: 1).first { $0.layer.name == name }?.output
      #expect(output?.height == side && output?.width == side, "\(name)")
    }
    #expect(network.parameterCount == 60_965_224)
    // A network without AlexNet's paddings keeps its own.
    let cifar = try NetworkSpecification.cifarFourLayer(classes: 10)
      .applying(.nonOverlappingPooling, recipe: .paper)
    #expect(cifar.shapes(ofTower: 0).map(\.output.height) == [32, 16, 16, 16, 16, 8, 8, 8, 4, 1])
  }

  @Test func theNetworkFor64PixelsHasTheVariantsOfTheExperiments() throws {
    let network = NetworkSpecification.alexNet64(classes: 10, recipe: .paper)
    let pools = try Self.varied(.nonOverlappingPooling, network)
    #expect(
      pools.shapes(ofTower: 0).filter { $0.parameters > 0 }.prefix(5).map(\.output.height)
        == [30, 13, 7, 5, 5])
    #expect(Self.output("pool5", pools) == "3x3x64")
    #expect(Self.output("conv6", try Self.varied(.sixthConvolution, network)) == "3x3x64")
    #expect(Self.output("conv2", try Self.varied(.noExchange, network)) == "15x15x80")
    #expect(Self.output("fc6", try Self.varied(.noExchange, network)) == "1x1x2048")
    for variant in [
      NetworkVariant.noNormalization, .noConv3Exchange, .fullExchange, .oneColumn, .halfWidth,
      .noDropout,
    ] { _ = try Self.varied(variant, network) }
    let inverted = try Self.varied(.invertedDropout, network)
    #expect(inverted.layers.count { $0.traits.isIdentityAtTest && $0.traits.role == .dropout } == 2)
  }

  @Test func oneColumnEqualsThePresetAlexNetOneTower() throws {
    for recipe in RecipeName.allCases {
      var network = try NetworkSpecification.alexNet(classes: 1000, recipe: recipe)
        .applying(.oneColumn, recipe: recipe)
      try network.validate()
      let preset = NetworkSpecification.alexNetOneTower(classes: 1000, recipe: recipe)
      network.name = preset.name
      #expect(network == preset)
      // conv1 48 of 11x11x3, conv2 128 of 5x5x48, conv3 192 of 3x3x128, conv4 192 of 3x3x192, conv5
      // 256 of 3x3x192, fc6 4096 of 6x6x256, fc7 4096 of 4096, fc8 1000 of 4096; a bias each.
      let counts = [
        48 * 364, 128 * 1201, 192 * 1153, 192 * 1729, 256 * 1729, 4096 * 9217, 4096 * 4097,
        1000 * 4097,
      ]
      #expect(network.parameterCount == counts.reduce(0, +))
    }
  }

  @Test func withoutExchangesOnlyTheLastLayerReadsBothTowers() throws {
    let network = try Self.varied(.noExchange)
    #expect(network.layers.filter { $0.reads == .all }.map(\.name) == ["fc8"])
    #expect(Self.output("conv2", network) == "27x27x160")
    #expect(Self.output("fc6", network) == "1x1x4096")
    #expect(Self.output("fc7", network) == "1x1x4096")
    // conv1 96 of 11x11x3, conv2 320 of 5x5x48, conv3 384 of 3x3x160, conv4 384 of 3x3x192, conv5
    // 256 of 3x3x192, fc6 8192 of 6x6x128, fc7 8192 of 4096, fc8 1000 of 8192; a bias each.
    let counts = [
      96 * 364, 320 * 1201, 384 * 1441, 384 * 1729, 256 * 1729, 8192 * 4609, 8192 * 4097,
      1000 * 8193,
    ]
    #expect(network.parameterCount == counts.reduce(0, +))
    let volume = CommunicationVolume(
      network, ranksPerReplica: 2, replicas: 1, batchSize: 1, scheme: .data, formats: WireFormats())
    #expect(volume.boundaries.map(\.name) == ["fc8", "softmax"])
  }

  @Test func withEveryExchangeEveryLayerReadsBothTowers() throws {
    let network = try Self.varied(.fullExchange)
    #expect(
      network.layers.filter { $0.reads == .all }.map(\.name)
        == ["conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"])
    // conv2, conv4 and conv5 see twice as many maps.
    #expect(
      network.parameterCount == 60_965_224 + 256 * 25 * 48 + 384 * 9 * 192 + 256 * 9 * 192)
  }

  /// 96 kernels of 11x11x3, 256 of 5x5x24, 384 of 3x3 over the maps that a tower reads, 384 and 256
  /// of 3x3x96, and the fully-connected layers of the paper; a bias each.
  @Test(arguments: [
    (NetworkVariant.fourTowersInPairs, [[0, 1], [0, 1], [2, 3], [2, 3]], 1),
    (.fourTowersOfThree, [[0, 1, 2], [1, 2, 3], [0, 2, 3], [0, 1, 3]], 2),
  ])
  func fourTowersReadTheListedTowers(
    _ variant: NetworkVariant, _ reads: [[Int]], _ readers: Int
  ) throws {
    let network = try Self.varied(variant)
    let maps = 64 * reads[0].count
    let counts = [
      96 * 364, 256 * 601, 384 * (9 * maps + 1), 384 * 865, 256 * 865, 4096 * 9217, 4096 * 4097,
      1000 * 4097,
    ]
    #expect(network.towers == 4 && network.parameterCount == counts.reduce(0, +))
    for tower in 0..<4 {
      let conv3 = try #require(network.shapes(ofTower: tower).first { $0.layer.name == "conv3" })
      #expect(conv3.reads == reads[tower])
      #expect(conv3.inputs.map(\.description) == reads[tower].map { _ in "13x13x64" })
    }
    // Before conv3 the first tower sends its 13x13x64 maps to those that read them, before fc6 its
    // 6x6x64 to all.
    let volume = CommunicationVolume(
      network, ranksPerReplica: 4, replicas: 1, batchSize: 1, scheme: .data, formats: WireFormats())
    #expect(
      volume.boundaries.prefix(2).map(\.forward) == [
        readers * 4 * 13 * 13 * 64, 3 * 4 * 6 * 6 * 64,
      ])
    #expect(volume.boundaries[0].backward == readers * 4 * 13 * 13 * 64)
  }

  @Test func theNormOverConv5EqualsThatOverConv2() throws {
    for recipe in RecipeName.allCases {
      let network = try NetworkSpecification.alexNet(classes: 1000, recipe: recipe)
        .applying(.normOverConv5, recipe: recipe)
      try network.validate()
      let names = network.layers.map(\.name)
      let place = try #require(names.firstIndex(of: "norm5"))
      #expect(names[place - 2...place + 1] == ["conv5", "relu5", "norm5", "pool5"])
      guard case .responseNormalization(let norm) = network.layers[place] else {
        Issue.record("norm5 is no response normalisation")
        continue
      }
      #expect(norm.size == 5 && norm.constant == 2 && norm.exponent == 0.75)
      #expect(norm.scale == (recipe == .paper ? 1e-4 : 2e-5))
      #expect(network.parameterCount == 60_965_224)
    }
  }

  @Test func publishedNetworksAreFoundByNumber() {
    let numbers = ["145-half", "147", "148", "149", "150"]
    #expect(
      numbers.map { NetworkVariant(word: $0) }
        == [.oneColumn, .nonOverlappingPooling, .noNormalization, .normOverConv5, .noExchange])
    #expect(NetworkVariant.allCases.allSatisfy { NetworkVariant(word: $0.rawValue) == $0 })
    #expect(NetworkVariant(word: "151") == nil)
  }

  @Test func halfWidthHalvesTheKernelsOfAllButTheLastLayer() throws {
    let network = try Self.varied(.halfWidth)
    #expect(Self.output("conv1", network) == "55x55x24")
    #expect(Self.output("fc7", network) == "1x1x1024")
    #expect(Self.output("fc8", network) == "1x1x500")
  }

  @Test func theSixthConvolutionFollowsPool5AndReadsBothTowers() throws {
    let network = try Self.varied(.sixthConvolution)
    let names = network.layers.map(\.name)
    let pool = try #require(names.firstIndex(of: "pool5"))
    #expect(names[pool + 1] == "conv6" && network.layers[pool + 1].reads == .all)
    #expect(Self.output("conv6", network) == "6x6x128")
    // Its initial values are those of conv3 to conv5.
    for recipe in RecipeName.allCases {
      let network = try NetworkSpecification.alexNet(classes: 1000, recipe: recipe)
        .applying(.sixthConvolution, recipe: recipe)
      guard case .convolution(let conv6)? = network.layers.first(where: { $0.name == "conv6" })
      else {
        Issue.record("conv6 is no convolution")
        continue
      }
      #expect(conv6.initial == InitialValues(deviation: recipe == .paper ? 0.01 : 0.03, bias: 1))
    }
    // 256 kernels of 3x3 over 256 maps, and their biases.
    #expect(network.parameterCount == 60_965_224 + 256 * (9 * 256 + 1))
  }

  @Test func tanhReplacesEveryReLU() throws {
    let network = try Self.varied(.tanh)
    let count = { (network: NetworkSpecification, isTanh: Bool) in
      network.layers.count {
        switch $0 {
        case .tanh: isTanh
        case .relu: !isTanh
        default: false
        }
      }
    }
    #expect(count(network, false) == 0)
    #expect(count(network, true) == count(Self.alexNet, false))
  }

  @Test func noDropoutRemovesAllDropout() throws {
    let names = try Self.varied(.noDropout).layers.map(\.name)
    #expect(names == Self.alexNet.layers.map(\.name).filter { !$0.hasPrefix("drop") })
  }

  @Test func oneTowerHoldsAllKernelsIfAllLayersReadBoth() throws {
    let cifar = NetworkSpecification.cifarFourLayer(classes: 10)
    let network = try Self.varied(.oneTower, cifar)
    #expect(network.towers == 1 && network.parameterCount == cifar.parameterCount)
  }

  @Test func variantsCombine() throws {
    let network = try Self.varied(.noDropout, Self.varied(.tanh))
    #expect(network.name == "alexnet+tanh+no-dropout")
  }

  /// Each pair of variants, either way round.
  @Test func twoVariantsGiveTheSameNetworkInAnyOrderOrAreRefused() throws {
    let kinds = NetworkVariant.allCases
    for (place, first) in kinds.enumerated() {
      for second in kinds[place...] {
        let outcomes = [[first, second], [second, first]].map { pair in
          Result { () throws(Failure) in try Self.alexNet.applying(pair, recipe: .code2012) }
        }
        switch (outcomes[0], outcomes[1]) {
        case (.success(let one), .success(let other)): #expect(one == other)
        case (.failure(let one), .failure(let other)):
          #expect(one.exitCode == .usage && one.message == other.message)
        default: Issue.record("\(first) and \(second)")
        }
      }
    }
    func both(_ words: String) throws -> NetworkSpecification {
      try NetworkChoice(name: "alexnet", recipe: .code2012, variants: [words])
        .network(classes: nil)
    }
    // 160 kernels a tower in conv2, whatever its padding; and no sixth convolution that reads both
    // towers.
    #expect(try Self.output("conv2", both("147,150")) == "26x26x160")
    #expect(try both("150,147") == both("147,150"))
    let columns = try both("150,sixth-convolution")
    #expect(columns.layers.filter { $0.reads == .all }.map(\.name) == ["fc8"])
    for words in [
      "full-exchange,150", "150,no-conv3-exchange", "no-normalization,149", "150,150",
      "150,four-towers-in-pairs", "one-column,full-exchange", "one-column,no-conv3-exchange",
    ] {
      let failure = #expect(throws: Failure.self, "\(words)") { _ = try both(words) }
      #expect(failure?.exitCode == .usage)
    }
  }

  @Test(arguments: [
    (NetworkVariant.noConv3Exchange, "cifar-four-layer+one-tower"), (.noNormalization, "cifar"),
    (.sixthConvolution, "cifar"), (.noDropout, "cifar"), (.oneTower, "alexnet"),
    (.oneColumn, "cifar"), (.normOverConv5, "cifar"), (.fullExchange, "cifar"),
    (.fourTowersInPairs, "cifar"), (.fourTowersOfThree, "cifar"),
    (.oneTower, "cifar-four-layer+one-tower"), (.tanh, "cifar+tanh"),
  ])
  func aVariantWithoutEffectIsRefused(_ variant: NetworkVariant, _ which: String) throws {
    var network = Self.alexNet
    if which.hasPrefix("cifar") { network = .cifarFourLayer(classes: 10) }
    if which.hasSuffix("one-tower") {
      network = try network.applying(.oneTower, recipe: .paper)
      network.layers = network.layers.filter { $0.name != "conv3" }
    }
    if which.hasSuffix("+tanh") { network = try network.applying(.tanh, recipe: .paper) }
    let failure = #expect(throws: Failure.self) {
      _ = try network.applying(variant, recipe: .paper)
    }
    #expect(failure?.exitCode == .usage)
    #expect(
      failure?.message
        == "--variant \(variant.rawValue) changes nothing in the network '\(network.name)'.")
  }

  @Test func everyVariantHasALineOfHelp() {
    for variant in NetworkVariant.allCases {
      #expect(!variant.help.isEmpty && !variant.help.contains("\n"))
    }
  }
}
