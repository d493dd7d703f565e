/// The files of datasets and runs, which no output may replace.
///
/// Their names are here and not where they are written, since the rule for outputs is below all of
/// that.
enum KeptFiles {
  /// What a file is part of, as a phrase that names the folder; nil for a file of the user's.
  ///
  /// A name counts whether the file is there or not: one that is missing would be taken for the
  /// folder's own.
  static func owner(of path: String) -> String? {
    let (folder, name) = parts(of: path)
    if exists("\(folder)/dataset.json"), isOfDataset(name) {
      return "the dataset \(quoted(folder))"
    }
    if ofRun.contains(name), isRun(folder) { return "the run \(quoted(folder))" }
    // A folder may have been reached by a link: its own parent counts.
    let parent = "\(folder)/.."
    guard let status = FileStatus(folder), isRun(parent) else { return nil }
    for part in foldersOfRun where FileStatus("\(parent)/\(part)")?.isSameFile(as: status) == true {
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
    ofRun.contains(name) || foldersOfRun.contains(name)
  }

  private static let ofRun: Set = [
    "config.json", "metrics.jsonl", "log.txt", "provenance.jsonl", "lock",
  ]
  private static let foldersOfRun = ["checkpoints", "tensorboard"]

  /// Other programs have files named config.json too; a run has one of the others as well.
  private static func isRun(_ folder: String) -> Bool {
    func has(_ name: String) -> Bool { exists("\(folder)/\(name)") }
    return has("config.json")
      ? has("metrics.jsonl") || has("provenance.jsonl")
      : has("metrics.jsonl") && has("checkpoints")
  }

  /// `train-000000.tar` and `train.index` are made for each part; the rest is one file each.
  private static func isOfDataset(_ name: String) -> Bool {
    if ["dataset.json", "statistics.safetensors", "rejected.jsonl"].contains(name) { return true }
    return ["train", "validation", "test"].contains { part in
      name == "\(part).index" || name.hasPrefix("\(part)-") && name.hasSuffix(".tar")
    }
  }

  private static func exists(_ path: String) -> Bool { FileStatus(path) != nil }
}
