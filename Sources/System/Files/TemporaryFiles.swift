import Glibc

/// The folder of temporary files.
package enum TemporaryFiles {
  /// `TMPDIR`, or /tmp where that is not set or empty.
  package static var folder: String {
    let chosen = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    return chosen.isEmpty ? "/tmp" : chosen
  }
}
