import Checkpoints
import Data
import Foundation
import Networks
import Options
import Safetensors
import System
import Training

/// `alexnet info`: what a run, a checkpoint or a dataset is, and how it came about.
enum Info: Subcommand {
  static let name = "info"
  static let summary = "show what runs, checkpoints and datasets are and how they came about"

  static let command = Command(
    "alexnet info",
    overview: """
      Shows a run's network, recipe, data, state and each of its starts: the program's version and
      commit, libraries, hosts, command line; the same of a single checkpoint; and what a prepared
      dataset holds.
      """,
    synopsis: "RUN|CHECKPOINT|DATASET...", takesOperands: true, groups: [])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard !arguments.operands.isEmpty else {
      throw Failure(
        .usage, "Name a run's folder, a checkpoint or a dataset: alexnet info RUN.")
    }
    for path in arguments.operands {
      try StandardStream.output.show(
        escaped(
          ([quoted(path)] + lines(of: path).map { "  " + $0 }).joined(separator: "\n") + "\n",
          but: "\n"))
    }
  }

  private static func lines(of path: String) throws(Failure) -> [String] {
    guard let status = FileStatus(path) else {
      throw Failure(
        .inputMissing, "There is no run, checkpoint or dataset \(quoted(path)); check the path.")
    }
    guard status.isFolder else { return try lines(ofCheckpoint: path) }
    let run = RunDirectory(path)
    if run.holdsTraining { return try lines(of: run) }
    let dataset = try Dataset(opening: path)
    return ["dataset     \(dataset)", "checksum    \(dataset.checksum)"]
  }

  private static func lines(of run: RunDirectory) throws(Failure) -> [String] {
    var lines: [String] = []
    if let newest = try run.newestCheckpoint() {
      lines.append("newest      \(quoted(newest))")
      let file = try SafetensorsFile(opening: newest)
      lines += try self.lines(ofTraining: Checkpoint.describe(file))
    } else {
      lines += ["newest      no checkpoint yet"] + self.lines(of: try run.savedSettings())
    }
    let starts = try Provenance.starts(of: run)
    if starts.isEmpty {
      lines.append("started     by a program before 1.0.0, which did not note how")
    }
    for (number, start) in starts.enumerated() {
      lines.append("start \(number + 1)")
      let about =
        start.map { self.lines(of: $0) }
        ?? ["Its record in \(quoted(run.provenance)) is damaged, as a full disk leaves it."]
      lines += about.map { "  " + $0 }
    }
    return lines
  }

  private static func lines(ofCheckpoint path: String) throws(Failure) -> [String] {
    let checkpoint = try NetworkFile(opening: path)
    var lines: [String]
    if checkpoint.file.header.metadata["state"] == nil {
      // Exported and imported files have no training state.
      lines = ["weights     of the network \(network(checkpoint.network))"]
    } else {
      lines = try self.lines(ofTraining: Checkpoint.describe(checkpoint.file))
    }
    let format = checkpoint.file.header.metadata["formatVersion"] ?? "unknown"
    lines.append("format      version \(format)")
    guard let provenance = Provenance(checkpoint.file) else {
      return lines + ["written     by a program that did not note how"]
    }
    return lines + ["written in a start"] + self.lines(of: provenance).map { "  " + $0 }
  }

  private static func lines(
    ofTraining described: (settings: TrainingSettings, state: TrainingState)
  ) -> [String] {
    let state = described.state
    var lines = ["state       after step \(state.step)"]
    if let validation = state.validation {
      lines.append("validation  top-1 error \(percent(validation)) after step \(validation.step)")
    }
    if let best = state.best {
      lines.append("best        top-1 error \(percent(best)) after step \(best.step)")
    }
    return lines + self.lines(of: described.settings)
  }

  private static func percent(_ validation: TrainingState.Validation) -> String {
    String(format: "%.2f %%", validation.top1Error)
  }

  private static func lines(of settings: TrainingSettings) -> [String] {
    [
      "network     \(network(settings.network))", "recipe      \(settings.recipe.text)",
      "batch       \(counted(settings.recipe.batchSize, "image", "images")), seed "
        + "\(settings.seed), "
        + "\(counted(settings.threadsPerTower, "thread", "threads")) per tower",
      "data        \(quoted(settings.dataset)), checksum \(settings.datasetChecksum)",
    ]
  }

  private static func lines(of start: Provenance) -> [String] {
    start.sentences + ["The program's file has SHA-256 \(start.program.program ?? "unknown")."]
  }

  private static func network(_ network: NetworkSpecification) -> String {
    "\(quoted(network.name)), \(counted(network.layers.count, "layer", "layers")), "
      + "\(counted(network.towers, "tower", "towers")), "
      + "\(network.parameterCount) parameters, \(counted(network.classes, "class", "classes"))"
  }
}
