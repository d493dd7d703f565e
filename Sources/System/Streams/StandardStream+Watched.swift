import Glibc
import Synchronization

extension StandardStream {
  /// Whether a person sees the output as it is written.
  ///
  /// mpirun gives every rank a pseudo-terminal whatever its own output is, so a rank checks where
  /// its parent, mpirun, writes to.
  package var isWatched: Bool {
    Self.isRelayed ? launcherTerminal != nil : isTerminal
  }

  /// How many characters a line of the terminal has on which a person sees the output, or of the
  /// one that `COLUMNS` describes; nil if there is none.
  package var columns: Int? {
    if let told = getenv("COLUMNS").flatMap({ Int(String(cString: $0)) }), told > 0 { return told }
    var size = winsize()
    if Self.isRelayed, let path = launcherTerminal {
      let terminal = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
      defer { if terminal >= 0 { close(terminal) } }
      guard ioctl(terminal, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
    } else {
      guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
    }
    return size.ws_col > 0 ? Int(size.ws_col) : nil
  }

  /// Whether the parent, a launcher of ranks, passes the output on to its own.
  private static var isRelayed: Bool { relayed.load(ordering: .relaxed) }
  static let relayed = Atomic<Bool>(false)

  /// The terminal that the parent of a rank, mpirun, writes to.
  private var launcherTerminal: String? {
    var target = [UInt8](repeating: 0, count: 256)
    let count = readlink("/proc/\(getppid())/fd/\(rawValue)", &target, target.count)
    let path = String(decoding: target.prefix(max(0, count)), as: UTF8.self)
    return path.hasPrefix("/dev/pts/") || path.hasPrefix("/dev/tty") ? path : nil
  }
}
