import Foundation
import TestSupport
import Testing

/// `alexnet evaluate` and `alexnet predict`, run as a user runs them.
@Suite(.serialized) struct EvaluateTests {
  /// Two runs of the four-layer network that end with a validation.
  private static let runs = Result { try trained() }

  private static func trained() throws -> TemporaryFolder {
    let (dataset, folder) = (try Pictures.small.get(), TemporaryFolder.untilExit())
    for seed in ["1", "2"] {
      let outcome = try Program.train(
        ranks: 2,
        [
          "--data", dataset.path + "/dataset", "--out", "\(folder.path)/\(seed)", "--seed", seed,
          "--network", "cifar-four-layer", "--batch-size", "32", "--learning-rate", "0.001",
          "--max-steps", "20", "--threads", "1", "--no-augmentation",
        ])
      #expect(outcome.code == 0, "\(outcome.error)")
    }
    return folder
  }

  private func run(_ number: Int) throws -> String { try Self.runs.get().path + "/\(number)" }
  private func dataset() throws -> String { try Pictures.small.get().path + "/dataset" }

  private func evaluate(ranks: Int? = nil, _ arguments: String...) throws -> Outcome {
    try Program.alexnet(
      ranks: ranks, ["evaluate", "--data", try dataset(), "--json"] + arguments)
  }

