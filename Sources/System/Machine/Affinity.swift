import CScheduling
import Glibc

/// The hardware threads on which the operating system lets a process run.
package enum Affinity {
  /// All numbers of hardware threads are below this.
  package static let mostThreads = 8192

  /// The hardware threads on which a process may run.
  /// - Parameter process: The process id; 0 for this process.
  /// - Returns: Those in its affinity mask; nil if the system does not report it.
  package static func threads(ofProcess process: Int32) -> [Int]? {
    // The kernel refuses a mask shorter than its own.
    var mask = [UInt64](repeating: 0, count: mostThreads / 64)
    let written = mask.withUnsafeMutableBytes {
      sched_getaffinity(process, $0.count, $0.baseAddress)
    }
    let threads = (0..<mostThreads).filter { mask[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    return written == 0 && !threads.isEmpty ? threads : nil
  }

  /// The number of hardware threads of the machine that are switched on.
  package static var onlineThreads: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
