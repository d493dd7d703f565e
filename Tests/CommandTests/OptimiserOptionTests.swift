import Foundation
import Safetensors
import TestSupport
import Testing

/// The options of the step and its rate, as a user gives them.
@Suite(.serialized) struct OptimiserOptionTests {
  private let scratch: TemporaryFolder
  private let network: String

  init() throws {
    scratch = TemporaryFolder()
    network = scratch.path + "/small.json"
    try """
    { "name": "small", "towers": 2, "inputSide": 28, "imageSide": 32, "classes": 10, "layers": [
      { "type": "convolution", "name": "conv1", "kernels": 6, "size": 5, "stride": 3 },
      { "type": "relu", "name": "relu1" },
      { "type": "convolution", "name": "conv2", "kernels": 6, "size": 3, "reads": "all" },
      { "type": "relu", "name": "relu2" },
      { "type": "dropout", "name": "drop2", "probability": 0.3 },
      { "type": "fullyConnected", "name": "fc3", "kernels": 10 } ] }
    """.write(toFile: network, atomically: true, encoding: .utf8)
  }

  private func train(_ ranks: Int?, _ words: [String]) throws -> Outcome {
    try Program.train(
      ranks: ranks,
      [
        "--data", try Pictures.tiny.get().path + "/dataset", "--network", network, "--batch-size",
        "24", "--threads", ranks == nil ? "2" : "1",
      ] + words)
  }

  private static let everything = [
    "--warm-up", "5", "--schedule", "cosine", "--epochs", "4", "--clip-norm", "1.5",
    "--label-smoothing", "0.1", "--augmentation", "crop,colour", "--initial",
    "he", "--balance", "sampling", "--optimiser", "lars", "--trust", "0.02", "--base-batch", "12",
  ]

