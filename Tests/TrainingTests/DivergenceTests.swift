import Layers
import MPI
import ModelParallel
import Networks
import Tensors
import TestSupport
import Testing
import Towers
import Training

/// What is said of numbers that are not finite: the first place where they appear.
@Suite struct DivergenceTests {
  private let network: Network
  private let divergence: Divergence

  init() throws {
    network = try Network(
      SmallNetworks.alexNetLike(), placement: Placement(towers: 2, over: .alone),
      options: NetworkOptions(batchSize: 3, threadsPerTower: 1, seed: 1, isTrained: true))
    divergence = Divergence(network, .alone)
    let side = network.specification.inputSide
    try network.forward(Tensor(3, side, side, 3), Pass(images: 3, isTraining: true))
  }

  @Test func theFirstLayerWithANumberThatIsNotFiniteIsNamed() throws {
    let last = try #require(network.output(of: "fc5", tower: 1))
    last.pointer[last.count - 1] = .infinity
    // ReLU and dropout work in place, so that the number stands behind fc5 itself.
    #expect(
      try divergence.sentence(loss: .nan, "loss of step 7")
        == "The loss of step 7 is not a number: the maps of layer 'fc5' are not finite")
    let earlier = try #require(network.output(of: "conv2", tower: 0))
    earlier.pointer[0] = .nan
    #expect(try divergence.sentence(loss: .nan, "loss of step 7").contains("'conv2'"))
  }

  @Test func aLossAloneIsSaidAsItIs() throws {
    #expect(
      try divergence.sentence(loss: .infinity, "validation loss")
        == "The validation loss is infinite")
  }

  @Test func numbersBeyondThePassAreNotLookedAt() throws {
    try network.forward(
      Tensor(3, network.specification.inputSide, network.specification.inputSide, 3),
      Pass(images: 2, isTraining: true))
    let output = try #require(network.output(of: "conv3", tower: 0))
    output.pointer[output.count - 1] = .nan
    #expect(try divergence.sentence(loss: 1e30, "loss") == "The loss is 1e+30")
  }

  /// Towers have parameters of the same name, which all ranks must number alike.
  @Test func aParameterHasOneNumberWhateverItsTower() throws {
    let names = network.parameters.map(\.name)
    let places = names.indices.filter { names[$0] == "conv2.bias" }
    #expect(places.count == 2)
    let numbers = Set(places.compactMap { divergence.number(ofParameter: $0) })
    #expect(numbers.count == 1)
    let number = try #require(numbers.first)
    #expect(
      divergence.sentence(parameter: number, step: 12)
        == "'conv2.bias' is no longer finite after the update of step 12")
    #expect(divergence.number(ofParameter: nil) == nil)
  }
}
