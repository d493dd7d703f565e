import Layers
import Networks
import System
import Tensors
import Testing
import Towers
import Training

/// Ten steps of the update rule against PyTorch's `torch.optim.SGD`, in double precision.
///
/// The loss is sum of c (w - t)^2 / 2 over three weights and two biases. PyTorch's velocity does not
/// contain the rate, so it was rescaled there where the rate changed (Goyal et al. 2017, 2.1).
@Suite struct OptimiserTests {
  private static func parameter(_ name: String, _ role: Parameter.Role, _ values: [Float])
    -> Parameter
  {
    let parameter = Parameter(
      name: name, role: role, kernels: 0..<values.count, kernelCount: values.count,
      layout: .biases(kernels: values.count), initialDeviation: 0, initialMean: 0, isTrained: true)
    for (place, value) in values.enumerated() { parameter.value.pointer[place] = value }
    return parameter
  }

  /// The weights and biases after ten steps, each an epoch.
  static func tenSteps(_ recipe: Recipe) -> [Double] {
    let parameters = [
      parameter("x.weight", .weight, [1, -2, 3]), parameter("x.bias", .bias, [0.5, -0.25]),
    ]
    let curvatures: [[Float]] = [[1, 2, 4], [3, 0.5]]
    let targets: [[Float]] = [[0.5, 0.25, -1], [0, 1]]
    let rule = SGD(recipe)
    let plan = RunPlan(
      TrainingSettings(
        network: .alexNet(classes: 10, recipe: .paper), recipe: recipe, dataset: "/data",
        datasetChecksum: "", seed: 1, maxSteps: nil, validateEvery: nil, checkpointEvery: nil,
        keptCheckpoints: 1, algorithm: .automatic, threadsPerTower: 1),
      images: recipe.batchSize, validates: false, mayGoBack: false)
    var state = TrainingState()
    for step in 0..<10 {
      state.step = step
      for (parameter, (curvature, target)) in zip(parameters, zip(curvatures, targets)) {
        for i in curvature.indices {
          parameter.gradient.pointer[i] = curvature[i] * (parameter.value.pointer[i] - target[i])
        }
      }
      func squares(_ tensor: Tensor) -> Double {
        (0..<tensor.count).reduce(0) { $0 + Double(tensor.pointer[$1] * tensor.pointer[$1]) }
      }
      let norms = TensorNorms(
        parameters.map {
          (
            $0.name,
            TensorNorms.Squares(gradient: squares($0.gradient), value: squares($0.value))
          )
        })
      rule.update(
        parameters, learningRate: plan.learningRate(state), rateFactor: plan.rateFactor(state),
        norms: rule.needsNorms ? norms : nil, team: ThreadTeam(count: 1))
    }
    return parameters.flatMap { parameter in
      (0..<parameter.value.count).map { Double(parameter.value.pointer[$0]) }
    }
  }

  static func isClose(_ own: [Double], _ other: [Double]) -> Bool {
    zip(own, other).allSatisfy { abs($0 - $1) < 3e-6 } && own.count == other.count
  }

  static var recipe: Recipe {
    var recipe = Recipe.paper
    recipe.learningRate = 0.05
    recipe.schedule = .constant
    return recipe
  }

  @Test func tenStepsOfTheRuleArePyTorchs() {
    let own = Self.tenSteps(Self.recipe)
    let torch = [
      0.3440396539105627, 1.574630534516291, -0.9815174757655769, -0.1853111282831077,
      0.7845411458696292,
    ]
    #expect(Self.isClose(own, torch), "\(own)")
  }

  /// `CosineAnnealingLR` times `LinearLR`, and `clip_grad_norm_`, which is in force in most steps.
  @Test func tenClippedStepsOfAWarmUpAndACosineArePyTorchs() {
    var recipe = Self.recipe
    recipe.schedule = .cosine(epochs: 10)
    (recipe.warmUp, recipe.clipNorm) = (4, 1)
    let own = Self.tenSteps(recipe)
    let torch = [
      0.9692049124939462, -1.7289748096055741, 2.0574202897790967, 0.4106376692124051,
      -0.21180338639540341,
    ]
    #expect(Self.isClose(own, torch), "\(own)")
  }

  /// LARS written out in PyTorch over its SGD: each step a layer's weights and biases have the local
  /// rate of the weights.
  @Test func tenStepsOfLARSAreItsFormula() {
    var recipe = Self.recipe
    recipe.trust = 0.5
    let own = Self.tenSteps(recipe)
    let torch = [
      0.8893222208934449, -1.0533520079364476, -0.03981718761112467, 0.20004596354085283,
      -0.10827919066049982,
    ]
    #expect(Self.isClose(own, torch), "\(own)")
  }

  /// Biases that do not follow the schedule warm up all the same.
  @Test func theWarmUpHoldsForBiasesThatDoNotAnneal() {
    var recipe = Recipe.code2012
    (recipe.learningRate, recipe.momentum, recipe.warmUp) = (0.5, 0, 4)
    let bias = Self.parameter("b", .bias, [0])
    bias.gradient.pointer[0] = 1
    // Twice 0.5, of which a quarter; the weights' rate has fallen.
    SGD(recipe).update(
      [bias], learningRate: 0.01, rateFactor: 0.25, team: ThreadTeam(count: 1))
    #expect(bias.value.pointer[0] == -0.25)
  }

  @Test func aGradientThatIsNotFiniteIsNotHiddenByClipping() {
    var recipe = Self.recipe
    recipe.clipNorm = 1
    for bad in [Float.infinity, .nan] {
      let weight = Self.parameter("w", .weight, [1, 2])
      weight.gradient.pointer[1] = bad
      let squares = TensorNorms.Squares(gradient: Double(bad * bad), value: 5)
      let found = SGD(recipe).update(
        [weight], learningRate: 0.1, norms: TensorNorms([("w", squares)]),
        team: ThreadTeam(count: 1))
      #expect(found == 0)
    }
  }
}
