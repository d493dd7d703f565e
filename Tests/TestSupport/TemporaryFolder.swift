import Foundation
import Synchronization
package import System

/// A folder of this process's own that is removed, with its files, when the object goes.
package final class TemporaryFolder: Sendable {
  /// Where the folder is.
  package let path: String

  /// Makes the folder in a place, or where the system has such things.
  package init(in place: String = NSTemporaryDirectory()) {
    path = URL(fileURLWithPath: place).appending(path: "alexnet-tests-\(UUID().uuidString)").path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch { fatalError("No temporary folder: \(error).") }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A folder for a static, which is never let go of: it is removed when the test process ends.
  package static func untilExit() -> TemporaryFolder {
    let folder = TemporaryFolder()
    let path = folder.path
    Leftovers.paths.withLock { $0.append(path) }
    atexit {
      for path in Leftovers.paths.withLock({ $0 }) {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    return folder
  }

  /// The path of a file in the folder.
  package func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Makes a folder, and those above it.
  package func makeFolder(_ name: String) throws(Failure) {
    do {
      try FileManager.default.createDirectory(
        atPath: file(name), withIntermediateDirectories: true)
    } catch { throw Failure(.cannotCreate, "\(error)") }
  }

  /// Writes a file, and the folders above it; returns its path.
  @discardableResult
  package func write(_ bytes: [UInt8], _ name: String) throws(Failure) -> String {
    try makeFolder((name as NSString).deletingLastPathComponent)
    do { try Data(bytes).write(to: URL(fileURLWithPath: file(name))) } catch {
      throw Failure(.cannotCreate, "\(error)")
    }
    return file(name)
  }

  /// Writes a script that can be started; returns its path.
  @discardableResult
  package func script(_ name: String, _ text: String) throws(Failure) -> String {
    let path = try write(Array(text.utf8), name)
    guard chmod(path, 0o755) == 0 else {
      throw .system(.cannotCreate, "\(quoted(path)) cannot be made a program", errno: errno)
    }
    return path
  }

  /// The bytes of a file.
  package func read(_ name: String) throws(Failure) -> [UInt8] {
    do { return Array(try Data(contentsOf: URL(fileURLWithPath: file(name)))) } catch {
      throw Failure(.inputMissing, "\(error)")
    }
  }

  /// The names in a folder, in order.
  package func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(folder)).sorted()
  }
}

/// Folders to remove when the test process ends.
private enum Leftovers {
  static let paths = Mutex<[String]>([])
}
