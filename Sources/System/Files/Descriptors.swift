import Glibc

/// How many more files this process may open.
package enum Descriptors {
  /// Refuses work that needs more open files than the process may have.
  ///
  /// Libraries crash where they get none, or say so in words of their own.
  /// - Parameters:
  ///   - count: How many more.
  ///   - what: What needs them, to begin a sentence.
  /// - Throws: `Failure` (usage) where there are not so many.
  package static func require(_ count: Int, for what: String) throws(Failure) {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < count {
      // A copy of standard input would be one of nothing where that is closed.
      let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        throw Failure(
          .usage,
          "\(what) needs \(count) open files, and this process may have only \(opened.count) more "
            + "(ulimit -n); raise the limit.")
      }
      opened.append(descriptor)
    }
  }
}
