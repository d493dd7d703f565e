import Foundation
import Glibc
package import System

/// Draws charts with gnuplot, which is started once per chart.
package enum Gnuplot {
  /// Runs a script.
  /// - Returns: gnuplot's output.
  /// - Throws: `Failure` (inputMissing) if gnuplot is not installed, (internal) if it reports an
  ///   error.
  package static func draw(_ script: String) throws(Failure) -> String {
    let (input, output, complaints) = (try nameless(), try nameless(), try nameless())
    defer { for file in [input, output, complaints] { close(file) } }
    var text = script
    let problem = text.withUTF8 { WholeTransfer.write(UnsafeRawBufferPointer($0), to: input) }
    guard problem == 0, lseek(input, 0, SEEK_SET) == 0 else {
      throw failure(problem == 0 ? errno : problem)
    }
    // Without the user's ~/.gnuplot, which may send the drawing elsewhere or change it.
    let code = try run(["gnuplot", "-d"], streams: [input, output, complaints])
    guard code == 0, let drawing = contents(output), !drawing.isEmpty else {
      let reason = (contents(complaints) ?? "").trimmed
      throw Failure(
        .internal,
        "gnuplot cannot draw a chart: \(reason.isEmpty ? "it has drawn nothing." : reason)")
    }
    return drawing
  }

  private static func failure(_ code: Int32) -> Failure {
    .system(
      .inputOutput, "gnuplot, which draws the charts, cannot be started", errno: code,
      remedy: code == EMFILE ? "Raise the limit of open files (ulimit -n)." : "")
  }

  /// Runs a program with the three streams given, and waits for its end.
  ///
  /// Foundation's Process needs dozens of files for that, and crashes where it gets none.
  /// - Returns: Its exit code, or 128 and the signal that has ended it.
  private static func run(_ words: [String], streams: [Int32]) throws(Failure) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (number, stream) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, stream, Int32(number))
    }
    // What this process ignores or awaits is not for the child; and Ctrl-C is this process's.
    var (none, pipe) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &pipe)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    var pointers = words.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    var process: pid_t = 0
    let code = posix_spawnp(&process, words[0], &actions, &attributes, pointers, environ)
    guard code != ENOENT else {
      throw Failure(
        .inputMissing,
        "The charts are drawn by gnuplot, which is not installed; install it with 'apt-get install "
          + "gnuplot-nox'."
      )
    }
    guard code == 0 else { throw failure(code) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      // Where a parent ignores the ends of its children, nobody says how this one went.
      guard errno == EINTR else { return 0 }
    }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }

  /// An empty file without a name: nothing of it is left, however the program ends.
  private static func nameless() throws(Failure) -> Int32 {
    var template = Array("\(TemporaryFiles.folder)/alexnet-plot-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    guard file >= 0 else { throw failure(errno) }
    unlink(template)
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    return file
  }

  private static func contents(_ file: Int32) -> String? {
    guard let length = FileStatus(descriptor: file)?.size else { return nil }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { memory, count in
      count = length
      code = WholeTransfer.read(
        into: UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: length), from: file,
        at: 0)
    }
    return code == 0 ? String(validating: bytes, as: UTF8.self) : nil
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
