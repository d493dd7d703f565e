import Options
import System
import Testing

@Suite struct ArgumentsTests {
  static func arguments(_ words: String...) throws -> Arguments { try sampleCommand.parse(words) }

  @Test func wholeNumbersWithinBounds() throws {
    #expect(try Self.arguments("--batch-size", "32").integer("batch-size", in: 1...1000) == 32)
    #expect(try Self.arguments("--batch-size", "-3").integer("batch-size", in: -5...0) == -3)
    #expect(try Self.arguments().integer("batch-size", in: 1...1000) == nil)
  }

  @Test(arguments: [
    "0", "1001", "-1", "", " 3", "3.0", "1e3", "0x10", "99999999999999999999", "ten",
  ])
  func otherWholeNumbersAreRefused(_ text: String) {
    #expect(
      usageComplaint {
        _ = try Self.arguments("--batch-size", text).integer("batch-size", in: 1...1000)
      } == "--batch-size takes a whole number from 1 to 1000, not '\(text)'.")
  }

  @Test func aBoundThatIsNoneIsNotShown() {
    #expect(
      usageComplaint {
        _ = try Self.arguments("--batch-size", "0").integer("batch-size", in: 1...Int.max)
      } == "--batch-size takes a whole number of 1 or more, not '0'.")
    #expect(
      usageComplaint {
        _ = try Self.arguments("--learning-rate", "-1")
          .number("learning-rate", in: 0...Double.greatestFiniteMagnitude)
      } == "--learning-rate takes a number of 0 or more, not '-1'.")
  }

  @Test func numbersWithinBounds() throws {
    #expect(
      try Self.arguments("--learning-rate", "1e-3").number("learning-rate", in: 0...1) == 0.001)
    #expect(try Self.arguments("--learning-rate=1").number("learning-rate", in: 0...1) == 1)
    #expect(try Self.arguments().number("learning-rate", in: 0...1) == nil)
  }

  @Test(arguments: ["nan", "inf", "-inf", "1e999", "2", "-0.1", "", "0,01", "0.01 "])
  func otherNumbersAreRefused(_ text: String) {
    #expect(
      usageComplaint {
        _ = try Self.arguments("--learning-rate", text).number("learning-rate", in: 0...1)
      } == "--learning-rate takes a number from 0 to 1, not '\(text)'.")
  }

  @Test func oneOfSomeWords() throws {
    let words = ["paper", "code2012"]
    #expect(try Self.arguments("--recipe", "code2012").choice("recipe", of: words) == "code2012")
    #expect(try Self.arguments().choice("recipe", of: words) == nil)
    #expect(
      usageComplaint { _ = try Self.arguments("--recipe", "Paper").choice("recipe", of: words) }
        == "--recipe takes paper or code2012, not 'Paper'.")
  }
}
