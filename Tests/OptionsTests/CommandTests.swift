import Options
import System
import Testing

/// The command that these tests read.
let sampleCommand = Command(
  "train", overview: "Trains.", synopsis: "[options]",
  groups: [
    (
      "Data",
      [
        Option("data", "DIR", "Where the images are."),
        Option("mask", "M", repeats: true, "May be repeated."),
      ]
    ),
    (
      "Training",
      [
        Option("batch-size", "N", default: "128 images", "Images a step."),
        Option("learning-rate", "X", default: "0.01", "The first learning rate."),
        Option("recipe", "NAME", default: "paper", "Which source to follow."),
        .flag("resume", "Go on where the run stopped."),
      ]
    ),
  ])

/// The sentence of the usage failure that a body ends with.
func usageComplaint(
  _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) -> String {
  do {
    try body()
    Issue.record("No failure.", sourceLocation: sourceLocation)
    return ""
  } catch let failure as Failure {
    #expect(failure.exitCode == .usage, sourceLocation: sourceLocation)
    return failure.message
  } catch {
    Issue.record("\(error)", sourceLocation: sourceLocation)
    return ""
  }
}

@Suite struct CommandTests {
  @Test func valuesFollowTheirOptionOrAnEqualsSign() throws {
    let arguments = try sampleCommand.parse(["--data", "here", "--batch-size=32", "--resume"])
    #expect(arguments.string("data") == "here")
    #expect(arguments.string("batch-size") == "32")
    #expect(arguments.has("resume") && !arguments.has("recipe"))
    #expect(arguments.string("recipe") == nil)
    #expect(arguments.operands.isEmpty)
  }

  @Test func aValueMayBeEmptyNegativeOrHoldEqualsSigns() throws {
    let arguments = try sampleCommand.parse(["--data=a=b", "--batch-size", "-5", "--recipe="])
    #expect(arguments.string("data") == "a=b")
    #expect(arguments.string("batch-size") == "-5")
    #expect(arguments.string("recipe") == "")
  }

  @Test func repeatedOptionsKeepEveryValueInOrder() throws {
    let arguments = try sampleCommand.parse(["--mask", "a", "--mask=b", "--mask", "c"])
    #expect(arguments.strings("mask") == ["a", "b", "c"])
    #expect(arguments.strings("data").isEmpty)
  }

  @Test func nothingAtAllIsFine() throws {
    let arguments = try sampleCommand.parse([String]())
    #expect(!arguments.has("data"))
  }

  @Test(arguments: ["--help", "-h"]) func helpIsAlwaysThere(_ word: String) throws {
    #expect(try sampleCommand.parse([word]).has("help"))
  }

  @Test func wordsWithoutAnOptionAreOperandsWhereTheyAreTaken() throws {
    let command = Command(
      "predict", overview: "Predicts.", synopsis: "IMAGE...", takesOperands: true,
      groups: [("Options", [.flag("all", "All.")])])
    let arguments = try command.parse(["a.jpg", "--all", "-", "--", "--b.jpg", "-c"])
    #expect(arguments.operands == ["a.jpg", "-", "--b.jpg", "-c"])
    #expect(arguments.has("all"))
  }

  @Test func anUnknownOptionIsNamedWithTheNearestOne() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--batchsize", "3"]) }
        == "'--batchsize' is not an option of train; did you mean --batch-size? 'train --help' lists "
        + "them.")
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--frobnicate"]) }
        == "'--frobnicate' is not an option of train. 'train --help' lists them.")
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["-data", "x"]) }.hasPrefix("'-data' is not"))
    #expect(usageComplaint { _ = try sampleCommand.parse(["-x"]) }.hasPrefix("'-x' is not"))
  }

  @Test(arguments: ["--=", "--=5", "---", "-=", "--\u{7}", "--resume\u{1B}[31m"])
  func oddWordsAreRefusedAndShownHarmlessly(_ word: String) {
    let complaint = usageComplaint { _ = try sampleCommand.parse([word]) }
    #expect(complaint.contains("is not an option of train"))
    #expect(complaint.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test func aMissingValueIsAskedFor() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--resume", "--data"]) }
        == "--data needs a value: --data DIR.")
  }

  @Test func aFlagTakesNoValue() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--resume=yes"]) }
        == "--resume takes no value, but was given 'yes'.")
  }

  @Test func anOptionIsGivenOnce() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--data", "a", "--data=b"]) }
        == "--data was given twice; give it once.")
  }

  @Test func anOperandIsRefusedWhereNoneIsTaken() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["here"]) }
        == "'here' is not an option of train; see 'train --help' for those there are.")
    #expect(usageComplaint { _ = try sampleCommand.parse(["--", "--data"]) }.hasPrefix("'--data'"))
  }

  @Test func theHelpTextShowsEveryOptionWithItsDefault() {
    let text = sampleCommand.helpText
    #expect(text.hasPrefix("Usage: train [options]\n\nTrains.\n"))
    for group in sampleCommand.groups {
      #expect(text.contains("\n\(group.title):\n"))
      for option in group.options {
        #expect(text.contains("  --\(option.name)" + (option.value.map { " \($0)" } ?? "")))
        #expect(text.contains(option.help))
        if let value = option.defaultText { #expect(text.contains("[default: \(value)]")) }
      }
    }
    #expect(text.contains("--help"))
  }

  @Test func longHelpIsWrappedInItsColumn() {
    let words = Array(repeating: "word", count: 60).joined(separator: " ")
    let command = Command(
      "x", overview: "O.",
      groups: [("G", [Option("an-option-with-a-rather-long-name", "VALUE", words)])])
    let lines = command.helpText.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(lines.contains("  --an-option-with-a-rather-long-name VALUE"))
    let wrapped = lines.filter { $0.contains("word") }
    #expect(wrapped.count > 3)
    #expect(wrapped.allSatisfy { $0.hasPrefix(String(repeating: " ", count: 30) + "word") })
  }
}
