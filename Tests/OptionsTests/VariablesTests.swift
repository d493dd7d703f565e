import Options
import System
import Testing

/// Variables of the environment that stand for options; the command is called `train`.
@Suite struct VariablesTests {
  private static let mode = Flag("mode", words: ["auto"], "A flag with a word.")
  private static let command = Command(
    "train", overview: "",
    groups: [("All", [Sample.batchSize, Sample.recipe, Sample.mask, Sample.resume, mode])])

  private func parse(_ words: [String], _ environment: [String: String]) throws -> Arguments {
    try Self.command.parse(words, environment: environment)
  }

  @Test func aVariableGivesWhatTheCommandLineDoesNot() throws {
    let environment = ["TRAIN_BATCH_SIZE": "64", "TRAIN_RECIPE": "mine", "TRAINING": "x", "A": "b"]
    let arguments = try parse(["--recipe", "paper"], environment)
    #expect(arguments[Sample.batchSize] == 64 && arguments[Sample.recipe] == "paper")
    #expect(arguments.variables == ["TRAIN_BATCH_SIZE=64"])
    #expect(
      Self.command.variables(in: environment) == ["TRAIN_BATCH_SIZE=64", "TRAIN_RECIPE=mine"])
    #expect(try parse([], [:]).variables.isEmpty)
  }

  @Test func aFlagsVariableIsOneZeroOrItsWord() throws {
    #expect(try parse([], ["TRAIN_RESUME": "1"])[Sample.resume])
    let none = try parse([], ["TRAIN_RESUME": "0"])
    #expect(!none[Sample.resume] && none.variables.isEmpty)
    #expect(try parse([], ["TRAIN_MODE": "auto"]).word(Self.mode) == "auto")
    #expect(try parse([], ["TRAIN_MODE": "1"]).word(Self.mode) == "")
    let complaint = usageComplaint { _ = try parse([], ["TRAIN_MODE": "yes"]) }
    #expect(complaint.contains("TRAIN_MODE"), "\(complaint)")
    #expect(complaint.contains("1 or 0 or auto there, not 'yes'"), "\(complaint)")
  }

  @Test func whatIsNotUnderstoodIsRefusedByItsName() {
    let unknown = usageComplaint { _ = try parse([], ["TRAIN_BATCHSIZE": "3"]) }
    #expect(unknown.contains("'TRAIN_BATCHSIZE'"), "\(unknown)")
    #expect(unknown.contains("did you mean TRAIN_BATCH_SIZE?"), "\(unknown)")
    #expect(usageComplaint { _ = try parse([], ["TRAIN_HELP": "1"]) }.contains("'TRAIN_HELP'"))
    // A hidden option is for the command line alone.
    let hidden = Option("inject", "FAULT", .text, isHidden: true, "A fault.")
    let other = Command("train", overview: "", groups: [("All", [hidden])])
    let forgotten = usageComplaint {
      _ = try other.parse([], environment: ["TRAIN_INJECT": "kill"])
    }
    #expect(forgotten.contains("stands for no option of train"), "\(forgotten)")
    let wrong = usageComplaint { _ = try parse([], ["TRAIN_BATCH_SIZE": "many"]) }
    #expect(wrong.contains("The variable TRAIN_BATCH_SIZE"), "\(wrong)")
    #expect(wrong.contains("a whole number from -9 to 1000, not 'many'"), "\(wrong)")
  }

  @Test func anotherWordBehindAFlagWithWordsIsRefusedWithThem() {
    let complaint = usageComplaint { _ = try parse(["--mode", "runs/mine"], [:]) }
    #expect(complaint == "--mode takes auto or no value, not 'runs/mine'.")
  }
}
