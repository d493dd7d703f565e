/// The names of a dataset's files but for those of its parts.
///
/// They are here and not where they are written, since the rule for outputs is below all of that.
package enum DatasetFiles {
  /// What the dataset is.
  package static let description = "dataset.json"
  /// The mean image and the colours.
  package static let statistics = "statistics.safetensors"
  /// The pictures that could not be used.
  package static let rejected = "rejected.jsonl"
  /// The pictures that are identical, where there are any.
  package static let duplicates = "duplicates.jsonl"

  fileprivate static let all: Set = [description, statistics, rejected, duplicates]
}

/// The names of a run's files and folders, which are here for the same reason.
package enum RunFiles {
  /// Every effective setting.
  package static let configuration = "config.json"
  /// One record per step and one per validation.
  package static let metrics = "metrics.jsonl"
  /// The messages.
  package static let log = "log.txt"
  /// One record per start.
  package static let provenance = "provenance.jsonl"
  /// Who uses the folder.
  package static let lock = "lock"
  /// The folder of the checkpoints.
  package static let checkpoints = "checkpoints"
  /// The folder of TensorBoard's files.
  package static let tensorBoard = "tensorboard"

  fileprivate static let files: Set = [configuration, metrics, log, provenance, lock]
  fileprivate static let folders = [checkpoints, tensorBoard]
}

/// The files of datasets and runs, which no output may replace.
enum KeptFiles {
  /// What a file is part of, as a phrase that names the folder; nil for a file of the user's.
  ///
  /// A name counts whether the file is there or not: one that is missing would be taken for the
  /// folder's own.
  static func owner(of path: String) -> String? {
    let (folder, name) = parts(of: path)
    if exists("\(folder)/\(DatasetFiles.description)"), isOfDataset(name) {
      return "the dataset \(quoted(folder))"
    }
    if RunFiles.files.contains(name), isRun(folder) { return "the run \(quoted(folder))" }
    // A folder may have been reached by a link: its own parent counts.
    let parent = "\(folder)/.."
    guard let status = FileStatus(folder), isRun(parent) else { return nil }
    for part in RunFiles.folders
    where FileStatus("\(parent)/\(part)")?.isSameFile(as: status) == true {
      return "the run whose \(part) are in \(quoted(folder))"
    }
    return nil
  }

  /// The folder of a file, and its name there.
  static func parts(of path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  /// Whether a name in a run's folder is one of the run's own.
  static func isOfRun(_ name: String) -> Bool {
    RunFiles.files.contains(name) || RunFiles.folders.contains(name)
  }

  /// Other programs have files named config.json too; a run has one of the others as well.
  private static func isRun(_ folder: String) -> Bool {
    func has(_ name: String) -> Bool { exists("\(folder)/\(name)") }
    return has(RunFiles.configuration)
      ? has(RunFiles.metrics) || has(RunFiles.provenance)
      : has(RunFiles.metrics) && has(RunFiles.checkpoints)
  }

  /// `train-000000.tar` and `train.index` are made for each part; the rest is one file each.
  private static func isOfDataset(_ name: String) -> Bool {
    if DatasetFiles.all.contains(name) { return true }
    return ["train", "validation", "test"].contains { part in
      name == "\(part).index" || name.hasPrefix("\(part)-") && name.hasSuffix(".tar")
    }
  }

  private static func exists(_ path: String) -> Bool { FileStatus(path) != nil }
}
