import Glibc

extension StandardStream {
  /// Whether a person sees the output as it is written.
  ///
  /// mpirun gives every rank a pseudo-terminal whatever its own output is, so a rank checks where
  /// its parent, mpirun, writes to.
  package var isWatched: Bool {
    let isRank = getenv("OMPI_COMM_WORLD_RANK") != nil || getenv("PMI_RANK") != nil
    guard isRank else { return isTerminal }
    var target = [UInt8](repeating: 0, count: 256)
    let count = readlink("/proc/\(getppid())/fd/\(rawValue)", &target, target.count)
    let path = String(decoding: target.prefix(max(0, count)), as: UTF8.self)
    return path.hasPrefix("/dev/pts/") || path.hasPrefix("/dev/tty")
  }
}
