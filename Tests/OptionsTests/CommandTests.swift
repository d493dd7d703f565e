import Options
import System
import Testing

/// The options that these tests read.
enum Sample {
  static let data = Option("data", "DIR", .text, "Where the images are.")
  static let mask = ListOption("mask", "M", .text, "May be repeated.")
  static let batchSize = Option(
    "batch-size", "N", .integer(in: -9...1000), default: "128 images", "Images a step.")
  static let learningRate = Option(
    "learning-rate", "X", .number(in: 0...1), default: "0.01", "The first learning rate.")
  static let recipe = Option("recipe", "NAME", .text, default: "paper", "Which source to follow.")
  static let resume = Flag("resume", "Go on where the run stopped.")
}

/// The command that these tests read.
let sampleCommand = Command(
  "train", overview: "Trains.", synopsis: "[options]",
  groups: [
    ("Data", [Sample.data, Sample.mask]),
    ("Training", [Sample.batchSize, Sample.learningRate, Sample.recipe, Sample.resume]),
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
    #expect(arguments[Sample.data] == "here")
    #expect(arguments[Sample.batchSize] == 32)
    #expect(arguments[Sample.resume] && !arguments.has(Sample.recipe))
    #expect(arguments[Sample.recipe] == nil)
    #expect(arguments.operands.isEmpty)
  }

  @Test func aValueMayBeEmptyNegativeOrHoldEqualsSigns() throws {
    let arguments = try sampleCommand.parse(["--data=a=b", "--batch-size", "-5", "--recipe="])
    #expect(arguments[Sample.data] == "a=b")
    #expect(arguments[Sample.batchSize] == -5)
    #expect(arguments[Sample.recipe] == "")
  }

  @Test func repeatedOptionsKeepEveryValueInOrder() throws {
    let arguments = try sampleCommand.parse(["--mask", "a", "--mask=b", "--mask", "c"])
    #expect(arguments[Sample.mask] == ["a", "b", "c"])
    #expect(arguments[Sample.data] == nil)
  }

  @Test func noArgumentsAreAccepted() throws {
    let arguments = try sampleCommand.parse([String]())
    #expect(!arguments.has(Sample.data))
  }

  @Test(arguments: ["--help", "-h"]) func helpIsAlwaysAccepted(_ word: String) throws {
    #expect(try sampleCommand.parse([word])[Command.help])
  }

  @Test func aProgramHasAVersionWhateverElseIsGivenAndASubcommandHasNone() throws {
    let program = Command("train", overview: "Trains.", isProgram: true, groups: [])
    #expect(try program.parse(["--version"])[Command.version])
    #expect(program.helpText.contains("--version"))
    #expect(throws: Failure.self) { try sampleCommand.parse(["--version"]) }
  }

  @Test func argumentsWithoutAnOptionAreOperandsIfAllowed() throws {
    let all = Flag("all", "All.")
    let command = Command(
      "predict", overview: "Predicts.", synopsis: "IMAGE...", takesOperands: true,
      groups: [("Options", [all])])
    let arguments = try command.parse(["a.jpg", "--all", "-", "--", "--b.jpg", "-c"])
    #expect(arguments.operands == ["a.jpg", "-", "--b.jpg", "-c"])
    #expect(arguments[all])
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
  func unusualArgumentsAreRefusedAndShownEscaped(_ word: String) {
    let complaint = usageComplaint { _ = try sampleCommand.parse([word]) }
    #expect(complaint.contains("is not an option of train"))
    #expect(complaint.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test func aMissingValueIsReported() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--resume", "--data"]) }
        == "--data needs a value: --data DIR.")
  }

  @Test func aFormerNameIsUnderstoodAndNotShown() throws {
    let top = Setting("top", "N", .integer(in: 0...9), default: 5, former: "worst", "How many.")
    let command = Command("list", overview: "Lists.", groups: [("G", [top])])
    #expect(try command.parse(["--worst", "3"])[top] == 3)
    #expect(try command.parse(["--top=4"])[top] == 4)
    #expect(!command.helpText(columns: 100).contains("worst"))
    #expect(
      usageComplaint { _ = try command.parse(["--top", "1", "--worst", "2"]) }
        == "--top was given twice; give it once.")
    #expect(
      usageComplaint { _ = try command.parse(["--worst", "x"]) }
        == "--top takes a whole number from 0 to 9, not 'x'.")
  }

  @Test func aPicturesNameEndsAsItsFormatSays() throws {
    let out = Option("out", "FILE.png", .picture("png"), "The picture.")
    let command = Command("draw", overview: "Draws.", groups: [("G", [out])])
    for name in ["a.png", "a.PNG", "sheet", "/dev/stdout", "a.2026", "x.jpg/a"] {
      #expect(try command.parse(["--out", name])[out] == name)
    }
    for name in ["a.jpg", "b/a.JPEG", "a.svg", "a.png.webp"] {
      #expect(
        usageComplaint { _ = try command.parse(["--out", name]) }
          == "--out writes a picture as PNG; give it a name that ends in .png, not '\(name)'.")
    }
  }

  @Test func aFlagTakesNoValue() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--resume=yes"]) }
        == "--resume takes no value, but was given 'yes'.")
  }

  @Test func aRepeatedOptionIsRefused() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["--data", "a", "--data=b"]) }
        == "--data was given twice; give it once.")
  }

  @Test func unexpectedOperandsAreRefused() {
    #expect(
      usageComplaint { _ = try sampleCommand.parse(["here"]) }
        == "'here' is not an option of train; see 'train --help' for the list.")
    #expect(usageComplaint { _ = try sampleCommand.parse(["--", "--data"]) }.hasPrefix("'--data'"))
  }

  @Test func theHelpTextShowsEveryOptionWithItsDefault() {
    let text = sampleCommand.helpText(columns: 100)
    #expect(text.hasPrefix("Usage: train [options]\n\nTrains.\n"))
    for group in sampleCommand.groups {
      #expect(text.contains("\n\(group.title):\n"))
      for option in group.options.map(\.declaration) {
        #expect(text.contains("  --\(option.name)" + (option.valueName.map { " \($0)" } ?? "")))
        #expect(text.contains(option.help))
        if let value = option.defaultText { #expect(text.contains("[default: \(value)]")) }
      }
    }
    #expect(text.contains("--help"))
  }

  @Test func anotherProgramsCommandLineBeginsWithItsFirstWord() throws {
    let command = Command(
      "launch", overview: "O.", passesOn: true, groups: [("G", [Sample.data, Sample.resume])])
    for (words, rest) in [
      (["--data", "d", "--other", "--data", "e"], ["--other", "--data", "e"]),
      (["--resume", "word", "--help"], ["word", "--help"]), (["--", "--data"], ["--data"]),
      ([], []),
    ] {
      let arguments = try command.parse(words)
      #expect(arguments.operands == rest)
      #expect(!arguments[Command.help])
    }
    #expect(try command.parse(["--data=d", "--x"])[Sample.data] == "d")
    #expect(usageComplaint { _ = try command.parse(["--data"]) }.contains("needs a value"))
  }

  @Test(arguments: [40, 60, 72, 100]) func helpFitsTheTerminalAndBreaksBetweenWords(_ width: Int) {
    let command = Command(
      "program",
      overview: """
        Reads some words,
        and more of them:
          DIR/a/<class>/..., DIR/b/...   pictures in a folder for each class and each of the others
          onnx   a model of opset 17 that
                         others run
        The end.
        """, synopsis: "[options]      (usually: mpirun -np 2 program [options])",
      groups: [("G", [Sample.batchSize, Sample.data])])
    let text = command.helpText(columns: width)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count <= width }, "\(text)")
    // The words are the same at every width, and in their order.
    let words = { (text: String) in text.split(whereSeparator: \.isWhitespace).map(String.init) }
    #expect(words(text) == words(command.helpText(columns: 1000)))
    #expect(text.contains("Reads some words, and more of them:\n"))
    #expect(lines.contains { $0.hasPrefix("  onnx   a model of opset 17") }, "\(text)")
    #expect(lines.contains("The end."))
  }

  @Test func longHelpTextsAreWrapped() {
    let words = Array(repeating: "word", count: 60).joined(separator: " ")
    let command = Command(
      "x", overview: "O.",
      groups: [("G", [Option("an-option-with-a-rather-long-name", "VALUE", .text, words)])])
    let lines = command.helpText(columns: 100).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(lines.contains("  --an-option-with-a-rather-long-name VALUE"))
    let wrapped = lines.filter { $0.contains("word") }
    #expect(wrapped.count > 3)
    #expect(wrapped.allSatisfy { $0.hasPrefix(String(repeating: " ", count: 30) + "word") })
  }
}
