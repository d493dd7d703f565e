import Options
import System
import Testing

@Suite struct ArgumentsTests {
  /// Reads one option of a command that has no other.
  static func read<Value>(_ reading: Reading<Value>, _ words: String...) throws -> Value? {
    let option = Option("number", "X", reading, "A number.")
    return try Command("try", overview: "", groups: [("", [option])]).parse(words)[option]
  }

  @Test func integersWithinBoundsAreAccepted() throws {
    #expect(try Self.read(.integer(in: 1...1000), "--number", "32") == 32)
    #expect(try Self.read(.integer(in: -5...0), "--number", "-3") == -3)
    #expect(try Self.read(.integer(in: 1...1000)) == nil)
  }

  @Test(arguments: [
    "0", "1001", "-1", "", " 3", "3.0", "1e3", "0x10", "99999999999999999999", "ten",
  ])
  func otherIntegersAreRefused(_ text: String) {
    #expect(
      usageComplaint { _ = try Self.read(.integer(in: 1...1000), "--number", text) }
        == "--number takes a whole number from 1 to 1000, not '\(text)'.")
  }

  @Test func infiniteBoundsAreNotShown() {
    #expect(
      usageComplaint { _ = try Self.read(.integer(in: 1...Int.max), "--number", "0") }
        == "--number takes a whole number of 1 or more, not '0'.")
    #expect(
      usageComplaint {
        _ = try Self.read(.number(in: 0...Double.greatestFiniteMagnitude), "--number", "-1")
      } == "--number takes a number of 0 or more, not '-1'.")
  }

  @Test func numbersWithinBoundsAreAccepted() throws {
    #expect(try Self.read(.number(in: 0...1), "--number", "1e-3") == 0.001)
    #expect(try Self.read(.number(in: 0...1), "--number=1") == 1)
    #expect(try Self.read(.number(in: 0...1)) == nil)
  }

  @Test(arguments: ["nan", "inf", "-inf", "1e999", "2", "-0.1", "", "0,01", "0.01 "])
  func otherNumbersAreRefused(_ text: String) {
    #expect(
      usageComplaint { _ = try Self.read(.number(in: 0...1), "--number", text) }
        == "--number takes a number from 0 to 1, not '\(text)'.")
  }

  @Test func aListOfWordsIsAccepted() throws {
    let reading = Reading.word(of: ["paper", "code2012"])
    #expect(try Self.read(reading, "--number", "code2012") == "code2012")
    #expect(try Self.read(reading) == nil)
    #expect(
      usageComplaint { _ = try Self.read(reading, "--number", "Paper") }
        == "--number takes paper or code2012, not 'Paper'.")
  }

  private enum Fruit: String, CaseIterable, Sendable { case apple, pear, plum }

  @Test func enumerationCasesAreAccepted() throws {
    #expect(try Self.read(Reading<Fruit>.word, "--number", "pear") == .pear)
    #expect(
      usageComplaint {
        _ = try Self.read(Reading<Fruit>.word(of: [.apple, .plum]), "--number=pear")
      }
        == "--number takes apple or plum, not 'pear'.")
  }

  @Test func pathsAreNotEmpty() throws {
    #expect(try Self.read(.path, "--number", "a b/c") == "a b/c")
    #expect(
      usageComplaint { _ = try Self.read(.path, "--number=") }
        == "--number was given an empty value; leave it out or give a value.")
  }

  @Test(arguments: [("5%", 0.05), ("0.25", 0.25), ("99.5%", 0.995)])
  func sharesArePercentagesOrFractions(text: String, share: Double) throws {
    #expect(try Self.read(.share, "--number", text) == share)
  }

  @Test(arguments: ["0", "1", "100%", "5 %", "%", "nan", "-5%"])
  func otherSharesAreRefused(text: String) {
    #expect(
      usageComplaint { _ = try Self.read(.share, "--number", text) }
        == "--number takes a share between 0 and 1 such as 5% or 0.05, not '\(text)'.")
  }

  @Test(arguments: [("0", nil), ("1", 1.0), ("90.5", 90.5)] as [(String, Double?)])
  func aLimitIsSecondsOrZeroForNone(text: String, seconds: Double?) throws {
    #expect(try Self.read(.limit, "--number", text) == TimeLimit(seconds: seconds))
  }

  @Test(arguments: ["0.5", "-1", "1e7", "nan", ""])
  func otherLimitsAreRefused(text: String) {
    #expect(
      usageComplaint { _ = try Self.read(.limit, "--number", text) }
        == "--number takes 0 for no limit, or 1 to 1000000 seconds, not '\(text)'.")
  }

  @Test func anOmittedOptionHasItsDefault() throws {
    let size = Setting("size", "N", .integer(in: 1...9), default: 3, unit: "pixels", "A size.")
    let command = Command("try", overview: "", groups: [("", [size])])
    #expect(try command.parse([String]())[size] == 3)
    #expect(try command.parse(["--size", "7"])[size] == 7)
    #expect(command.helpText.contains("A size. [default: 3 pixels]"))
  }

  @Test func helpIgnoresOtherErrors() throws {
    let size = Setting("size", "N", .integer(in: 1...9), default: 3, "A size.")
    let command = Command("try", overview: "", groups: [("", [size])])
    #expect(try command.parse(["--size", "70", "--help"])[Command.help])
  }

  @Test func outputsAreNeitherEachOtherNorInputs() throws {
    let (one, two) = (Option("one", "FILE", .path, "One."), Option("two", "FILE", .path, "Two."))
    let other = Option("other", "FILE", .path, "Read.")
    let command = Command(
      "try", overview: "", takesOperands: true, groups: [("", [one, two, other])])
    // A file that there is, and where nothing is written.
    let file = "/proc/self/exe"
    func complaint(_ words: String...) -> String {
      usageComplaint { try command.parse(words).checkOutputs([one, two]) }
    }
    #expect(complaint("--one", "x", "--two", "./x").contains("--one and --two both write './x'"))
    try command.parse(["--one", "x", "--two", "y", "z"]).checkOutputs([one, two])
    #expect(complaint("--one", file, "--other", file).contains("--one would replace"))
    #expect(complaint("--one", file, file).contains("--one would replace"))
  }
}
