import Foundation

/// What a program left behind.
package struct Outcome: Sendable {
  /// The exit code.
  package let code: Int32
  /// What it wrote to standard output.
  package let bytes: [UInt8]
  /// What it wrote to standard error.
  package let error: String
  /// How long it took.
  package let seconds: Double

  /// What it wrote to standard output, as text.
  package var output: String { Self.text(bytes) }

  fileprivate static func text(_ bytes: [UInt8]) -> String {
    String(validating: bytes, as: UTF8.self) ?? "(This is no text.)"
  }
}

/// Programs, this package's and others, run as a user runs them.
package enum Program {
  /// The folder of the built programs, which is the test bundle's.
  package static let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().path

  /// The folder of the sources, whose scripts and pages are tested too.
  package static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// Runs `mpirun -np <ranks> alexnet-train`, or `alexnet-train` alone where `ranks` is nil, with
  /// some more variables in its environment.
  package static func train(
    ranks: Int?, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(
      launcher(ranks) + ["\(folder)/alexnet-train"] + arguments, environment: environment)
  }

  /// Runs `alexnet` with a subcommand.
  package static func alexnet(_ arguments: String...) throws -> Outcome {
    try alexnet(ranks: nil, arguments)
  }

  /// Runs `alexnet` with a subcommand on some ranks, or alone where `ranks` is nil.
  package static func alexnet(ranks: Int?, _ arguments: [String]) throws -> Outcome {
    try run(launcher(ranks) + ["\(folder)/alexnet"] + arguments)
  }

  private static func launcher(_ ranks: Int?) -> [String] {
    ranks.map { ["mpirun", "--oversubscribe", "-np", String($0)] } ?? []
  }

  /// Runs a program, by its path or by a name in PATH, to its end.
  ///
  /// Its output goes to files: a pipe stays open as long as any process that it has started.
  package static func run(
    _ words: [String], environment: [String: String] = [:], input: [UInt8] = [],
    in folder: String? = nil
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words[0].contains("/") ? words[0] : "/usr/bin/env")
    process.arguments = words[0].contains("/") ? Array(words.dropFirst()) : words
    process.environment = Process.userEnvironment.merging(environment) { $1 }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let scratch = TemporaryFolder()
    func handle(_ bytes: [UInt8], _ name: String) throws -> FileHandle {
      let path = try scratch.write(bytes, name)
      return try FileHandle(forUpdating: URL(fileURLWithPath: path))
    }
    process.standardInput = try input.isEmpty ? .nullDevice : handle(input, "input")
    process.standardOutput = try handle([], "output")
    process.standardError = try handle([], "error")
    let start = ContinuousClock.now
    try process.runWithOpenSignals()
    process.waitUntilExit()
    let duration = ContinuousClock.now - start
    return Outcome(
      code: process.terminationStatus, bytes: try scratch.read("output"),
      error: Outcome.text(try scratch.read("error")),
      seconds: duration / .seconds(1))
  }
}
