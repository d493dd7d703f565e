import System
import Testing

@Suite struct AffinityTests {
  @Test func thisProcessMayUseSomeOfTheMachinesCores() {
    #expect((1...Affinity.machineCoreCount).contains(Affinity.coreCount))
  }

  @Test func theClockDoesNotGoBack() {
    let times = (0..<1000).map { _ in MonotonicClock.seconds }
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
  }
}
