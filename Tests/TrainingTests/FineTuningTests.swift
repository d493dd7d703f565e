import Networks
import Testing
import Training

/// What a run that is fine-tuned says of its layers.
struct FineTuningTests {
  private let network = NetworkSpecification.cifarFourLayer(classes: 10)

  @Test func everyLayerIsAccountedFor() {
    var tuning = FineTuning(file: "base.safetensors", reset: ["fc10"])
    tuning.learningRateFactors = ["conv1": 0, "conv2": 0, "conv3": 0.1, "fc10": 1]
    #expect(
      tuning.sentence(of: network, isNew: true)
        == "Fine-tuning: conv1, conv2 and conv3 begin with the weights of 'base.safetensors'; "
        + "fc10 begins with initial values; conv1 and conv2 are frozen; conv3 has 0.1 times the "
        + "learning rate.")
    // One that goes on has its own weights.
    #expect(
      tuning.sentence(of: network, isNew: false)
        == "Fine-tuning: conv1 and conv2 are frozen; conv3 has 0.1 times the learning rate.")
    #expect(FineTuning().sentence(of: network, isNew: true) == nil)
  }
}
