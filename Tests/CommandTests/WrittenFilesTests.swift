import Foundation
import Glibc
import Testing

/// Files that the programs make: whole or not there, and open to whom the user's umask says.
@Suite(.serialized) struct WrittenFilesTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

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
    let full = "trap '' XFSZ; ulimit -f 16"
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
      "trap '' XFSZ; ulimit -f 64", "alexnet",
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
}
