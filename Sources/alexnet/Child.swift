import Foundation
import Glibc
import Launching
import System

/// A program that is run and waited for.
enum Child {
  /// This program.
  static var own: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }

  /// alexnet-train, which is installed beside it.
  static var trainer: String { beside("alexnet-train") }

  /// The names of the variables in the environment that stand for options of alexnet-train.
  static var trainerVariables: [String] {
    ProcessInfo.processInfo.environment.keys.filter { $0.hasPrefix("ALEXNET_TRAIN_") }.sorted()
  }

  /// One of the programs that are installed beside this one.
  static func beside(_ name: String) -> String {
    URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
  }

  /// Whether a program was asked to stop: then no other begins.
  nonisolated(unsafe) private(set) static var isAskedToStop = false

  /// Runs a program to its end; signals to this one go to it.
  /// - Parameters:
  ///   - words: Its path and arguments.
  ///   - saves: Whether SIGUSR1 makes it save and stop.
  ///   - output: The file to which its output is added.
  ///   - complaints: The file for standard error; nil for the same.
  /// - Returns: Its exit code; 128 and the signal's number where a signal ended it.
  /// - Throws: `Failure` where it cannot be started.
  static func run(
    _ words: [String], saves: Bool, output: String, complaints: String? = nil
  ) throws(Failure) -> Int32 {
    guard !isAskedToStop else {
      throw Failure(.savedUnfinished, "Stopped between two runs; the same command goes on.")
    }
    let first = try descriptor(output)
    defer { close(first) }
    let second = try complaints.map(descriptor)
    defer { if let second { close(second) } }
    // It says something where it is asked to stop.
    return try HeldJob.run(words, saves: saves, output: (first, second ?? first)) { sentence in
      isAskedToStop = true
      StandardStream.error.tell("alexnet: \(sentence)\n")
    }
  }

  private static func descriptor(_ path: String) throws(Failure) -> Int32 {
    let opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard opened >= 0 else {
      throw .system(
        .cannotCreate, "\(quoted(path)) cannot be written", errno: errno,
        remedy: "Choose another --out.")
    }
    // Where a stream of this program is closed, the file has taken its number.
    defer { close(opened) }
    return fcntl(opened, F_DUPFD_CLOEXEC, 3)
  }
}
