import AlexNet
public import Failures
import Foundation
import Glibc

/// The folder of one run: config.json, metrics.jsonl, log.txt and checkpoints/.
public struct RunDirectory: Sendable {
  /// The folder.
  public let path: String

  /// Names a run's folder; nothing is created.
  public init(_ path: String) { self.path = path }

  /// Every effective setting.
  public var configuration: String { path + "/config.json" }
  /// A record a step, a record a validation.
  public var metrics: String { path + "/metrics.jsonl" }
  /// What the run said.
  public var log: String { path + "/log.txt" }
  /// Where TensorBoard's files are.
  public var tensorBoard: String { path + "/tensorboard" }
  /// Where the checkpoints are.
  public var checkpoints: String { path + "/checkpoints" }

  /// The file of the checkpoint after a number of steps.
  public func checkpoint(afterSteps steps: Int) -> String {
    let digits = String(steps)
    return "\(checkpoints)/step-\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)"
      + Self.checkpointSuffix
  }

  private static let checkpointSuffix = ".safetensors"

  /// The checkpoints that are there, the oldest first; a file under its final name is whole.
  public var checkpointFiles: [String] {
    Self.names(in: checkpoints)
      .filter { $0.hasPrefix("step-") && $0.hasSuffix(Self.checkpointSuffix) }
      .sorted().map { "\(checkpoints)/\($0)" }
  }

  /// The file that a user names: a checkpoint, or the newest one of a run where it is the run's folder.
  /// - Throws: `Failure` (inputMissing) where nothing is there, or the run has no checkpoint yet.
  public static func checkpoint(named path: String) throws(Failure) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw Failure(
        .inputMissing, "There is no run or checkpoint \(quoted(path)); check the path.")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { return path }
    guard let newest = RunDirectory(path).checkpointFiles.last else {
      throw Failure(
        .inputMissing, "The folder \(quoted(path)) holds no checkpoint of a run; name another.")
    }
    return newest
  }

  /// The settings in config.json.
  /// - Returns: Those that the run was started with.
  /// - Throws: `Failure` (inputMissing) where there is no run, (badData) where the file is not understood.
  public func savedSettings() throws(Failure) -> TrainingSettings {
    guard let text = try? String(contentsOfFile: configuration, encoding: .utf8) else {
      throw Failure(
        .inputMissing,
        "\(quoted(path)) holds no run to go on with; leave out --resume to start one.")
    }
    return try JSONText.decode(TrainingSettings.self, text, from: configuration)
  }

  /// Creates the folder for a new run, private to the user.
  /// - Throws: `Failure` (cannotCreate) where another run is there already, or nothing can be created.
  public func create() throws(Failure) {
    guard Self.names(in: path).isEmpty else {
      let holdsRun = access(configuration, F_OK) == 0
      throw Failure(
        .cannotCreate,
        holdsRun
          ? "\(quoted(path)) already holds a run; add --resume to go on with it, or choose another --out."
          : "\(quoted(path)) is not empty; choose another --out.")
    }
    var parent = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      parent += part
      if !parent.isEmpty, mkdir(parent, 0o700) != 0, errno != EEXIST { throw cannotCreate(parent) }
      parent += "/"
    }
    if mkdir(checkpoints, 0o700) != 0, errno != EEXIST { throw cannotCreate(checkpoints) }
    guard access(checkpoints, W_OK) == 0 else { throw cannotCreate(checkpoints) }
  }

  /// Removes all but the newest checkpoints, and what an interrupted save left.
  public func prune(keeping count: Int) {
    for path in checkpointFiles.dropLast(count) { unlink(path) }
    for name in Self.names(in: checkpoints) where name.hasSuffix(".partial") {
      unlink("\(checkpoints)/\(name)")
    }
  }

  private func cannotCreate(_ path: String) -> Failure {
    .system(
      .cannotCreate, "The run directory \(quoted(path)) cannot be created", errno: errno,
      remedy: "Choose another --out.")
  }

  private static func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
