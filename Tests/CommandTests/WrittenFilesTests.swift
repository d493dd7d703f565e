import Foundation
import Glibc
import TestSupport
import Testing

/// Files that the programs make: whole or not there, and open to whom the user's umask says.
@Suite(.serialized) struct WrittenFilesTests {
  private let scratch = TemporaryFolder()

  private func trained(_ umask: String = "022") throws -> String {
    let data = try Pictures.small.get().path + "/dataset"
    let run = scratch.path + "/run"
    let outcome = try under(
      "umask \(umask)", "alexnet-train",
      [
        "--data", data, "--network", "cifar-four-layer", "--batch-size", "16", "--threads", "1",
        "--learning-rate", "0.001", "--out", run, "--max-steps", "2", "--tensorboard",
      ])
    #expect(outcome.code == 0, "\(outcome.error)")
    return run
  }

  /// Runs a program from a shell that has done something before.
  private func under(
    _ before: String, _ program: String, _ words: [String]
  ) throws -> Outcome {
    try Program.run(
      ["/bin/bash", "-c", "\(before); exec \"$0\" \"$@\"", "\(Program.folder)/\(program)"] + words)
  }

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func aFailedExportOrImportLeavesNothingBehindAndNamesTheRemedy() throws {
    let run = try trained()
    let out = scratch.path + "/out"
    try FileManager.default.createDirectory(
      atPath: out + "/folder", withIntermediateDirectories: true)
    // What 'ulimit -f' allows in blocks of 1024 bytes is less than any of the files needs.
    let full = "ulimit -f 16"
    for format in ["safetensors", "npz", "onnx"] {
      let outcome = try under(
        full, "alexnet", ["export", run, "--format", format, "--out", "\(out)/a.\(format)"])
      #expect(outcome.code == 74, "\(format): \(outcome.error)")
      #expect(
        outcome.error.contains("File too large") && outcome.error.contains("Make room")
          && !outcome.error.contains("--resume"), "\(format): \(outcome.error)")
      let folder = try Program.alexnet(
        "export", run, "--format", format, "--out", "\(out)/folder")
      #expect(folder.code == 73 && folder.error.contains("folder"), "\(format): \(folder.error)")
      #expect(try names(out) == ["folder"], "\(format)")
    }
    // Two files, of which the second is too long.
    let onnx = try under(
      "ulimit -f 64", "alexnet",
      ["export", run, "--format", "onnx", "--out", "\(out)/a.onnx"])
    #expect(onnx.code == 74, "\(onnx.error)")
    #expect(try names(out) == ["folder"])

