import Layers
import Networks
import Planning
import Testing

@Suite struct MemoryEstimateTests {
  static let network = NetworkSpecification.alexNet(classes: 1000, recipe: .paper)

  @Test func aTowersParametersWorkedByHand() {
    let memory = MemoryEstimate(Self.network, owned: 0..<1, batchSize: 1, threadsPerTower: 1)
    // Weights; gradients and velocities; four batches of 224 x 224 pixels of three colours.
    #expect(memory.parameters == 4 * 30_482_612)
    #expect(memory.training == 8 * 30_482_612)
    #expect(memory.images == 4 * 4 * 224 * 224 * 3)
    let sum =
      memory.parameters + memory.training + memory.activations + memory.activationGradients
      + memory.images + memory.workspace
    #expect(memory.total == sum)
  }

  @Test func aTowersActivationsWorkedByHand() {
    let memory = MemoryEstimate(Self.network, owned: 1..<2, batchSize: 1, threadsPerTower: 1)
    // Outputs of conv, norm and pool layers, of fc layers, and what arrives from the other tower.
    let maps = 2 * 55 * 55 * 48 + 27 * 27 * 48 + 2 * 27 * 27 * 128 + 13 * 13 * 128
    let upper = 13 * 13 * (192 + 192 + 128) + 6 * 6 * 128 + 2048 + 2048 + 500
    let arriving = 121_344
    // A byte an output of a pool, a mask for each of fc6 and fc7.
    let winners = 27 * 27 * 48 + 13 * 13 * 128 + 6 * 6 * 128
    let masks = 4 * (2048 + 2048)
    #expect(memory.activations == 4 * (maps + upper) + arriving + winners + masks)
    // A buffer as large as conv1's output, and one in the place of norm1's, which is as large; what
    // goes and what comes at each cross-connection.
    #expect(memory.activationGradients == 4 * 55 * 55 * 48 + 2 * 121_344)
  }

  @Test func bothTowersInOneProcessSendNothing() {
    let both = MemoryEstimate(Self.network, owned: 0..<2, batchSize: 4, threadsPerTower: 1)
    let one = MemoryEstimate(Self.network, owned: 0..<1, batchSize: 4, threadsPerTower: 1)
    #expect(both.parameters == 2 * one.parameters && both.images == one.images)
    #expect(both.activations == 2 * (one.activations - 4 * 121_344))
  }

  @Test func aTowerThatReadsOneOtherReceivesOnlyItsMaps() throws {
    let pairs = try Self.network.applying(.fourTowersInPairs, recipe: .paper)
    let threes = try Self.network.applying(.fourTowersOfThree, recipe: .paper)
    let (two, three) = (
      MemoryEstimate(pairs, owned: 0..<1, batchSize: 1, threadsPerTower: 1, algorithm: .patches),
      MemoryEstimate(threes, owned: 0..<1, batchSize: 1, threadsPerTower: 1, algorithm: .patches)
    )
    // Another tower's 13x13x64 maps before conv3, the gradient for them, and its gradient for the
    // own.
    let maps = 4 * 13 * 13 * 64
    #expect(three.activations - two.activations == maps)
    #expect(three.activationGradients - two.activationGradients == 2 * maps)
    // 96 kernels of conv3 see 64 maps more.
    #expect(three.parameters - two.parameters == 4 * 96 * 9 * 64)
  }

  @Test func activationsGrowWithTheBatchAndParametersDoNot() {
    let small = MemoryEstimate(Self.network, owned: 0..<1, batchSize: 1, threadsPerTower: 1)
    let large = MemoryEstimate(Self.network, owned: 0..<1, batchSize: 128, threadsPerTower: 1)
    #expect(large.parameters == small.parameters && large.training == small.training)
    #expect(large.activations == 128 * small.activations)
  }
}
