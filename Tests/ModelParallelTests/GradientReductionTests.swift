import Layers
import MPI
import ModelParallel
import Networks
import System
import Tensors
import TestSupport
import Testing

/// Every rank is a replica of its own here.
@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct GradientReductionAcrossRanksTests {
  static let world = TestWorld.shared.all

  static func placement() throws -> Placement { try Placement(towers: 1, over: world) }

  static func numbers(_ count: Int, of rank: Int, seed: Int) -> [Float] {
    var random = SmallRandom(UInt64(100 * seed + rank + 1))
    return random.uniforms(count, scale: 1)
  }

  @Test(arguments: MessageProgress.Mode.allCases, [WireFormat.fp32, .bf16, .fp16])
  func everyReplicaGetsTheSameSum(_ mode: MessageProgress.Mode, _ format: WireFormat) throws {
    let placement = try Self.placement()
    let progress = try MessageProgress(placement.all, mode: mode)
    let reduction = try #require(
      try GradientReduction(
        placement, format: format, progress: progress, pieceLength: 4096))
    // One number, fewer than there are ranks, an odd count, more than a piece, more than all pieces
    // under way.
    let counts = [1, 3, 1001, 4099, 50_000]
    for round in 0..<2 {
      let tensors = counts.enumerated().map { number, count in
        Tensor(
          [count], values: Self.numbers(count, of: Self.world.rank, seed: 10 * round + number),
          then: .nan)
      }
      for (number, tensor) in tensors.enumerated() { reduction.start(tensor, number: number) }
      try reduction.finish()
      for (number, tensor) in tensors.enumerated() {
        var sum = [Double](repeating: 0, count: counts[number])
        for rank in 0..<Self.world.size {
          let part = Self.numbers(counts[number], of: rank, seed: 10 * round + number)
          for i in sum.indices { sum[i] += Double(part[i]) }
        }
        #expect(relativeError(tensor.values(), sum) < (format == .fp32 ? 1e-6 : 1e-2))
        // The same bits everywhere: the largest and the smallest of each are one.
        let own = tensor.values()
        var (largest, smallest) = (own, own)
        try Self.world.allReduce(&largest, .max)
        try Self.world.allReduce(&smallest, .min)
        #expect(largest == own && smallest == own)
      }
    }
    // Each way, all but the own part: 2 (R - 1) / R of the whole; parts may be uneven by a number a
    // piece.
    let ranks = Self.world.size
    let whole = 2 * counts.reduce(0) { $0 + format.bytes(of: $1) }
    let least = 2 * (ranks - 1) * whole / ranks
    #expect(abs(reduction.bytes - least) < 2 * 2 * 40 * ranks * 8)
  }

  @Test func aReplicaWithDifferentWeightsIsNamed() throws {
    let placement = try Self.placement()
    let parameters = ["conv1.weight", "fc2.weight"].map { name in
      let parameter = Parameter(
        name: name, role: .weight, kernels: 0..<7, kernelCount: 7,
        layout: ParameterLayout(
          kernels: 7, of: WeightShape(height: 3, width: 3, sliceMaps: [5], isFlat: false)),
        initialDeviation: 0.1, initialMean: 0, isTrained: false)
      parameter.initialize(seed: 1)
      return parameter
    }
    let check = ReplicaCheck(placement)
    try check.compare(parameters, step: 7)
    // The least change that there is, in the last number of the last replica.
    let last = parameters[1].value
    if Self.world.rank == Self.world.size - 1 {
      last.pointer[last.count - 1] = last.pointer[last.count - 1].nextUp
    }
    let failure = #expect(throws: Failure.self) { try check.compare(parameters, step: 8) }
    #expect(failure?.exitCode == .ranksDisagree)
    #expect(failure?.message.contains("After step 8") == true)
    #expect(failure?.message.contains("fc2.weight") == true)
    if Self.world.size == 4 { #expect(failure?.message.contains("replica 3 holds") == true) }
  }
}
