import System
import Testing

/// Tables for a terminal.
@Suite struct ColumnsTests {
  @Test func cellsStandAtTheirEdges() {
    #expect(tableLine(["a", "12", "b"], [.left(3), .right(4), .left(0)]) == "a     12 b")
    #expect(tableLine(["a", "12"], [.left(3), .right(4)], gap: 2) == "a      12")
  }

  @Test func whatIsTooLongIsShownWhole() {
    #expect(tableLine(["longer", "12"], [.left(3), .right(1)]) == "longer 12")
  }

  @Test func columnsWithoutACellAreLeftOut() {
    #expect(tableLine(["a"], [.left(2), .right(4)]) == "a ")
  }
}
