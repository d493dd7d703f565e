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
    var watch = HealthWatch(learningRate: 0.01)
    for step in [10, 100, 1000] { #expect(watch.note([Self.layer()], step: step).isEmpty) }
  }

  @Test(arguments: [
    (1e-12, 1.0, 0.0, "conv3 barely learns: update/weight ratio"), (1e-5, 3e5, 0, "they explode"),
    (1e-5, .infinity, 0, "they explode"), (1e-5, 0, 0.97, "97 % of the kernels of conv3"),
  ])
  func aProblemIsNamedOnceWithARemedy(
    _ update: Double, _ activation: Double, _ dead: Double, _ sentence: String
  ) {
    var watch = HealthWatch(learningRate: 0.01)
    let layer = Self.layer(update: update, activation: activation, dead: dead)
    let said = watch.note([layer], step: 100)
    #expect(said.count == 1 && said[0].contains(sentence) && said[0].contains("Try --"))
    #expect(watch.note([layer], step: 200).isEmpty)
  }

  @Test func slowLearningInTheFirstStepsIsNotReported() {
    var watch = HealthWatch(learningRate: 0.01)
    #expect(watch.note([Self.layer(update: 0)], step: 10).isEmpty)
  }
}