  private static let multiplies16Bits =
    (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.contains(" avx512_bf16 ")
    ?? false

  /// In one process and on two ranks alike, close to floats and not the same; a run stays with it.
  @Test(.enabled(if: multiplies16Bits)) func sixteenBitsAreRecordedAndBitIdentical() throws {
    func run(_ ranks: Int?, _ name: String, _ words: String...) throws -> Outcome {
      try train(ranks, ["--out", "\(scratch.path)/\(name)", "--precision", "bf16"] + words)
    }
    #expect(try run(2, "two", "--max-steps", "4").code == 0)
    let other = try train(2, ["--out", "\(scratch.path)/two", "--resume", "--precision", "fp32"])
    #expect(other.code == 66 || other.code == 64, "\(other.code)")
    #expect(other.error.contains("--precision"), "\(other.error)")
    #expect(try run(2, "two", "--resume", "--max-steps", "6").code == 0)
    #expect(try run(nil, "one", "--max-steps", "6").code == 0)
    let floats = "\(scratch.path)/floats"
    #expect(try train(2, ["--out", floats, "--max-steps", "6"]).code == 0)
    let losses = try ["one", "two"].map { try RunRecords("\(scratch.path)/\($0)").losses }
    #expect(losses[0].count == 6 && losses[0] == losses[1])
    let exact = try RunRecords(floats).losses
    #expect(exact != losses[0])
    for (loss, rounded) in zip(exact, losses[0]) { #expect(abs(loss - rounded) < 0.01 * loss) }
    // Validations are counted, and the run that went on has one more.
    let last = try ["one", "two"].map {
      try SafetensorsFile(opening: "\(scratch.path)/\($0)/checkpoints/latest.safetensors")
    }
    for tensor in last[0].header.tensors {
      #expect(try last[0].bits(tensor.name) == last[1].bits(tensor.name), "\(tensor.name)")
    }
  }

  @Test func sixteenBitsNeedAProcessorThatMultipliesThem() throws {
    let outcome = try train(
      2,
      [
        "--out", scratch.path + "/none", "--precision", "bf16", "--instruction-set", "baseline",
        "--max-steps", "1",
      ])
    #expect(outcome.code == 64, "\(outcome.error)")
    #expect(outcome.error.contains("AVX512_BF16"), "\(outcome.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/none"))
  }

  /// In one process, on two ranks, and resumed in the warm-up; the parts are those of a whole batch.
  @Test func everythingTogetherIsBitIdenticalAndResumes() throws {
    func run(
      _ ranks: Int?, _ name: String, _ words: [String], parts: Int = 3
    ) throws -> String {
      let run = "\(scratch.path)/\(name)"
      let outcome = try train(
        ranks, ["--out", run, "--accumulate", "\(parts)"] + Self.everything + words)
      #expect(outcome.code == 0, "\(outcome.error)")
      return run
    }
    _ = try run(2, "parts", ["--max-steps", "3"])
    let runs = [
      try run(nil, "one", ["--max-steps", "10"]), try run(2, "two", ["--max-steps", "10"]),
      try run(2, "parts", ["--resume", "--max-steps", "10"]),
    ]
    let losses = try runs.map { try RunRecords($0).losses }
    #expect(losses[0].count == 10 && Set(losses[0]).count == 10)
    #expect(losses[0] == losses[1] && losses[1] == losses[2])
    let last = try runs.map {
      try ComparedCheckpoint.contents($0 + "/checkpoints/step-00000010.safetensors")
    }
    #expect(last[0] == last[1] && last[1] == last[2])
    let config = try String(contentsOfFile: runs[0] + "/config.json", encoding: .utf8)
    for part in [
      "\"warmUp\" : 5", "\"cosine\"", "\"clipNorm\" : 1.5", "\"labelSmoothing\" : 0.1",
      "\"accumulate\" : 3", "\"mirror\" : false", "\"balance\" : \"sampling\"",
      "\"trust\" : 0.02", "\"baseBatch\" : 12",
    ] {
      #expect(config.contains(part), "\(part) in \(config)")
    }
    let whole = try run(nil, "whole", [], parts: 1)
    for (own, other) in zip(losses[0], try RunRecords(whole).losses) {
      #expect(abs(own / other - 1) < 1e-5, "\(own) \(other)")
    }
    let refused = try train(
      nil,
      [
        "--out", runs[0], "--resume", "--warm-up", "6", "--schedule", "step", "--clip-norm", "2",
        "--label-smoothing", "0.2", "--accumulate", "2", "--augmentation", "none", "--balance",
        "weights", "--trust", "0.01", "--base-batch", "24", "--initial", "he",
      ])
    #expect(refused.code == 64)
    for key in [
      "warm-up", "schedule", "clip-norm", "label-smoothing", "accumulate", "augmentation",
      "balance", "trust", "base-batch",
    ] {
      #expect(refused.error.contains("--allow-changed \(key)"), "\(key): \(refused.error)")
    }
  }

  @Test func schedulesAndLayersOwnNames() throws {
    let file = scratch.path + "/rates"
    try "0 0.02\n1.5 0.004\n".write(toFile: file, atomically: true, encoding: .utf8)
    for (words, parts) in [
      (["--schedule", "step", "--epochs", "9"], ["after 2, 4, 6 and 8 epochs"]),
      (["--schedule", file], ["learning rate 0.02, 0.02 from 0 epochs on, 0.004 from 1.5"]),
      (["--recipe", "code2012", "--epochs", "30"], ["epochs 9, 17 and 27", "shares of 30"]),
      (
        ["--freeze", "conv", "--learning-rate-scale", "conv2=0.5"],
        ["\"conv1\" : 0,", "\"conv2\" : 0.5"]
      ),
    ] as [([String], [String])] {
      let outcome = try train(nil, ["--dry-run", "--verbose"] + words)
      #expect(outcome.code == 0, "\(outcome.error)")
      for part in parts { #expect(outcome.output.contains(part), "\(part) in \(outcome.output)") }
    }
    for (words, part) in [
      (["--schedule", "none"], "there is no file 'none'"),
      (["--schedule", file, "--learning-rate", "0.1"], "would not be used"),
      (["--accumulate", "5"], "does not divide the batch of 24"),
      (["--trust", "0.1"], "needs --optimiser lars"), (["--rates", "1:2"], "needs --find-rate"),
      (["--augmentation", "crop,flip"], "crop,mirror,colour"),
      (["--find-rate", "--out", "x"], "--out and --dry-run mean nothing to it"),
      (
        ["--find-rate", "--epochs", "2", "--learning-rate", "0.1"],
        "--dry-run, --learning-rate and --epochs mean nothing to it; leave them out"
      ),
    ] {
      let outcome = try train(nil, ["--dry-run"] + words)
      #expect(outcome.code == 64 && outcome.error.contains(part), "\(part): \(outcome.error)")
    }
  }

  @Test func aVariableThatATestDoesNotTakeIsNamed() throws {
    let outcome = try Program.train(
      ranks: nil, ["--find-rate", "--network", network],
      environment: ["ALEXNET_TRAIN_BASE_BATCH": "16"])
    #expect(outcome.code == 64)
    #expect(
      outcome.error.contains("--base-batch (ALEXNET_TRAIN_BASE_BATCH in the environment) means"),
      "\(outcome.error)")
  }

  /// Followed with the same record, the suggestion is the rate that was tested.
  @Test func aSuggestionIsDividedByTheFactorOfARecordedBaseBatch() throws {
    func rate(_ words: [String]) throws -> Double {
      let outcome = try train(
        nil, ["--find-rate", "--max-steps", "40", "--rates", "1e-5:1"] + words)
      let line = try #require(
        outcome.output.split(separator: "\n").first { $0.hasPrefix("Suggestion") },
        "\(outcome.output) \(outcome.error)")
      // Before anything is drawn.
      let drawn = try #require(outcome.output.firstRange(of: "Loss by learning rate"))
      #expect(line.startIndex < drawn.lowerBound)
      #expect(line.contains("--base-batch 8 multiplies by 3") == !words.isEmpty, "\(line)")
      let number = line.split(separator: " ")[2].filter { $0 != "," }
      return try #require(Double(number))
    }
    let run = scratch.path + "/based"
    let based = try train(nil, ["--out", run, "--base-batch", "8", "--max-steps", "1"])
    #expect(based.code == 0, "\(based.error)")
    let (own, recorded) = (try rate([]), try rate(["--config", run + "/config.json"]))
    #expect(abs(3 * recorded / own - 1) < 0.01, "\(own) \(recorded)")
  }

  @Test func aChartThatCannotBeWrittenIsRefusedBeforeTheTest() throws {
    let outcome = try train(nil, ["--find-rate", "--chart", scratch.path + "/nosuch/r.svg"])
    #expect(outcome.code == 73 && outcome.output.isEmpty, "\(outcome.output)")
    #expect(outcome.error.contains("Make the folder first"), "\(outcome.error)")
  }

  /// Through the toolbox, on two ranks; the same curve in one process, and nothing is left behind.
  @Test func aRateIsFoundAndNoRunIsLeft() throws {
    let chart = scratch.path + "/curve.svg"
    let words = [
      "find-rate", "--data", try Pictures.small.get().path + "/dataset", "--network", network,
      "--rates", "1e-6:0.1", "--batch-size", "24", "--chart", chart, "--max-steps", "200",
    ]
    let two = try Program.alexnet(ranks: 2, words + ["--threads", "1"])
    #expect(two.code == 0, "\(two.error)")
    let one = try Program.alexnet(ranks: nil, words + ["--threads", "2"])
    func lines(_ outcome: Outcome) -> [Substring] {
      outcome.output.split(separator: "\n").filter {
        $0.hasPrefix("step ") || $0.hasPrefix("Suggestion")
      }
    }
    #expect(lines(two).count > 2 && lines(two) == lines(one), "\(two.output)")
    #expect(two.output.contains("Suggestion: --learning-rate "))
    #expect(try String(contentsOfFile: chart, encoding: .utf8).contains("</svg>"))
    let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
    #expect(left.sorted() == ["curve.svg", "small.json"])
  }
}
