import Layers
import MPI
import ModelParallel
import Networks
import Planning
import Tensors
import TestSupport
import Testing
import Towers

/// Replicas that share a batch, against one process that computes all of it.
@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct ReplicasAcrossRanksTests {
  static let world = TestWorld.shared.all

  /// Four ranks are two pairs; two ranks have a whole network each, and so have four in two groups
  /// of two.
  static func placement(
    _ network: NetworkSpecification, _ scheme: FullyConnectedScheme
  ) throws -> Placement {
    try Placement(
      towers: network.towers, over: world,
      towersPerRank: world.size == 2 || scheme == .groups(2) ? 2 : 1)
  }

  /// Two groups need four replicas.
  static let schemes: [FullyConnectedScheme] =
    [.data, .model] + (TestWorld.size == 4 ? [.groups(2)] : [])

  /// A replica's part of what `whole` computes.
  struct Replica {
    let network: Network
    let input: Tensor
    let labels: [Int32]
    let images: Range<Int>
    let batch: Int

    init(
      _ whole: NetworkBench, scheme: FullyConnectedScheme, formats: WireFormats = WireFormats(),
      frozen: Set<String> = []
    ) throws {
      let specification = whole.network.specification
      batch = whole.images
      let placement = try ReplicasAcrossRanksTests.placement(specification, scheme)
      images = placement.images(of: batch)
      network = try Network(
        specification, placement: placement,
        options: NetworkOptions(
          batchSize: batch, threadsPerTower: 1, seed: 1, isTrained: true,
          frozenLayers: frozen, scheme: scheme, formats: formats))
      input = Tensor(whole.input, rows: images)
      labels = Array(whole.labels[images])
    }

    func step(_ number: Int) throws -> ParallelSoftmax.Score {
      let pass = Pass(
        images: images.count, isTraining: true, step: number, firstImage: images.lowerBound,
        batch: batch)
      try network.forward(input, pass)
      let score = try network.score(labels, pass)
      network.differentiateLoss(pass)
      try network.backward(input, pass)
      return score
    }

    func update(rate: Float) {
      for parameter in network.parameters {
        parameter.noteChange()
        for i in 0..<parameter.value.count {
          parameter.value.pointer[i] -= rate * parameter.gradient.pointer[i]
        }
      }
    }

    /// The largest relative error of a parameter's gradient against the whole network's.
    func error(against whole: NetworkBench, except frozen: Set<String> = []) -> Double {
      network.parameters.filter { parameter in
        !frozen.contains { parameter.name.hasPrefix($0 + ".") }
      }.reduce(0) { worst, parameter in
        // The whole network has two towers a tensor; this rank's kernels may be of one, the other,
        // or both.
        let rows = whole.network.parameters.filter { $0.name == parameter.name }
          .sorted { $0.kernels.lowerBound < $1.kernels.lowerBound }
          .flatMap { $0.canonical($0.gradient) }
        let length = parameter.layout.kernelLength
        let (low, high) = (parameter.kernels.lowerBound, parameter.kernels.upperBound)
        return max(
          worst,
          relativeError(
            parameter.canonical(parameter.gradient), rows[(low * length)..<(high * length)]))
      }
    }
  }

  @Test(arguments: ReplicasAcrossRanksTests.schemes, [4, 5])
  func stepsEqualOneProcess(_ scheme: FullyConnectedScheme, _ images: Int) throws {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: images)
    let replica = try Replica(whole, scheme: scheme)
    #expect(replica.network.scheme == scheme)
    for number in 0..<4 {
      let (score, expected) = (try replica.step(number), try whole.step(number))
      #expect(score.images == images && abs(score.lossSum / expected.lossSum - 1) < 1e-5)
      #expect(score.top1Errors == expected.top1Errors)
      #expect(replica.error(against: whole) < 2e-5)
      replica.update(rate: 0.02)
      whole.update(rate: 0.02)
      try replica.network.compareReplicas(step: number)
    }
  }

  @Test(arguments: ReplicasAcrossRanksTests.schemes)
  func bytesSentEqualThePrediction(_ scheme: FullyConnectedScheme) throws {
    let network = SmallNetworks.alexNetLike()
    let whole = try NetworkBench(network, images: 6)
    let replica = try Replica(whole, scheme: scheme)
    _ = try replica.step(0)
    guard replica.network.placement.all.rank == 0 else { return }
    let placement = replica.network.placement
    let volume = CommunicationVolume(
      network, ranksPerReplica: placement.group.size, replicas: placement.replicas, batchSize: 6,
      scheme: scheme, formats: WireFormats())
    for boundary in volume.boundaries {
      let sent = replica.network.traffic.first { $0.name == boundary.name }?.bytes ?? 0
      // Parts of a gradient may be uneven by a number each.
      let slack = boundary.isGradient ? 8 * replica.network.parameters.count : 0
      #expect(abs(sent - boundary.bytes) <= slack, "\(boundary.name): \(sent), \(boundary.bytes)")
    }
    #expect(
      replica.network.traffic.filter { $0.bytes > 0 }.map(\.name) == volume.boundaries.map(\.name))
  }

  @Test(arguments: [WireFormat.bf16, .fp16], ReplicasAcrossRanksTests.schemes)
  func sixteenBitMessagesChangeLittle(_ format: WireFormat, _ scheme: FullyConnectedScheme) throws {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: 5)
    let replica = try Replica(
      whole, scheme: scheme, formats: WireFormats(activations: format, gradients: format))
    let (score, expected) = (try replica.step(0), try whole.step(0))
    #expect(abs(score.lossSum / expected.lossSum - 1) < 0.02)
    #expect((1e-6..<0.05).contains(replica.error(against: whole)))
    replica.update(rate: 0.02)
    try replica.network.compareReplicas(step: 1)
  }

  @Test(arguments: ReplicasAcrossRanksTests.schemes)
  func eachKernelIsSavedByOneRank(_ scheme: FullyConnectedScheme) throws {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: 4)
    let replica = try Replica(whole, scheme: scheme)
    for parameter in whole.network.parameters {
      for kernel in [parameter.kernels.lowerBound, parameter.kernels.upperBound - 1] {
        let own = replica.network.savedParameters.count {
          $0.name == parameter.name && $0.kernels.contains(kernel)
        }
        #expect(try Self.world.allReduce(Int64(own), .sum) == 1, "\(parameter.name)")
      }
    }
  }

  @Test(arguments: ReplicasAcrossRanksTests.schemes)
  func theLastBatchMayLeaveReplicasWithoutImages(_ scheme: FullyConnectedScheme) throws {
    let whole = try NetworkBench(SmallNetworks.alexNetLike(), images: 4)
    let replica = try Replica(whole, scheme: scheme)
    // One image of four: the first replica has it.
    let own = replica.images.clamped(to: 0..<1)
    let pass = Pass(images: own.count, isTraining: false, batch: 1)
    try replica.network.forward(replica.input, pass)
    let score = try replica.network.score(Array(whole.labels[own]), pass)
    let one = Pass(images: 1, isTraining: false)
    try whole.network.forward(whole.input, one)
    let expected = try whole.network.score(Array(whole.labels[..<1]), one)
    #expect(score.images == 1 && abs(score.lossSum / expected.lossSum - 1) < 1e-5)
  }
}
