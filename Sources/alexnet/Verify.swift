import AlexNet
import Failures
import Options
import Safetensors
import Training

/// `alexnet verify`: compares every checksum of checkpoints.
enum Verify: Subcommand {
  static let name = "verify"
  static let summary = "Check that checkpoints are whole: every checksum, every number finite."

  private static let command = Command(
    "alexnet verify",
    overview: """
      Reads checkpoints whole and compares the SHA-256 of every part of every tensor, and that of the header, with
      what they hold. The exit code is 0 where all are whole and 65 where one is not, which is then named.
      """,
    synopsis: "RUN|CHECKPOINT...", takesOperands: true, groups: [])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return try StandardStream.output.write(command.helpText) }
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name a run's folder or a checkpoint: alexnet verify RUN.")
    }
    for path in arguments.operands {
      let run = RunDirectory(path)
      let files = run.holdsRun ? run.checkpointFiles : [path]
      guard !files.isEmpty else {
        throw Failure(.inputMissing, "The run in \(quoted(path)) has no checkpoint yet.")
      }
      for file in files {
        let checkpoint = try NetworkFile(opening: file)
        let parts = try checkpoint.verify()
        // What was exported or imported has no state of a training.
        let what =
          checkpoint.file.header.metadata["state"] == nil
          ? "weights" : "step \(try Checkpoint.describe(checkpoint.file).state.step)"
        let checked =
          parts == 0 ? "no checksums (version 1), all numbers finite" : "\(parts) checksums agree"
        try StandardStream.output.write("\(quoted(file)): \(what), \(checked).\n")
      }
    }
  }
}
