import Layers
import System
import Tensors
import Testing
import Training

@Suite struct SGDTests {
  private func parameter(_ role: Parameter.Role) -> Parameter {
    let parameter = Parameter(
      name: "test", role: role, kernels: 0..<1, kernelCount: 1, layout: .biases(kernels: 1),
      initialDeviation: 0, initialMean: 2, isTrained: true)
    parameter.initialize(seed: 1)
    parameter.gradient.fill(3)
    parameter.velocity.fill(0.5)
    return parameter
  }

  @Test func oneStepByHand() {
    let weight = parameter(.weight)
    // v = 0.9 * 0.5 - 0.0005 * 0.01 * 2 - 0.01 * 3 = 0.41999; w = 2 + v.
    SGD(.paper).update([weight], learningRate: 0.01, team: ThreadTeam(count: 1))
    // In single precision; decay is 1e-5 of it.
    #expect(abs(weight.velocity.pointer[0] - 0.41999) < 1e-7)
    #expect(abs(weight.value.pointer[0] - 2.41999) < 3e-7)
  }

  @Test func inThePapersRecipeBiasesLearnLikeWeights() {
    let bias = parameter(.bias)
    SGD(.paper).update([bias], learningRate: 0.001, team: ThreadTeam(count: 1))
    #expect(abs(bias.velocity.pointer[0] - (0.45 - 0.000001 - 0.003)) < 1e-6)
  }

  @Test func inCode2012BiasesLearnTwiceAsFastWithoutDecayOrAnnealing() {
    let bias = parameter(.bias)
    // The weights' rate has fallen to 0.001; the biases' stays at 2 * 0.01.
    SGD(.code2012).update([bias], learningRate: 0.001, team: ThreadTeam(count: 1))
    #expect(abs(bias.velocity.pointer[0] - (0.45 - 0.06)) < 1e-6)
  }

  @Test func aParametersOwnFactorScalesItsRateAndItsDecay() {
    // Powers of two, so that every product is exact, and a weight so large that decay is most of
    // the update.
    let weight = parameter(.weight)
    weight.value.fill(1024)
    weight.gradient.fill(0.5)
    weight.velocity.fill(16)
    var recipe = Recipe.paper
    recipe.momentum = 0.5
    recipe.weightDecay = 0.25
    let rule = SGD(recipe, factors: ["test": 0.125, "another": 5])
    rule.update([weight], learningRate: 0.5, team: ThreadTeam(count: 1))
    // The rate is 0.0625: v = 0.5 * 16 - 0.25 * 0.0625 * 1024 - 0.0625 * 0.5 = 8 - 16 - 0.03125; w
    // = 1024 + v.
    #expect(weight.velocity.pointer[0] == -8.03125)
    #expect(weight.value.pointer[0] == 1015.96875)
  }

  @Test func aFrozenParameterDoesNotChangeByABit() {
    let weight = parameter(.weight)
    let version = weight.version
    SGD(.paper, factors: ["test": 0]).update(
      [weight], learningRate: 0.01, team: ThreadTeam(count: 1))
    // It has no velocity that a later step, or whoever looks at the layers' health, could take for
    // one.
    #expect(weight.value.pointer[0] == 2 && weight.velocity.pointer[0] == 0)
    // What was computed from it stays good.
    #expect(weight.version == version)
  }

  @Test func aLayersScheduleScalesWeightsAndBiasesByEpoch() {
    let rates = [
      LayerRate(fromEpoch: 67, weights: 0.1, biases: 1),
      LayerRate(fromEpoch: 72, weights: 0, biases: 0),
    ]
    let rule = SGD(.code2012, schedules: ["test": rates])
    func velocity(_ role: Parameter.Role, _ epoch: Int) -> Float {
      let parameter = parameter(role)
      rule.update([parameter], learningRate: 1e-4, epoch: epoch, team: ThreadTeam(count: 1))
      if epoch >= 72 { #expect(parameter.value.pointer[0] == 2) }
      return parameter.velocity.pointer[0]
    }
    // v = 0.45 - 0.0005 * rate * 2 - rate * 3, the biases' rate 0.02 without decay.
    #expect(abs(velocity(.weight, 66) - 0.4496999) < 1e-7)
    #expect(abs(velocity(.weight, 67) - 0.44996999) < 1e-7)
    #expect(velocity(.weight, 72) == 0)
    #expect(abs(velocity(.bias, 66) - 0.39) < 1e-6)
    #expect(velocity(.bias, 71) == velocity(.bias, 66))
    #expect(velocity(.bias, 72) == 0)
  }

  @Test(arguments: [Float.infinity, -.infinity, .nan]) func theFirstNonFiniteParameterIsReported(
    number: Float
  ) {
    func parameters() -> [Parameter] {
      (0..<3).map { _ in
        let parameter = Parameter(
          name: "test", role: .weight, kernels: 0..<1000, kernelCount: 1000,
          layout: .biases(kernels: 1000), initialDeviation: 0, initialMean: 2, isTrained: true)
        parameter.initialize(seed: 1)
        return parameter
      }
    }
    let team = ThreadTeam(count: 3)
    let whole = parameters()
    #expect(SGD(.paper).update(whole, learningRate: 0.01, team: team) == nil)
    for place in [0, 500, 999] {
      let nonFinite = parameters()
      nonFinite[2].gradient.pointer[place] = number
      nonFinite[1].velocity.pointer[place] = number
      #expect(SGD(.paper).update(nonFinite, learningRate: 0.01, team: team) == 1)
    }
    let large = parameters()
    large[0].gradient.fill(.greatestFiniteMagnitude)
    #expect(
      SGD(.paper).update(large, learningRate: 0.01, team: team) == nil,
      "large is not infinite")
    #expect(SGD(.paper).update(large, learningRate: 1e6, team: team) == 0, "the weights overflow")
  }

  /// Kernels that were transformed before an update are those of other weights.
  @Test func anUpdateMakesWhatWasComputedFromTheWeightsStale() {
    let (weight, frozen) = (parameter(.weight), parameter(.weight))
    let versions = (weight.version, frozen.version)
    SGD(.paper).update([weight], learningRate: 0.01, team: ThreadTeam(count: 1))
    SGD(.paper, factors: ["test": 0]).update(
      [frozen], learningRate: 0.01, team: ThreadTeam(count: 1))
    #expect(weight.version != versions.0 && frozen.version == versions.1)
  }
}
