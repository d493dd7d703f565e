import CScheduling
import Glibc

/// The processor cores that the operating system lets this process use.
package enum Affinity {
  /// All core numbers are below this.
  package static let mostCores = 8192

  /// The cores in this process's affinity mask, or all of the machine's cores if the system does
  /// not report it.
  ///
  /// `mpirun -np 2` binds each rank to one core unless told otherwise, whatever the machine has.
  package static var cores: [Int] { cores(ofProcess: 0) ?? Array(0..<machineCoreCount) }

  /// The processor cores that a process may use.
  /// - Parameter process: The process id; 0 for this process.
  /// - Returns: The cores in its affinity mask; nil if the system does not report it.
  package static func cores(ofProcess process: Int32) -> [Int]? {
    // The kernel refuses a mask shorter than its own.
    var mask = [UInt64](repeating: 0, count: mostCores / 64)
    let written = mask.withUnsafeMutableBytes {
      sched_getaffinity(process, $0.count, $0.baseAddress)
    }
    let cores = (0..<mostCores).filter { mask[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    return written == 0 && !cores.isEmpty ? cores : nil
  }

  /// The number of these cores.
  package static var coreCount: Int { cores.count }

  /// The number of active cores of the machine.
  package static var machineCoreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
