import Layers
import ModelParallel
import Networks
import System
import Tensors
import TestSupport
import Testing
import Towers

extension NetworkSpecification: CustomTestStringConvertible {
  /// The name.
  package var testDescription: String { "\(name), \(towers) towers" }
}

@Suite struct NetworkTests {
  @Test(arguments: SmallNetworks.all, [1, 2])
  func aStepAgreesWithTheReference(_ network: NetworkSpecification, _ threads: Int) throws {
    let bench = try NetworkBench(network, images: 3, capacity: 4, threads: threads)
    let (loss, activations, gradients) = try bench.errors()
    #expect(loss < 1e-5)
    for (name, error) in activations { #expect(error < 1e-5, "\(name)") }
    for (name, error) in gradients { #expect(error < 1e-4, "\(name)") }
    #expect(gradients.count == bench.network.parameters.count / network.towers)
  }

  /// Where the cache holds nothing, each image goes through the layers that follow a convolution
  /// before the next does.
  @Test(arguments: SmallNetworks.all, [1, 2])
  func aStepImageByImageAgreesWithTheReference(_ network: NetworkSpecification, _ threads: Int)
    throws
  {
    let bench = try NetworkBench(
      network, images: 5, capacity: 6, threads: threads, mapsInCache: 1)
    let (loss, activations, gradients) = try bench.errors()
    #expect(loss < 1e-5)
    for (name, error) in activations { #expect(error < 1e-5, "\(name)") }
    for (name, error) in gradients { #expect(error < 1e-4, "\(name)") }
    // Not a number depends on it.
    let whole = try NetworkBench(network, images: 5, capacity: 6, threads: threads)
    try bench.step()
    try whole.step()
    for (one, other) in zip(bench.network.parameters, whole.network.parameters) {
      #expect(one.gradient.values() == other.gradient.values(), "\(one.name)")
    }
  }

  /// With so many images a thread, maps are made and sent in four parts, or in two.
  @Test(arguments: [1, 2]) func aStepThatSendsInPartsAgreesWithTheReference(_ threads: Int) throws {
    let bench = try NetworkBench(
      SmallNetworks.sentInParts, images: 17, capacity: 19, threads: threads)
    #expect(bench.network.exchanges.map(\.parts.count) == [4 / threads, 4 / threads])
    let (loss, activations, gradients) = try bench.errors()
    #expect(loss < 1e-5)
    for (name, error) in activations { #expect(error < 1e-5, "\(name)") }
    for (name, error) in gradients { #expect(error < 1e-4, "\(name)") }
  }

  @Test func gradientsAreFiniteDifferencesOfTheLoss() throws {
    // Smooth units only: no kinks.
    let network = SmallNetworks.network(
      "smooth", side: 7, classes: 3,
      [
        SmallNetworks.conv("conv1", 4, Window(size: 3, stride: 2)), .tanh(name: "tanh1"),
        .responseNormalization(SmallNetworks.norm("norm1", size: 3)),
        .averagePooling(SmallNetworks.pool("pool1", 2, 1)),
        SmallNetworks.conv("conv2", 4, Window(size: 2, stride: 1), reads: .all),
        .tanh(name: "tanh2"),
        .dropout(name: "drop", probability: 0.3),
      ])
    let bench = try NetworkBench(network, images: 2)
    for parameter in bench.network.parameters {
      for other in bench.network.parameters { other.noteChange() }
      try bench.step()
      let analytic = parameter.gradient.values()
      let numeric = finiteDifferences(parameter.value.elements, step: 0x1p-6) {
        parameter.noteChange()
        return ((try? bench.step().lossSum) ?? .nan) / 2
      }
      #expect(relativeError(analytic, numeric) < 1e-3, "\(parameter.name)")
    }
  }

  @Test func repeatedStepsGiveTheSameResult() throws {
    let (first, second) = (
      try NetworkBench(SmallNetworks.alexNetLike(), images: 3),
      try NetworkBench(SmallNetworks.alexNetLike(), images: 3)
    )
    for number in 0..<4 {
      #expect(try first.step(number) == second.step(number))
      first.update(rate: 0.1)
      second.update(rate: 0.1)
    }
    let dropped = first.output(of: "drop4").values
    try first.step(77)
    #expect(first.output(of: "drop4").values != dropped)
  }

  @Test func trainingReducesTheLoss() throws {
    let bench = try NetworkBench(
      try SmallNetworks.alexNetLike().applying(.noDropout, recipe: .paper), images: 4)
    let first = try bench.step().lossSum
    for _ in 0..<60 {
      bench.update(rate: 0.05)
      try bench.step()
    }
    #expect(try bench.step().lossSum < first / 10)
  }

  @Test func inferenceNeedsNoGradientsAndScalesDropout() throws {
    let specification = SmallNetworks.alexNetLike()
    let trained = try NetworkBench(specification, images: 3)
    let placement = try Placement(towers: 2, over: TestWorld.shared.alone)
    let network = try Network(
      specification, placement: placement,
      options: NetworkOptions(batchSize: 3, threadsPerTower: 1, seed: 1, isTrained: false))
    #expect(network.parameters.allSatisfy { $0.gradient.count == 0 && $0.velocity.count == 0 })
    let pass = Pass(images: 3, isTraining: false)
    try network.forward(trained.input, pass)
    try trained.network.forward(trained.input, pass)
    #expect(network.logits.map { $0.values() } == trained.network.logits.map { $0.values() })
    // What drop4 makes is half of what it would have been without.
    let plain = try NetworkBench(try specification.applying(.noDropout, recipe: .paper), images: 3)
    try plain.network.forward(plain.input, pass)
    #expect(
      trained.output(of: "drop4").values == plain.output(of: "relu4").values.map { $0 / 2 })
  }

  @Test func initialWeightsAreTheSameOnOneTowerAndTwo() throws {
    let cifar = NetworkSpecification.cifarFourLayer(classes: 7)
    let two = try NetworkBench(cifar, images: 1)
    let one = try NetworkBench(try cifar.applying(.oneTower, recipe: .paper), images: 1)
    for layer in cifar.layers {
      let (split, whole) = (two.parameters(layer, .weight), one.parameters(layer, .weight))
      #expect(
        split.flatMap { $0.canonical($0.value) } == whole.flatMap { $0.canonical($0.value) })
    }
  }

  @Test func parametersAreListedLayerByLayerTowerByTower() throws {
    let bench = try NetworkBench(SmallNetworks.alexNetLike(), images: 1)
    let listed = bench.network.parameters.prefix(8).map { "\($0.name) \($0.kernels)" }
    #expect(
      listed == [
        "conv1.weight 0..<12", "conv1.bias 0..<12", "conv1.weight 12..<24", "conv1.bias 12..<24",
        "conv2.weight 0..<8", "conv2.bias 0..<8", "conv2.weight 8..<16", "conv2.bias 8..<16",
      ])
    #expect(bench.network.parameters.map(\.kernelCount).suffix(4) == [7, 7, 7, 7])
    #expect(bench.network.exchanges.map(\.name) == ["conv3", "fc4", "fc5", "last"])
    #expect(bench.network.output(of: "nothing", tower: 0) == nil)
  }

  @Test func kernelsOfDifferentLengthsInDifferentTowersAreRefused() {
    // 5 kernels give tower 0 three maps and tower 1 two, which conv2 would read alone.
    let network = SmallNetworks.network(
      "ragged",
      [
        SmallNetworks.conv("conv1", 5, Window(size: 3, stride: 1)),
        SmallNetworks.conv("conv2", 4, Window(size: 3, stride: 1)),
      ])
    let failure = #expect(throws: Failure.self) { try network.validate() }
    #expect(failure?.exitCode == .badData)
    #expect(failure?.message.contains("layer 'conv2'") == true)
  }
}
