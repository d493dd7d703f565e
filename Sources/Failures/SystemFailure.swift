import Glibc

extension Failure {
  /// A failure from the C library's `errno`: `<what>: <text of errno>. <remedy>`.
  public static func system(
    _ exitCode: ExitCode, _ what: String, errno code: Int32, remedy: String = ""
  ) -> Failure {
    let text = String(cString: strerror(code))
    return Failure(exitCode, "\(what): \(text)." + (remedy.isEmpty ? "" : " \(remedy)"))
  }
}

/// Shows a path or name in a message: control characters and bytes that no terminal should see are escaped.
public func quoted(_ text: String) -> String {
  var shown = "'"
  for scalar in text.unicodeScalars {
    if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar == "\u{FFFD}" {
      shown += "\\u{" + String(scalar.value, radix: 16) + "}"
    } else {
      shown.unicodeScalars.append(scalar)
    }
  }
  return shown + "'"
}
