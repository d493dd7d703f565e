import Foundation
import Synchronization
import TestSupport

/// What a program left behind.
struct Outcome {
  let code: Int32
  let output: String
  let error: String
  let seconds: Double
}

/// The programs of the package, run as a user runs them.
enum Program {
  /// The folder of the built programs, which is the test bundle's.
  static let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().path

  /// The folder of the sources, whose scripts and pages are tested too.
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// Runs `mpirun -np <ranks> alexnet-train`, or `alexnet-train` alone where `ranks` is nil, with
  /// some more variables in its environment.
  static func train(
    ranks: Int?, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(
      launcher(ranks) + ["\(folder)/alexnet-train"] + arguments, environment: environment)
  }

  /// Runs `alexnet` with a subcommand.
  static func alexnet(_ arguments: String...) throws -> Outcome {
    try alexnet(ranks: nil, arguments)
  }

  /// Runs `alexnet` with a subcommand on some ranks, or alone where `ranks` is nil.
  static func alexnet(ranks: Int?, _ arguments: [String]) throws -> Outcome {
    try run(launcher(ranks) + ["\(folder)/alexnet"] + arguments)
  }

  private static func launcher(_ ranks: Int?) -> [String] {
    ranks.map { ["/usr/bin/env", "mpirun", "--oversubscribe", "-np", String($0)] } ?? []
  }

  static func run(_ words: [String], environment: [String: String] = [:]) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.environment = Process.userEnvironment.merging(environment) { $1 }
    let scratch = try ScratchFolder()
    let (output, error) = (scratch.path + "/output", scratch.path + "/error")
    for path in [output, error] { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: error))
    process.standardInput = FileHandle.nullDevice
    let start = ContinuousClock.now
    try process.runWithOpenSignals()
    process.waitUntilExit()
    let duration = ContinuousClock.now - start
    return Outcome(
      code: process.terminationStatus,
      output: try String(contentsOfFile: output, encoding: .utf8),
      error: try String(contentsOfFile: error, encoding: .utf8),
      seconds: duration / .seconds(1))
  }
}

/// A folder that is gone when the test is over.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "alexnet-train-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A folder for a static, which is never let go of: it is removed when the test process ends.
  static func untilExit() throws -> ScratchFolder {
    let folder = try ScratchFolder()
    let path = folder.path
    Leftovers.paths.withLock { $0.append(path) }
    atexit {
      for path in Leftovers.paths.withLock({ $0 }) {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    return folder
  }
}

/// Folders to remove when the test process ends.
private enum Leftovers {
  static let paths = Mutex<[String]>([])
}
