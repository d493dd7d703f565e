import TestSupport
import Testing

/// Help and hints, as a user asks for them.
@Suite struct HelpTests {
  @Test func helpOfASubcommandIsFoundBothWays() throws {
    let outcome = try Program.alexnet(ranks: nil, ["help", "evaluate"])
    #expect(outcome.code == 0 && outcome.output.contains("--crops"), "\(outcome.error)")
    #expect(try outcome.output == Program.alexnet(ranks: nil, ["evaluate", "--help"]).output)
    let unknown = try Program.alexnet(ranks: nil, ["help", "evalute"])
    #expect(unknown.code == 64 && unknown.error.contains("did you mean evaluate?"))
  }

  @Test func hintsLeadToWhatWasMeant() throws {
    let train = try Program.alexnet(ranks: nil, ["train"])
    #expect(train.code == 64 && train.error.contains("'alexnet-train' trains"), "\(train.error)")
    let rate = try Program.train(ranks: nil, ["--lr", "0.1"])
    #expect(
      rate.code == 64 && rate.error.contains("did you mean --learning-rate?"), "\(rate.error)")
  }
}
