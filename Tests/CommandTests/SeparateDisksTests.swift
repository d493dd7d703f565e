import Foundation
import TestSupport
import Testing

/// Hosts that share no file system, played by ranks that start in different folders and name the
/// run's by a relative path.
@Suite struct SeparateDisksTests {
  private let training: FaultRun
  private let folders: [String]

  init() throws {
    training = try FaultRun()
    folders = ["first", "second"].map { [scratch = training.scratch.path] in "\(scratch)/\($0)" }
    for folder in folders {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
  }

  private func train(steps: Int, _ more: String...) throws -> Outcome {
    let words = try training.options(steps: steps, out: "run") + more
    let rank = { folder in
      ["-np", "1", "--wdir", folder, "\(Program.folder)/alexnet-train"] + words
    }
    return try Program.run(
      ["mpirun", "--oversubscribe"] + rank(folders[0]) + [":"] + rank(folders[1]))
  }

  private var run: String { folders[0] + "/run" }

  @Test func checkpointsAreCollectedAndSentOutAgain() throws {
    let first = try train(steps: 5)
    #expect(first.code == 0, "\(first.error)")
    #expect(first.output.contains("not see the run's folder 'run'"), "\(first.output)")
    #expect(!FileManager.default.fileExists(atPath: folders[1] + "/run"))
    // A folder of the same name on the other disk is another run's.
    try FileManager.default.createDirectory(
      atPath: folders[1] + "/run", withIntermediateDirectories: true)
    try Data("{}\n".utf8).write(to: URL(fileURLWithPath: folders[1] + "/run/lock"))

    let second = try train(steps: 10, "--resume")
    #expect(second.code == 0, "\(second.error)")
    // Its state counts one validation more, at the first run's end.
    let (path, other) = ("/checkpoints/latest.safetensors", training.scratch.path + "/other")
    #expect(try Program.train(ranks: 2, training.options(steps: 5, out: other)).code == 0)
    #expect(
      try Program.train(ranks: 2, training.options(steps: 10, out: other) + ["--resume"]).code == 0)
    #expect(try training.contents(run + path) == training.contents(other + path))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folders[1] + "/run") == ["lock"])
    let verified = try Program.alexnet("verify", run)
    #expect(verified.code == 0, "\(verified.error)")
  }
}
