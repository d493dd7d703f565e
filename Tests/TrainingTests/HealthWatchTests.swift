import Networks
import Testing
import Training

/// What ails a layer is named once, with a remedy.
@Suite struct HealthWatchTests {
  static func layer(
    update: Double = 1e-5, activation: Double = 1, dead: Double = 0
  ) -> LayerHealth {
    LayerHealth(
      name: "conv3", weight: 0.01, gradient: 1e-4, update: update, activation: activation,
      deadShare: dead)
  }

  @Test func aHealthyLayerIsNotMentioned() {
    var watch = HealthWatch(Remedies(.paper, network: "alexnet", isFineTuned: false))
    for step in [10, 100, 1000] { #expect(watch.note([Self.layer()], step: step).isEmpty) }
  }

  @Test(arguments: [
    (1e-12, 1.0, 0.0, "conv3 barely learns: update/weight ratio"), (1e-5, 3e5, 0, "they explode"),
    (1e-5, .infinity, 0, "they explode"), (1e-5, 0, 0.97, "97 % of the kernels of conv3"),
  ])
  func aProblemIsNamedOnceWithARemedy(
    _ update: Double, _ activation: Double, _ dead: Double, _ sentence: String
  ) {
    var watch = HealthWatch(Remedies(.paper, network: "alexnet", isFineTuned: false))
    let layer = Self.layer(update: update, activation: activation, dead: dead)
    let said = watch.note([layer], step: 100)
    #expect(said.count == 1 && said[0].contains(sentence) && said[0].contains("Try --"))
    #expect(watch.note([layer], step: 200).isEmpty)
  }

  @Test func slowLearningInTheFirstStepsIsNotReported() {
    var watch = HealthWatch(Remedies(.paper, network: "alexnet", isFineTuned: false))
    #expect(watch.note([Self.layer(update: 0)], step: 10).isEmpty)
  }

  /// Small updates before a dead layer come of it, so that a larger rate is no remedy, then or later.
  @Test func adviceDoesNotTurnRound() {
    var watch = HealthWatch(Remedies(.paper, network: "alexnet", isFineTuned: false))
    let still = LayerHealth(
      name: "conv2", weight: 0.01, gradient: 0, update: 1e-12, activation: 1, deadShare: 0)
    let said = watch.note([still, Self.layer(dead: 1)], step: 100)
    #expect(said.count == 2)
    #expect(said[0].hasSuffix("ratio 1.0e-10."), "\(said)")
    #expect(said[1].contains("--learning-rate 0.001"), "\(said)")
    let later = watch.note([Self.layer(update: 1e-12)], step: 200)
    #expect(later.count == 1 && !later[0].contains("Try"), "\(later)")
  }

  @Test func whatIsGivenIsNotAdvised() {
    var recipe = Recipe.named(.code2012)
    recipe.batchSize = 16
    let small = Remedies(recipe, network: "alexnet", isFineTuned: false).sentence(.smaller)
    #expect(small == " Try --learning-rate 0.001.")
    let tuned = Remedies(.paper, network: "alexnet", isFineTuned: true).sentence(.smaller)
    #expect(tuned == " Try --learning-rate 0.001, or a --batch-size below 128.")
  }
}
