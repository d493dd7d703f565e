import Options
import Testing

@Suite struct HintTests {
  private static let names = ["out", "learning-rate", "batch-size", "epochs", "seed", "data"]

  @Test(arguments: [
    ("lr", "learning-rate"), ("LR", "learning-rate"), ("bs", "batch-size"),
    ("batch_size", "batch-size"), ("batch", "batch-size"), ("epoch", "epochs"), ("sead", "seed"),
    ("learning-rat", "learning-rate"),
  ])
  func shortFormsAndMisspellingsAreFound(_ word: String, _ name: String) {
    #expect(Hint.nearest(to: word, among: Self.names) == name)
  }

  /// A wrong hint is worse than none.
  @Test(arguments: ["", "x", "ab", "gpu", "momentum"])
  func wordsThatResembleNothingGetNoHint(_ word: String) {
    #expect(Hint.nearest(to: word, among: Self.names) == nil)
  }
}