    let file = scratch.path + "/file.npz"
    #expect(try Program.alexnet("export", run, "--format", "npz", "--out", file).code == 0)
    for (words, code) in [
      ([file, "--network", "alexnet", "--out", "\(out)/b.safetensors"], 64),
      ([file, "--out", "\(out)/folder"], 73), ([file, "--out", "\(out)/no/b.safetensors"], 73),
    ] as [([String], Int32)] {
      let outcome = try Program.alexnet(ranks: nil, ["import"] + words)
      #expect(outcome.code == code, "\(outcome.error)")
      #expect(try names(out) == ["folder"], "\(words)")
    }
    let outcome = try under(full, "alexnet", ["import", file, "--out", "\(out)/b.safetensors"])
    #expect(
      outcome.code == 74 && outcome.error.contains("Make room")
        && !outcome.error.contains("--resume"), "\(outcome.error)")
    #expect(try names(out) == ["folder"])
  }

  @Test func allFilesHaveMode0666LessTheUmask() throws {
    let run = try trained("027")
    let data = try Pictures.small.get().path + "/dataset"
    let out = scratch.path + "/out"
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    for words in [
      ["export", run, "--format", "safetensors", "--out", "\(out)/a.safetensors"],
      ["export", run, "--format", "npz", "--out", "\(out)/a.npz"],
      ["export", run, "--format", "onnx", "--out", "\(out)/a.onnx"],
      ["import", "\(out)/a.npz", "--out", "\(out)/b.safetensors"],
      ["features", run, "--data", data, "--limit", "4", "--out", "\(out)/f.npy"],
      ["similar", "--checkpoint", run, "--set", data, "--features", "\(out)/s.npy"],
      ["evaluate", run, "--data", data, "--predictions", "\(out)/p.csv"],
      ["preview", "--data", data, "--out", "\(out)/v.png"],
    ] {
      let outcome = try under("umask 027", "alexnet", words)
      #expect(outcome.code == 0, "\(words): \(outcome.error)")
    }
    let files =
      try names(out).map { "\(out)/\($0)" }
      + names(run + "/checkpoints").map {
        "\(run)/checkpoints/\($0)"
      } + names(run + "/tensorboard").map { "\(run)/tensorboard/\($0)" }
      + ["config.json", "metrics.jsonl", "log.txt"].map { "\(run)/\($0)" }
    #expect(files.count > 12, "\(files)")
    for file in files {
      var status = stat()
      #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o640, "\(file)")
    }
  }

  @Test func noOutputReplacesAnotherOrAFileOfARunOrDataset() throws {
    let run = try trained()
    let data = try Pictures.small.get().path + "/dataset"
    let same = scratch.path + "/same.csv"
    let twice = try Program.alexnet(
      "evaluate", run, "--predictions", same, "--confusion", same)
    #expect(twice.code == 64, "\(twice.error)")
    #expect(twice.error.contains("--predictions and --confusion both write"), "\(twice.error)")
    #expect(!FileManager.default.fileExists(atPath: same))
    let checkpoint = run + "/checkpoints/best.safetensors"
    let copy = scratch.path + "/copy.safetensors"
    try FileManager.default.copyItem(atPath: checkpoint, toPath: copy)
    for (words, code) in [
      (["report", run, "--out", run + "/config.json"], 73),
      (["report", run, "--kernels", run + "/metrics.jsonl"], 73),
      (["report", run, "--kernels", run + "/report.html"], 64),
      (["report", run, "--out", data + "/dataset.json"], 73),
      (["evaluate", run, "--predictions", data + "/validation.index"], 73),
      (["evaluate", run, "--confusion", data + "/statistics.safetensors"], 73),
      (["export", run, "--format", "safetensors", "--out", checkpoint], 73),
      (["export", copy, "--format", "safetensors", "--out", copy], 64),
      (["import", copy, "--out", copy], 64),
      (["features", run, "--out", data + "/train.index"], 73),
      (["similar", run, "--set", data, "--features", run + "/log.txt"], 73),
      (["preview", data, "--out", data + "/train-000000.tar"], 73),
    ] as [([String], Int32)] {
      let outcome = try Program.alexnet(ranks: nil, words)
      #expect(outcome.code == code, "\(words): \(outcome.error)")
    }
    let training = [
      "--data", data, "--network", "cifar-four-layer", "--batch-size", "16", "--threads", "1",
      "--max-steps", "2",
    ]
    let other = scratch.path + "/other"
    for (path, says) in [
      (data + "/dataset.json", "a file of the dataset"), (other + "/config.json", "own files"),
      (scratch.path + "/nosuch/x", "No such file"), ("/dev/full", "always full"),
    ] {
      let outcome = try Program.train(
        ranks: nil, training + ["--out", other, "--timeline", path, "--timeline-steps", "1:2"])
      #expect(outcome.code == 73 && outcome.error.contains(says), "\(path): \(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: other), "\(path)")
    }
    #expect(try Program.alexnet("verify", run).code == 0)
    #expect(try Program.alexnet("info", data).code == 0)
  }

  /// Libraries crash where they get no file, and OpenBLAS retries for ever where it gets no memory.
  @Test func limitsOfTheProcessAreNamedInOneSentence() throws {
    let run = try trained()
    let page = scratch.path + "/page.html"
    for count in [10, 12, 14, 16, 20, 24] {
      let outcome = try under("ulimit -n \(count)", "alexnet", ["report", run, "--out", page])
      let lines = outcome.error.split(separator: "\n").filter { $0.hasPrefix("alexnet: ") }
      #expect(outcome.code < 100 && !outcome.error.contains("Error Domain"), "\(outcome.error)")
      #expect(outcome.code == 0 || lines.count == 1, "\(count): \(outcome.error)")
    }
    let picture = scratch.path + "/crops.png"
    let data = try Pictures.small.get().path + "/dataset"
    #expect(try Program.alexnet("preview", data, "--out", picture).code == 0)
    let little = try Program.run([
      "/bin/bash", "-c", "ulimit -v 600000; exec timeout 30 \"$0\" \"$@\"",
      "\(Program.folder)/alexnet", "predict", run, picture, "--threads", "8",
    ])
    #expect(little.code == 64, "\(little.error)")
    #expect(
      little.error.contains("The memory limit of this process (ulimit -v) leaves"),
      "\(little.error)")
  }
}
