import CTopology
import Glibc

/// The cores of a machine and their hardware threads, as hwloc knows them, which Open MPI asks too.
///
/// The environment's `HWLOC_SYNTHETIC` (`core:4 pu:2`) makes hwloc describe another machine, to
/// Open MPI as well.
package struct Topology: Sendable, Equatable {
  /// The core of each hardware thread, by the number that the operating system gives the thread;
  /// nil where there is no such thread, or the process's cpuset withholds it.
  package let coreOfThread: [Int?]
  /// Whether it describes the machine that this process runs on.
  package let isOfThisMachine: Bool

  /// The machine at hand.
  package static let machine = Topology()

  /// Asks hwloc.
  /// - Parameter synthetic: A description of another machine, `package:2 core:4 pu:2`.
  package init(synthetic: String? = nil) {
    guard let (cores, isReal) = Self.threads(synthetic) else {
      // Each thread counts as a core where nobody knows.
      coreOfThread = Array(0..<Affinity.onlineThreads)
      isOfThisMachine = true
      return
    }
    (coreOfThread, isOfThisMachine) = (cores, isReal)
  }

  private static func threads(_ synthetic: String?) -> (cores: [Int?], isReal: Bool)? {
    var handle: hwloc_topology_t?
    guard hwloc_topology_init(&handle) == 0, let topology = handle else { return nil }
    defer { hwloc_topology_destroy(topology) }
    if let synthetic, hwloc_topology_set_synthetic(topology, synthetic) != 0 { return nil }
    guard hwloc_topology_load(topology) == 0 else { return nil }
    let count = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU)
    guard count > 0 else { return nil }
    var cores: [Int?] = []
    for i in 0..<UInt32(count) {
      guard let thread = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, i) else { continue }
      let number = Int(thread.pointee.os_index)
      // Some virtual machines tell of no cores: then each thread is one.
      let core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, thread) ?? thread
      guard number < Affinity.mostThreads else { continue }
      while cores.count <= number { cores.append(nil) }
      cores[number] = Int(core.pointee.logical_index)
    }
    return (cores, hwloc_topology_is_thissystem(topology) != 0)
  }

  /// The hardware threads.
  package var threads: [Int] { coreOfThread.indices.filter { coreOfThread[$0] != nil } }

  /// The cores, by number.
  package var cores: [Int] { cores(ofThreads: threads) }

  /// The cores to which some hardware threads belong.
  package func cores(ofThreads threads: some Sequence<Int>) -> [Int] {
    Set(threads.compactMap { coreOfThread.indices.contains($0) ? coreOfThread[$0] : nil }).sorted()
  }
}
