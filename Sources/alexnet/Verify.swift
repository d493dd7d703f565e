import Checkpoints
import Glibc
import MPI
import Networks
import Options
import Safetensors
import System
import Training

/// `alexnet verify`: checks every checksum of checkpoints.
enum Verify: Subcommand {
  static let name = "verify"
  static let summary = "Check that checkpoints are whole: every checksum, every number finite."

  static let command = Command(
    "alexnet verify",
    overview: """
      Reads checkpoints whole and compares the SHA-256 of every part of every tensor, and that of the header, with
      what they hold; of a run its config.json and every file of its checkpoints, each once whatever names it has. The
      exit code is 0 where all are whole; each that is not is named.
      """,
    synopsis: "RUN|CHECKPOINT...", takesOperands: true, groups: [])

  static func run(_ words: [String]) throws(Failure) {
    guard let arguments = try arguments(words) else { return }
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name a run's folder or a checkpoint: alexnet verify RUN.")
    }
    var problems: [Failure] = []
    for path in arguments.operands {
      for file in files(of: path, &problems) {
        do throws(Failure) { try check(file) } catch { problems.append(error) }
      }
    }
    try problems.report(by: .alone)
  }

  /// The files that a path stands for: itself, or all checkpoints of a run, each only once.
  private static func files(of path: String, _ problems: inout [Failure]) -> [String] {
    var status = stat()
    guard stat(path, &status) == 0, status.isFolder else {
      if let misnaming = Checkpoint.misnaming(of: path) { problems.append(misnaming) }
      return [path]
    }
    let run = RunDirectory(path)
    do throws(Failure) {
      guard run.holdsRun else {
        throw Failure(
          .inputMissing,
          "\(quoted(run.configuration)) is missing, without which nothing can go on with the run; name the folder of a "
            + "run, or a checkpoint.")
      }
      _ = try TrainingSettings(TextFile.read(run.configuration), from: run.configuration)
    } catch { problems.append(error) }
    // Each name is checked, since it may contain another checkpoint.
    problems += run.checkpointFiles.compactMap { Checkpoint.misnaming(of: $0) }
    var seen: Set<[UInt64]> = []
    let files = run.everyCheckpoint.filter { file in
      // Files without a status are reported when they are opened.
      stat(file, &status) != 0
        || seen.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted
    }
    if files.isEmpty {
      problems.append(Failure(.inputMissing, "The run in \(quoted(path)) has no checkpoint yet."))
    }
    return files
  }

  private static func check(_ file: String) throws(Failure) {
    let checkpoint = try NetworkFile(opening: file)
    let parts = try checkpoint.verify()
    // Exported and imported files have no training state.
    let what =
      checkpoint.file.header.metadata["state"] == nil
      ? "weights" : "step \(try Checkpoint.describe(checkpoint.file).state.step)"
    let checked =
      parts == 0 ? "no checksums (version 1), all numbers finite" : "\(parts) checksums agree"
    try StandardStream.output.show("\(quoted(file)): \(what), \(checked).\n")
  }
}
