import Foundation
import System
import TestSupport
import Testing

/// Cores, hardware threads and what limits them, on machines that are only described.
@Suite struct ProcessorsTests {
  private func processors(
    _ machine: String, quota: Double? = nil, _ environment: [String: String] = [:]
  ) -> Processors {
    Processors(
      topology: Topology(synthetic: machine), mask: [0], quota: quota,
      environment: { environment[$0] })
  }

  @Test(arguments: [
    ("core:4 pu:2", 4, 8), ("core:1 pu:2", 1, 2), ("package:2 core:3 pu:1", 6, 6), ("pu:3", 3, 3),
    ("package:2 numa:2 core:16 pu:4", 64, 256),
  ]) func oneThreadForEachCoreWhateverTheHardwareThreads(
    _ machine: String, _ cores: Int, _ hardwareThreads: Int
  ) {
    let found = processors(machine)
    #expect(found.machineCores.count == cores && found.machineThreads == hardwareThreads)
    #expect(found.cores.count == cores && found.threads == cores)
    #expect(found.threadsPerCore == hardwareThreads / cores)
  }

  /// The kernel's own list of each thread's siblings.
  @Test func coresOfThisMachineAreThoseOfTheKernel() throws {
    let topology = Topology()
    try #require(topology.isOfThisMachine)
    for thread in topology.threads {
      let path = "/sys/devices/system/cpu/cpu\(thread)/topology/thread_siblings_list"
      guard let text = SystemText.lines(of: path).first else { continue }
      let siblings = text.split(separator: ",").flatMap { part -> [Int] in
        let ends = part.split(separator: "-").compactMap { Int($0) }
        return ends.count == 2 ? Array(ends[0]...ends[1]) : ends
      }
      #expect(topology.cores(ofThreads: siblings) == topology.cores(ofThreads: [thread]))
      #expect(
        topology.cores(ofThreads: topology.threads.filter { !siblings.contains($0) })
          .contains(topology.coreOfThread[thread] ?? -1) == false)
    }
    #expect((1...Affinity.onlineThreads).contains(Processors.own.cores.count))
  }

  @Test(arguments: [
    (1.0, 1), (1.5, 1), (0.3, 1), (2.0, 2), (1.99, 2), (64, 4),
  ]) func aQuotaGivesWholeThreads(_ quota: Double, _ threads: Int) {
    #expect(processors("core:4 pu:2", quota: quota).threads == threads)
  }

  @Test func theEnvironmentsWishComesFirstAndOpenBLASsBeforeOpenMPs() {
    let machine = "core:4 pu:2"
    #expect(processors(machine, ["OMP_NUM_THREADS": "2"]).threads == 2)
    #expect(processors(machine, ["OMP_NUM_THREADS": "8, 1"]).threads == 8)
    let both = ["OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "3"]
    let wish = processors(machine, both).wish
    #expect(wish?.name == "OPENBLAS_NUM_THREADS" && wish?.threads == 3)
    for nonsense in ["", "0", "-1", "many", "99999999999"] {
      #expect(processors(machine, ["OMP_NUM_THREADS": nonsense]).wish == nil)
    }
  }

  @Test func theClockDoesNotGoBack() {
    let times = (0..<1000).map { _ in MonotonicClock.seconds }
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
  }
}
