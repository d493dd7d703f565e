import AlexNet
import Failures
import Layers
import Testing

@Suite struct VariantTests {
  static let alexNet = NetworkSpecification.alexNet(classes: 1000, recipe: .code2012)

  static func varied(
    _ variant: NetworkVariant, _ network: NetworkSpecification = alexNet
  ) throws -> NetworkSpecification {
    let changed = try network.applying(variant)
    try changed.validate()
    #expect(changed.name == "\(network.name)+\(variant.rawValue)")
    return changed
  }

  static func output(_ layer: String, _ network: NetworkSpecification) -> String? {
    network.shapes(ofTower: 0).first { $0.layer.name == layer }?.output.description
  }

  @Test func withoutExchangeConv3SeesHalfTheMaps() throws {
    let network = try Self.varied(.noConv3Exchange)
    #expect(network.layers.filter { $0.reads == .all }.map(\.name) == ["fc6", "fc7", "fc8"])
    // 384 kernels of 3x3 lose 128 maps each.
    #expect(network.parameterCount == 60_965_224 - 384 * 9 * 128)
  }

  @Test func withoutNormalizationNoNormIsLeft() throws {
    let names = try Self.varied(.noNormalization).layers.map(\.name)
    #expect(names.allSatisfy { !$0.contains("norm") })
    #expect(names.count == Self.alexNet.layers.count - 3)
  }

  @Test func poolsThatDoNotOverlapGiveMapsOfTheSameSize() throws {
    let network = try Self.varied(.nonOverlappingPooling)
    #expect(Self.output("pool1", network) == "27x27x48")
    #expect(Self.output("pool2", network) == "13x13x128")
    #expect(Self.output("pool5", network) == "6x6x128")
    #expect(network.parameterCount == 60_965_224)
  }

  @Test func halfTheWidthIsHalfTheKernelsOfAllButTheLastLayer() throws {
    let network = try Self.varied(.halfWidth)
    #expect(Self.output("conv1", network) == "55x55x24")
    #expect(Self.output("fc7", network) == "1x1x1024")
    #expect(Self.output("fc8", network) == "1x1x500")
  }

  @Test func theSixthConvolutionStandsOverPool5AndReadsBothTowers() throws {
    let network = try Self.varied(.sixthConvolution)
    let names = network.layers.map(\.name)
    let pool = try #require(names.firstIndex(of: "pool5"))
    #expect(names[pool + 1] == "conv6" && network.layers[pool + 1].reads == .all)
    #expect(Self.output("conv6", network) == "6x6x128")
    // 256 kernels of 3x3 over 256 maps, and their biases.
    #expect(network.parameterCount == 60_965_224 + 256 * (9 * 256 + 1))
  }

  @Test func tanhTakesThePlaceOfEveryRectifier() throws {
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

  @Test func withoutDropoutNoneIsLeft() throws {
    let names = try Self.varied(.noDropout).layers.map(\.name)
    #expect(names == Self.alexNet.layers.map(\.name).filter { !$0.hasPrefix("drop") })
  }

  @Test func oneTowerHoldsEveryKernelWhereAllLayersReadBoth() throws {
    let cifar = NetworkSpecification.cifarFourLayer(classes: 10)
    let network = try Self.varied(.oneTower, cifar)
    #expect(network.towers == 1 && network.parameterCount == cifar.parameterCount)
  }

  @Test func variantsAddUp() throws {
    let network = try Self.varied(.noDropout, Self.varied(.tanh))
    #expect(network.name == "alexnet+tanh+no-dropout")
  }

  @Test(arguments: [
    (NetworkVariant.noConv3Exchange, "cifar-four-layer+one-tower"), (.noNormalization, "cifar"),
    (.sixthConvolution, "cifar"), (.noDropout, "cifar"), (.oneTower, "alexnet"),
    (.oneTower, "cifar-four-layer+one-tower"), (.tanh, "cifar+tanh"),
  ])
  func aVariantWithoutAnythingToChangeIsRefused(_ variant: NetworkVariant, _ which: String) throws {
    var network = Self.alexNet
    if which.hasPrefix("cifar") { network = .cifarFourLayer(classes: 10) }
    if which.hasSuffix("one-tower") {
      network = try network.applying(.oneTower)
      network.layers = network.layers.filter { $0.name != "conv3" }
    }
    if which.hasSuffix("+tanh") { network = try network.applying(.tanh) }
    let failure = #expect(throws: Failure.self) { _ = try network.applying(variant) }
    #expect(failure?.exitCode == .usage)
    #expect(
      failure?.message
        == "--variant \(variant.rawValue) has nothing to change in the network '\(network.name)'.")
  }

  @Test func everyVariantHasALineOfHelp() {
    for variant in NetworkVariant.allCases {
      #expect(!variant.help.isEmpty && !variant.help.contains("\n"))
    }
  }
}