  private func object(_ outcome: Outcome) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    return try #require(object as? [String: Any])
  }

  @Test func evaluationEqualsTheTrainingsValidationOnAnyNumberOfRanks() throws {
    let text = try String(contentsOfFile: try run(1) + "/metrics.jsonl", encoding: .utf8)
    let records = try text.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
    let validation = try #require(records.last { $0["kind"] as? String == "validation" })
    let alone = try evaluate(try run(1))
    #expect(alone.code == 0, "\(alone.error)")
    let figures = try #require(try object(alone)["figures"] as? [String: Any])
    for name in ["loss", "top1Error", "top5Error"] {
      #expect(figures[name] as? Double == validation[name] as? Double, "\(name)")
    }
    #expect(figures["images"] as? Int == 100)
    for ranks in [2, 4] {
      #expect(try evaluate(ranks: ranks, try run(1)).output == alone.output, "\(ranks) ranks")
    }
    let ten = try evaluate("--crops", "10", try run(1))
    #expect(ten.code == 0 && ten.output != alone.output)
    #expect(try evaluate(ranks: 2, "--crops", "10", try run(1)).output == ten.output)
  }

  @Test func ensemblesUseGivenEqualOrFittedWeights() throws {
    let (one, two) = (try run(1), try run(2))
    func loss(_ arguments: String...) throws -> Double {
      let outcome = try Program.alexnet(
        ranks: nil, ["evaluate", "--data", try dataset(), "--json"] + arguments)
      let figures = try #require(try object(outcome)["figures"] as? [String: Any])
      return try #require(figures["loss"] as? Double)
    }
    let (first, second) = (try loss(one), try loss(two))
    #expect(abs(try loss(one, two, "--weights", "1,0") - first) < 1e-5)
    let mean = try loss(one, two)
    // -ln is convex: the mean's loss lies below the mean of the losses.
    #expect(mean < (first + second) / 2)
    let fitted = try evaluate(one, two, "--weights", "fitted")
    let document = try object(fitted)
    #expect((document["figures"] as? [String: Any])?["images"] as? Int == 50)
    #expect((document["weights"] as? String)?.contains("odd number") == true)
    // Equal weights on the same images: every second line of all images' predictions.
    let equal = try #require(document["equalWeights"] as? [String: Any])
    let folder = TemporaryFolder()
    let list = folder.path + "/equal.csv"
    _ = try evaluate(one, two, "--predictions", list)
    let lines = try String(contentsOfFile: list, encoding: .utf8).split(separator: "\n").dropFirst()
    let wrong = lines.enumerated().count { place, line in
      let fields = line.split(separator: ",")
      return place % 2 == 1 && fields[1] != fields[2]
    }
    #expect(equal["images"] as? Int == 50 && equal["top1Errors"] as? Int == wrong)
    #expect(
      try evaluate(ranks: 2, one, two, "--weights", "fitted").output == fitted.output)
  }

  @Test func outputFilesAreWrittenAndChecked() throws {
    let folder = TemporaryFolder()
    let files = ["predictions.csv", "confusion.csv", "submission.txt"].map {
      "\(folder.path)/\($0)"
    }
    let outcome = try Program.alexnet(
      "evaluate", try run(1), "--data", try dataset(), "--predictions", files[0], "--confusion",
      files[1], "--ilsvrc", files[2])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("100 validation images"))
    let lines = try files.map {
      try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n")
    }
    #expect(lines.map(\.count) == [101, 11, 100])
    let checked = try Program.alexnet(
      "evaluate", "--data", try dataset(), "--check-ilsvrc", files[2])
    #expect(checked.code == 0 && checked.output.contains("is well-formed: 100 lines"))
    try "1 2 3\n".write(toFile: files[2], atomically: true, encoding: .utf8)
    let wrong = try Program.alexnet(
      "evaluate", "--data", try dataset(), "--check-ilsvrc", files[2])
    #expect(wrong.code == 65 && wrong.error.contains("has 1 line, and there are 100 images"))
  }

  @Test func mismatchedInputsAreRefusedInOneSentence() throws {
    let folder = TemporaryFolder()
    // The same dataset with two classes' names exchanged.
    let other = folder.path + "/other"
    try FileManager.default.copyItem(atPath: try dataset(), toPath: other)
    let text = try String(contentsOfFile: other + "/dataset.json", encoding: .utf8)
    let names = ["3", "7", "?"].map { "\"name\" : \"\($0)\"" }
    try text.replacing(names[0], with: names[2]).replacing(names[1], with: names[0])
      .replacing(names[2], with: names[1])
      .write(toFile: other + "/dataset.json", atomically: true, encoding: .utf8)
    // Classes are matched by name: what shows a 3 is now called a 7, and the other way round.
    let confusion = folder.path + "/confusion.csv"
    let plain = try Program.alexnet(
      "evaluate", try run(1), "--data", try dataset(), "--confusion", confusion)
    #expect(plain.code == 0, "\(plain.error)")
    let matrix = try String(contentsOfFile: confusion, encoding: .utf8).split(separator: "\n")
      .dropFirst().map { $0.split(separator: ",").dropFirst().compactMap { Int($0) } }
    let right = matrix.indices.reduce(0) { $0 + matrix[$1][$1 == 3 ? 7 : $1 == 7 ? 3 : $1] }
    let order = try Program.alexnet("evaluate", try run(1), "--data", other, "--worst", "0")
    #expect(order.code == 0 && order.error.contains("matched by name to 10"), "\(order.error)")
    #expect(order.output.contains("(\(100 - right) of 100)"), "\(order.output)")
    #expect(!order.output.contains("onfus") && !order.output.contains("predicted as"))

    let pictures = folder.path + "/pictures"
    for (name, shade) in [("black", UInt8(0)), ("white", 255)] {
      try FileManager.default.createDirectory(
        atPath: "\(pictures)/\(name)", withIntermediateDirectories: true)
      for number in 0..<12 {
        try Bitmap.gray(shade, side: 32).write(
          to: URL(fileURLWithPath: "\(pictures)/\(name)/\(number).bmp"))
      }
    }
    let two = folder.path + "/two"
    let prepared = try Program.alexnet(
      "prepare", "--source", pictures, "--out", two, "--size", "32")
    #expect(prepared.code == 0, "\(prepared.error)")
    let classes = try Program.alexnet("evaluate", try run(1), "--data", two)
    #expect(
      classes.code == 64 && classes.error.contains("2 of the 2 classes")
        && classes.error.contains("'black', 'white'")
        && classes.error.contains("--class-map FILE"), "\(classes.error)")
    // Names that differ are paired by a file; every black picture is one and the same class then.
    let pairs = folder.path + "/pairs.txt"
    try "3\tblack\n7\twhite\n".write(toFile: pairs, atomically: true, encoding: .utf8)
    let matrixFile = folder.path + "/paired.csv"
    let paired = try Program.alexnet(
      "evaluate", try run(1), "--data", two, "--class-map", pairs, "--confusion", matrixFile)
    #expect(
      paired.code == 0 && paired.error.contains("2 of them as the class map says"),
      "\(paired.error)")
    let rows = try String(contentsOfFile: matrixFile, encoding: .utf8).split(separator: "\n")
      .dropFirst().map {
        $0.split(separator: ",").dropFirst().compactMap { Int($0) }.reduce(0, +)
      }
    #expect(rows[3] > 0 && rows[7] > 0 && rows[3] + rows[7] == rows.reduce(0, +), "\(rows)")
    try "3\tblack\n7\tgrey\n".write(toFile: pairs, atomically: true, encoding: .utf8)
    let unpaired = try Program.alexnet(
      "evaluate", try run(1), "--data", two, "--class-map", pairs)
    #expect(
      unpaired.code == 64 && unpaired.error.contains("'grey', but the dataset has no such class"),
      "\(unpaired.error)")

    // Networks that cannot be averaged.
    let foreignRun = folder.path + "/foreign"
    let begun = try Program.train(
      ranks: nil,
      [
        "--data", two, "--out", foreignRun, "--network", "cifar-four-layer", "--max-steps", "0",
        "--batch-size", "4",
      ])
    #expect(begun.code == 0, "\(begun.error)")
    let mixed = try evaluate(try run(1), foreignRun)
    #expect(mixed.code == 64 && mixed.error.contains("has 2 classes and"), "\(mixed.error)")
    #expect(mixed.error.split(separator: "\n").count == 1)

    let checkpoint = try #require(
      FileManager.default.contentsOfDirectory(atPath: try run(1) + "/checkpoints").first)
    let whole = try Data(
      contentsOf: URL(fileURLWithPath: try run(1) + "/checkpoints/\(checkpoint)"))
    let cut = folder.path + "/cut.safetensors"
    try whole.dropLast(1000).write(to: URL(fileURLWithPath: cut))
    let foreign = folder.path + "/foreign.safetensors"
    try Data("no checkpoint".utf8).write(to: URL(fileURLWithPath: foreign))
    for (path, code, complaint) in [
      (cut, Int32(65), "not a whole safetensors file"), (foreign, 65, "not a whole"),
      (folder.path, 66, "holds no checkpoint"), ("/nowhere", 66, "There is no run or checkpoint"),
    ] {
      let outcome = try Program.alexnet("evaluate", path, "--data", try dataset())
      #expect(outcome.code == code && outcome.error.contains(complaint), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1)
    }
    // A complaint of all ranks is made once.
    let ranks = try Program.alexnet(ranks: 2, ["evaluate", cut, "--data", try dataset()])
    #expect(ranks.code == 65)
    #expect(ranks.error.ranges(of: "not a whole safetensors file").count == 1, "\(ranks.error)")
  }

  @Test func readablePicturesArePredictedAndUnreadableOnesNamed() throws {
    let folder = TemporaryFolder()
    for number in 0..<3 {
      try Bitmap.gray(UInt8(number * 100), side: 40).write(
        to: URL(fileURLWithPath: "\(folder.path)/\(number).bmp"))
    }
    try Data("text".utf8).write(to: URL(fileURLWithPath: folder.path + "/broken.jpg"))
    let empty = TemporaryFolder()
    let table = try Program.alexnet(
      "predict", "--checkpoint", try run(1), folder.path, empty.path)
    #expect(table.code == 65 && table.error.contains("broken.jpg"), "\(table.error)")
    #expect(table.error.contains("holds no pictures"))
    #expect(table.output.ranges(of: ".bmp").count == 3)
    let json = try Program.alexnet(
      "predict", "--checkpoint", try run(1), "\(folder.path)/1.bmp", "--json", "--crops", "10",
      "--top", "3")
    let line = try object(json)
    let classes = try #require(line["classes"] as? [[String: Any]])
    #expect(classes.count == 3)
    let csv = try Program.alexnet(
      "predict", "--checkpoint", try run(1), "\(folder.path)/1.bmp", "--csv", "--top", "1")
    #expect(csv.output.hasPrefix("image,class1,probability1\n\(folder.path)/1.bmp,"))
    for ranks in [2, 3] {
      let spread = try Program.alexnet(
        ranks: ranks,
        ["predict", "--checkpoint", try run(1), folder.path, "--csv", "--threads", "1"])
      let alone = try Program.alexnet(
        "predict", "--checkpoint", try run(1), folder.path, "--csv", "--threads", "1")
      #expect(spread.output == alone.output && spread.code == 65, "\(spread.error)")
      #expect(spread.error.ranges(of: "broken.jpg").count == 1, "\(spread.error)")
    }
    let nothing = try Program.alexnet("predict", "--checkpoint", try run(1))
    #expect(nothing.code == 64)
  }
}

/// Bitmaps of one shade.
enum Bitmap {
  static func gray(_ shade: UInt8, side: Int) -> Data {
    func little(_ number: Int, _ bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    let pixels = side * side * 3
    return Data(
      Array("BM".utf8) + little(54 + pixels, 4) + little(0, 4) + little(54, 4) + little(40, 4)
        + little(side, 4) + little(side, 4) + little(1, 2) + little(24, 2) + little(0, 4)
        + little(pixels, 4) + little(2835, 4) + little(2835, 4) + little(0, 8)
        + [UInt8](repeating: shade, count: pixels))
  }
}
