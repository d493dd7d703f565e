import Glibc

extension Failure {
  /// A failure from the C library's `errno`: `<what>: <text of errno>. <remedy>`.
  package static func system(
    _ exitCode: ExitCode, _ what: String, errno code: Int32, remedy: String = ""
  ) -> Failure {
    let text = String(cString: strerror(code))
    return Failure(exitCode, "\(what): \(text)." + (remedy.isEmpty ? "" : " \(remedy)"))
  }
}
