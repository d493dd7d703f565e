import Options
import System
import Testing

@Suite struct DurationTests {
  private static let time = Option("time", "TIME", .time, "")
  private static let resume = Flag("resume", words: ["auto", "latest-good"], "")
  private let command = Command("try", overview: "", groups: [("", [time, resume])])

  @Test(arguments: [
    ("90", 90.0), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("2d", 172_800), ("1:30", 90),
    ("23:30:05", 84_605),
  ]) func durationsAreParsedInAllForms(text: String, seconds: Double) throws {
    #expect(try command.parse(["--time", text])[Self.time] == seconds)
  }

  @Test(arguments: [
    "", "s", "-5", "5x", "1:2:3:4", "1:", "nan", "inf", "1e3", "1:30m", "1:99:99", "1:60", "0", "٣",
  ])
  func invalidDurationsAreRefused(text: String) {
    #expect(throws: Failure.self) { try command.parse(["--time", text]) }
  }

  @Test func aFlagTakesOneOfItsWordsOrNoValue() throws {
    #expect(try command.parse(["--resume"]).word(Self.resume) == "")
    #expect(try command.parse(["--resume", "auto"]).word(Self.resume) == "auto")
    #expect(try command.parse(["--resume=latest-good"]).word(Self.resume) == "latest-good")
    #expect(try command.parse(["--resume", "--time", "5"]).word(Self.resume) == "")
    #expect(throws: Failure.self) { try command.parse(["--resume=newest"]) }
    #expect(throws: Failure.self) { try command.parse(["--resume", "newest"]) }
    #expect(command.helpText.contains("--resume [auto|latest-good]"))
  }
}
