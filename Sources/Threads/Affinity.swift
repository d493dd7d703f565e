import CScheduling
import Glibc

/// What the operating system lets this process use.
public enum Affinity {
  /// The number of processor cores in this process's affinity mask.
  ///
  /// `mpirun -np 2` binds each rank to one core unless told otherwise, whatever the machine has.
  public static var coreCount: Int {
    // Room for 8192 cores; the kernel refuses a mask shorter than its own.
    var mask = [UInt64](repeating: 0, count: 128)
    let written = mask.withUnsafeMutableBytes { sched_getaffinity(0, $0.count, $0.baseAddress) }
    guard written == 0 else { return machineCoreCount }
    return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount })
  }

  /// The number of cores that the machine has switched on.
  public static var machineCoreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
