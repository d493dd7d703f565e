import Foundation
import Glibc
import TestSupport
import Testing

/// What `--out` may name besides a file, names that a terminal would obey, and lists of every kind.
@Suite(.serialized) struct OutputTests {
  private let training: FaultRun
  private var scratch: TemporaryFolder { training.scratch }
  private var run: String { training.run }
  private var tool: String { "\(Program.folder)/alexnet" }
  private let data: String

  init() throws {
    training = try FaultRun()
    data = try Pictures.small.get().path + "/dataset"
    let outcome = try Program.train(ranks: nil, training.options(steps: 5))
    #expect(outcome.code == 0, "\(outcome.error)")
  }

  private func kind(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  /// Every subcommand that writes a file, with the option that names it last.
  private var writers: [[String]] {
    [
      ["features", run, "--data", data, "--out"],
      ["export", run, "--format", "npz", "--out"],
      ["export", run, "--format", "onnx", "--preprocessing", "inside", "--out"],
      ["export", run, "--format", "safetensors", "--out"],
      ["preview", "--data", data, "--count", "8", "--out"],
      ["evaluate", run, "--data", data, "--confusion"],
      ["evaluate", run, "--data", data, "--predictions"],
      ["similar", "--checkpoint", run, "--set", data, "--features"],
      ["import", "\(run)/checkpoints/latest.safetensors", "--out"],
    ]
  }

  @Test func devicesAreWrittenToAndFoldersAreRefused() throws {
    // A device of the test's own, where it may be made: who may do that could remove the system's.
    let device = scratch.path + "/device"
    let place = mknod(device, S_IFCHR | 0o666, 0x103) == 0 ? device : "/dev/null"
    symlink(place, scratch.path + "/link")
    for (number, words) in writers.enumerated() {
      let name = number % 2 == 0 ? place : scratch.path + "/link"
      let outcome = try Program.alexnet(ranks: nil, words + [name])
      #expect(outcome.code == 0, "\(words): \(outcome.error)")
      #expect(kind(place) == S_IFCHR && kind(scratch.path + "/link") == S_IFLNK, "\(words)")
      let folder = try Program.alexnet(ranks: nil, words + [scratch.path])
      #expect(folder.code == 73, "\(words): \(folder.error)")
      #expect(folder.error.contains("is a folder; name a file"), "\(words): \(folder.error)")
    }
    // A model whose mean image is a file of its own needs a place beside it.
    let model = try Program.alexnet("export", run, "--format", "onnx", "--out", place)
    #expect(model.code == 64 && model.error.contains("--preprocessing inside"), "\(model.error)")
    // The array goes to a device; there is no place beside it for the names.
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
    #expect(names.filter { $0 != "device" } == ["link", "run"], "\(names)")
  }

  @Test func resultsCanBeWrittenToStandardOutput() throws {
    for (words, start) in [
      (writers[0], [0x93] + Array("NUMPY".utf8)), (writers[1], Array("PK".utf8)),
      (writers[4], [0x89] + Array("PNG".utf8)),
    ] {
      let whole = scratch.path + "/whole"
      #expect(try Program.alexnet(ranks: nil, words + [whole]).code == 0)
      let expected = try training.contents(whole)
      #expect(expected.starts(with: start))
      // Into a pipe, and into a file: with nothing else in it.
      for script in ["\"$0\" \"$@\" | cat >\"$OUT\"", "\"$0\" \"$@\" >\"$OUT\""] {
        let out = scratch.path + "/out"
        let outcome = try Program.run(
          ["/usr/bin/env", "OUT=\(out)", "/bin/bash", "-c", "set -o pipefail; " + script, tool]
            + words + ["/dev/stdout"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.error.contains("'/dev/stdout'"), "\(outcome.error)")
        #expect(try training.contents(out) == expected, "\(words)")
      }
    }
  }

  @Test func aListMayHaveZeroTerminatedNamesAndFolders() throws {
    let pictures = scratch.path + "/pictures"
    var names: [String] = []
    for (folder, count) in ["a", "b"].map({ ($0, 2) }) {
      try FileManager.default.createDirectory(
        atPath: "\(pictures)/\(folder)", withIntermediateDirectories: true)
      for number in 0..<count {
        names.append("\(pictures)/\(folder)/\(number).bmp")
        try Bitmap.gray(UInt8(40 * number + 10), side: 32).write(
          to: URL(fileURLWithPath: names[names.count - 1]))
      }
    }
    names.append("\(pictures)/two\nlines.bmp")
    try Bitmap.gray(200, side: 32).write(to: URL(fileURLWithPath: names[names.count - 1]))
    for (script, ending) in [
      ("find \"$1\" -print0 | sort -z", " - "), ("find \"$1\" -name '?.bmp'", " - "),
      ("find \"$1\" -name '?.bmp' | sed 's/$/\\r/'", " - "), ("true", " \"$1\" "),
    ] {
      let outcome = try Program.run([
        "/bin/bash", "-c", "\(script) | \"$0\" predict --json --checkpoint \"$2\"\(ending)", tool,
        pictures, run,
      ])
      #expect(outcome.code == 0, "\(script): \(outcome.error)")
      let found = try outcome.output.split(separator: "\n").map { line in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return object?["image"] as? String ?? ""
      }
      let expected = script.contains("?.bmp") ? names.dropLast() : names[...]
      #expect(found.sorted() == expected.sorted(), "\(script)")
    }
  }

  @Test func controlCharactersInNamesAreEscaped() throws {
    let odd = scratch.path + "/odd\u{1B}]0;x\u{07}\u{1B}[31m"
    try FileManager.default.createDirectory(atPath: odd, withIntermediateDirectories: true)
    // Classes with names that a terminal would obey, and that a spreadsheet would compute.
    for name in ["=cat\u{1B}[31m", "dog\u{9B}31m"] {
      try FileManager.default.createDirectory(
        atPath: "\(odd)/\(name)", withIntermediateDirectories: true)
      for number in 0..<8 {
        try Bitmap.gray(UInt8(10 * number), side: 32).write(
          to: URL(fileURLWithPath: "\(odd)/\(name)/\(number)\u{1B}.bmp"))
      }
    }
    let out = odd + "/out"
    let prepared = try Program.alexnet(
      "prepare", "--source", odd, "--out", out, "--size", "32", "--hold-out", "50%")
    #expect(prepared.code == 0, "\(prepared.error)")
    let oddRun = odd + "/run"
    let trained = try Program.train(
      ranks: nil,
      [
        "--data", out, "--network", "cifar-four-layer", "--batch-size", "4", "--learning-rate",
        "0.001", "--max-steps", "4", "--out", oddRun,
      ])
    #expect(trained.code == 0, "\(trained.error)")
    let picture = "\(odd)/=cat\u{1B}[31m/0\u{1B}.bmp"
    let features = odd + "/f.npy"
    var outcomes = [prepared, trained]
    for words in [
      ["predict", "--checkpoint", oddRun, picture],
      ["predict", "--checkpoint", oddRun, odd + "/no"],
      ["predict", "--checkpoint", oddRun, "--json", picture],
      ["predict", "--checkpoint", oddRun, "--csv", picture],
      ["evaluate", oddRun, "--data", out], ["evaluate", oddRun, "--data", out, "--csv"],
      ["evaluate", oddRun, "--data", out, "--json"], ["verify", oddRun],
      [
        "similar", "--checkpoint", oddRun, "--set", odd + "/=cat\u{1B}[31m", "--features", features,
      ],
      ["similar", "--checkpoint", oddRun, "--features", features, picture],
      ["features", oddRun, "--data", out, "--out", odd + "/o.npy"],
      ["preview", "--data", out, "--out", odd + "/p.png"], ["loading", "--data", out],
    ] {
      outcomes.append(try Program.alexnet(ranks: nil, words))
      #expect(outcomes[outcomes.count - 1].code == (words.last == odd + "/no" ? 66 : 0))
    }
    let log = try String(contentsOfFile: oddRun + "/log.txt", encoding: .utf8)
    for text in outcomes.flatMap({ [$0.output, $0.error] }) + [log] {
      let isPlain = text.unicodeScalars.allSatisfy { letter in
        letter == "\n" || letter.value >= 0x20 && !(0x7F...0x9F).contains(letter.value)
      }
      #expect(isPlain, "\(text.debugDescription)")
    }
    let cells = outcomes[5].output.split(separator: "\n")[1].split(separator: ",")
    #expect(cells[1...2].contains("'=cat\\u{1b}[31m"), "\(cells)")
  }

  @Test func verifyReadsEveryCheckpointOfARunOnce() throws {
    #expect(try Program.alexnet("verify", run).code == 0)
    let checkpoints = run + "/checkpoints"
    for name in ["best", "latest"] {
      let path = "\(checkpoints)/\(name).safetensors"
      let whole = try training.bytes(path)
      var damaged = whole
      damaged[damaged.count / 2] ^= 0xFF
      unlink(path)
      try damaged.write(to: URL(fileURLWithPath: path))
      let outcome = try Program.alexnet("verify", run)
      #expect(
        outcome.code == 65 && outcome.error.contains("\(name).safetensors"), "\(outcome.error)")
      try whole.write(to: URL(fileURLWithPath: path))
      #expect(try Program.alexnet("verify", run).code == 0)
    }
    let configuration = run + "/config.json"
    let text = try training.contents(configuration)
    try text.dropLast(10).write(to: URL(fileURLWithPath: configuration))
    let broken = try Program.alexnet("verify", run)
    #expect(broken.code == 65 && broken.error.contains("config.json"), "\(broken.error)")
    unlink(configuration)
    let missing = try Program.alexnet("verify", run)
    #expect(
      missing.code == 66 && missing.error.contains("config.json' is missing"), "\(missing.error)")
    #expect(missing.output.contains("step 5"), "\(missing.output)")
  }

  @Test func aHugeOrDeepDescriptionIsRefusedWithoutUsingMemory() throws {
    let path = scratch.path + "/network.json"
    for (text, words) in [
      (String(repeating: "[],", count: 5_000_000), "values"),
      (String(repeating: "[", count: 10_000_000), "nested more than"),
      (String(repeating: "[],", count: 10_000_000), "more than the"),
    ] {
      try "[\(text)[]]".write(toFile: path, atomically: false, encoding: .utf8)
      // With 600 MB of memory in all, the program and its libraries included.
      let outcome = try Program.run([
        "/bin/bash", "-c",
        "ulimit -v 1500000; exec \"$0\" --dry-run --network \"$1\" --data \"$2\"",
        "\(Program.folder)/alexnet-train", path, data,
      ])
      #expect(outcome.code == 65, "\(outcome.error)")
      #expect(outcome.error.contains(words), "\(outcome.error)")
    }
  }
}
