package import Failures
import Foundation

/// Drawing by gnuplot, which is started once a chart.
package enum Gnuplot {
  /// Runs a script.
  /// - Returns: What gnuplot drew, a text.
  /// - Throws: `Failure` (inputMissing) where gnuplot is not installed, (internal) where it complains.
  package static func draw(_ script: String) throws(Failure) -> String {
    let path = NSTemporaryDirectory() + "alexnet-plot-" + UUID().uuidString
    let (input, output, complaints) = (path + ".gp", path + ".out", path + ".err")
    defer {
      for file in [input, output, complaints] { try? FileManager.default.removeItem(atPath: file) }
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gnuplot", input]
    process.standardInput = FileHandle.nullDevice
    do {
      for (file, text) in [(input, script), (output, ""), (complaints, "")] {
        try text.write(toFile: file, atomically: false, encoding: .utf8)
      }
      process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: complaints))
      try process.run()
    } catch {
      throw Failure(.inputOutput, "gnuplot cannot be started: \(error).")
    }
    process.waitUntilExit()
    // What `env` leaves with where there is no such program.
    guard process.terminationStatus != 127 else {
      throw Failure(
        .inputMissing,
        "The charts are drawn by gnuplot, which is not installed; install it with 'apt-get install gnuplot-nox'."
      )
    }
    guard process.terminationStatus == 0,
      let drawing = try? String(contentsOfFile: output, encoding: .utf8)
    else {
      let complaint = (try? String(contentsOfFile: complaints, encoding: .utf8)) ?? ""
      throw Failure(.internal, "gnuplot cannot draw a chart: \(complaint.trimmed)")
    }
    return drawing
  }

  /// A text within double quotes, with what gnuplot's enhanced text or its strings give a meaning kept as it is.
  static func quoted(_ text: String, isEnhanced: Bool = true) -> String {
    var result = "\""
    for letter in text {
      switch letter {
      case "\\", "\"": result += "\\" + String(letter)
      case "_", "^", "{", "}", "@", "&", "~": result += (isEnhanced ? "\\\\" : "") + String(letter)
      case "\n", "\r": result += " "
      default: result.append(letter)
      }
    }
    return result + "\""
  }
}

extension String {
  var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
