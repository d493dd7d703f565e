import System
import Testing

/// What a narrow terminal shows of the living line.
struct StatusLineTests {
  private let line = "step 117/300  4 min 40 s left  loss 0.7841  error 35.2 %"

  @Test(arguments: [
    (56, "step 117/300  4 min 40 s left  loss 0.7841  error 35.2 %"),
    (55, "step 117/300  4 min 40 s left  loss 0.7841"),
    (42, "step 117/300  4 min 40 s left  loss 0.7841"),
    (41, "step 117/300  4 min 40 s left"),
    (5, "step 117/300"),
  ]) func theFirstPartsThatFitAreShown(_ columns: Int, _ shown: String) {
    #expect(StatusLine.fitted(line, columns: columns) == shown)
  }

  @Test func allIsShownWhereTheWidthIsNotKnown() {
    #expect(StatusLine.fitted(line, columns: nil) == line)
  }
}
