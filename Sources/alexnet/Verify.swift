import Checkpoints
import Data
import MPI
import Networks
import Options
import Safetensors
import System
import Training

/// `alexnet verify`: checks every checksum of checkpoints.
enum Verify: Subcommand {
  static let name = "verify"
  static let summary =
    "check that checkpoints are intact: checksums agree and all numbers are finite"

  static let command = Command(
    "alexnet verify",
    overview: """
      Reads whole checkpoints and compares the SHA-256 of the header and of every part of every
      tensor with the contents. Of a run, checks config.json and every checkpoint file, each once
      even if it has several names. The exit code is 0 if all are intact; each damaged file is
      named.
      """,
    synopsis: "RUN|CHECKPOINT...", takesOperands: true, groups: [])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
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
    guard FileStatus(path)?.isFolder == true else {
      if let misnaming = Checkpoint.misnaming(of: path) { problems.append(misnaming) }
      return [path]
    }
    let run = RunDirectory(path)
    guard run.holdsTraining || !Dataset.isThere(at: path) else {
      problems.append(
        Failure(
          .usage,
          "\(quoted(path)) is a prepared dataset, not a run: 'alexnet info' shows what it holds, and "
            + "its pictures are checked when they are read, as 'alexnet loading' does; name a run or "
            + "a checkpoint."))
      return []
    }
    do throws(Failure) {
      guard run.holdsRun else {
        throw Failure(
          .inputMissing,
          "\(quoted(run.configuration)) is missing, and the run cannot be resumed without it; name "
            + "the folder of a run, or a checkpoint.")
      }
      _ = try TrainingSettings(TextFile.read(run.configuration), from: run.configuration)
    } catch { problems.append(error) }
    // Each name is checked, since it may contain another checkpoint.
    problems += run.checkpointFiles.compactMap { Checkpoint.misnaming(of: $0) }
    var seen: Set<FileStatus.Identity> = []
    let files = run.everyCheckpoint.filter { file in
      // Files without a status are reported when they are opened.
      FileStatus(file).map { seen.insert($0.identity).inserted } ?? true
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
    try StandardStream.output.show("\(quoted(file)): \(what), \(parts) checksums agree.\n")
  }
}
