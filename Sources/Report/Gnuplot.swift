import Foundation
package import System

/// Draws charts with gnuplot, which is started once per chart.
package enum Gnuplot {
  /// Runs a script.
  /// - Returns: gnuplot's output.
  /// - Throws: `Failure` (inputMissing) if gnuplot is not installed, (internal) if it reports an
  ///   error.
  package static func draw(_ script: String) throws(Failure) -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gnuplot"]
    let output: FileHandle, complaints: FileHandle
    do {
      let input = try nameless()
      (output, complaints) = (try nameless(), try nameless())
      try input.write(contentsOf: Data(script.utf8))
      try input.seek(toOffset: 0)
      (process.standardInput, process.standardOutput) = (input, output)
      process.standardError = complaints
      try process.run()
    } catch {
      throw Failure(.inputOutput, "gnuplot cannot be started: \(error).")
    }
    process.waitUntilExit()
    // The exit code of `env` if there is no such program.
    guard process.terminationStatus != 127 else {
      throw Failure(
        .inputMissing,
        "The charts are drawn by gnuplot, which is not installed; install it with 'apt-get install "
          + "gnuplot-nox'."
      )
    }
    guard process.terminationStatus == 0, let drawing = text(output) else {
      let complaint = text(complaints) ?? ""
      throw Failure(.internal, "gnuplot cannot draw a chart: \(complaint.trimmed)")
    }
    return drawing
  }

  /// An empty file without a name: nothing of it is left, however the program ends.
  private static func nameless() throws -> FileHandle {
    let path = NSTemporaryDirectory() + "alexnet-plot-" + UUID().uuidString
    try Data().write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try FileHandle(forUpdating: URL(fileURLWithPath: path))
  }

  private static func text(_ file: FileHandle) -> String? {
    guard (try? file.seek(toOffset: 0)) != nil, let data = try? file.readToEnd() ?? Data() else {
      return nil
    }
    return String(data: data, encoding: .utf8)
  }

  /// A text as a gnuplot string that is drawn as it is.
  ///
  /// Texts come from other people's files, and even within a string gnuplot passes text between
  /// backquotes to a shell and treats text after a line end as commands. So everything but letters
  /// and blanks is written as octal numbers: digits too, since gnuplot reads a digit that follows
  /// an octal number as part of it.
  package static func quoted(_ text: String, isEnhanced: Bool = true) -> String {
    var result = ""
    for letter in text.unicodeScalars {
      let isSign = "\\_^{}@&~".unicodeScalars.contains(letter)
      let shown = letter.isControl ? " " : isEnhanced && isSign ? "\\\(letter)" : "\(letter)"
      for byte in shown.utf8 {
        let isPlain = byte < 0x80 && Character(Unicode.Scalar(byte)).isWordLike
        result += isPlain ? "\(Unicode.Scalar(byte))" : String(format: "\\%03o", byte)
      }
    }
    return "\"\(result)\""
  }
}

extension Character {
  /// Whether it is a letter or a blank.
  fileprivate var isWordLike: Bool { isLetter || self == " " }
}

extension String {
  var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
