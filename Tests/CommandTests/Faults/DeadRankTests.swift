import Foundation
import Glibc
import TestSupport
import Testing

extension FaultTests {
  /// Ranks that die, fail, stop or are slow.
  @Suite struct DeadRank {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    @Test(arguments: [
      ("kill", 7, "reading images"), ("kill", 7, "forward"), ("kill", 7, "exchange"),
      ("segv", 7, "update"), ("exit", 7, "backward"), ("trap", 5, "saving"),
      ("kill", 12, "validation"), ("kill", 12, "saving"),
    ]) func aRankThatDiesEndsAllAndTheRunGoesOnAsIfItHadNot(
      fault: String, step: Int, phase: String
    ) throws {
      let outcome = try Program.train(
        ranks: 2,
        training.options(steps: 12, "--inject", "\(fault),rank=1,step=\(step),phase=\(phase)"))
      // mpirun's code is 128 and the signal; a trap is one of two signals, by processor.
      switch fault {
      case "kill": #expect(outcome.code == 128 + SIGKILL)
      case "segv": #expect(outcome.code == 128 + SIGSEGV)
      case "trap": #expect([128 + SIGILL, 128 + SIGTRAP].contains(outcome.code))
      default: #expect(outcome.code != 0)
      }
      training.expectNothingLeft()
      #expect(
        try Program.train(ranks: 2, training.options(steps: 12, "--resume", "auto")).code == 0)
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 12))
    }

    @Test(arguments: [0, 1]) func anErrorOnOneRankEndsAllRanksWithItsMessageLast(rank: Int) throws {
      let outcome = try Program.train(
        ranks: 2, training.options(steps: 1000, "--inject", "error,rank=\(rank),step=3"))
      #expect(outcome.code == 70)
      #expect(outcome.error.hasSuffix("injected\n"), "\(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: run + "/lock"))
      training.expectNothingLeft()
    }

    @Test func whenMpirunDiesTheRanksExitAtOnceAndLeaveNothingBehind() throws {
      let mpirun = try training.startedRun(training.options(steps: 100_000))
      let ranks = training.processes.filter { $0 != mpirun.processIdentifier }
      #expect(ranks.count == 2)
      let segments = Set(ranks.flatMap(sharedSegments))
      #expect(segments.count == 2, "a segment of each rank")
      // The batches' memory never has a name.
      for rank in ranks {
        let maps = (try? String(contentsOfFile: "/proc/\(rank)/maps", encoding: .utf8)) ?? ""
        #expect(maps.contains("/memfd:alexnet-batches") && !maps.contains("/dev/shm/alexnet"))
      }
      kill(mpirun.processIdentifier, SIGKILL)
      mpirun.waitUntilExit()
      training.expectNothingLeft()
      #expect(!FileManager.default.fileExists(atPath: run + "/lock"))
      for segment in segments { #expect(!FileManager.default.fileExists(atPath: segment)) }
      #expect(try Program.alexnet("verify", run).code == 0)
    }

    /// The files through which Open MPI's ranks of a host talk, as a process has them in its
    /// memory.
    private func sharedSegments(of process: Int32) -> [String] {
      let maps = (try? String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8)) ?? ""
      return maps.split(separator: "\n").compactMap { line in
        guard let range = line.firstRange(of: "/dev/shm/vader_segment.") else { return nil }
        // A name that is gone is followed by "(deleted)".
        return line[range.lowerBound...].split(separator: " ").first.map { String($0) }
      }
    }

    @Test(arguments: [0, 1]) func aStoppedRankIsNamedWithItsHostStepAndPhase(rank: Int) throws {
      let outcome = try Program.train(
        ranks: 2,
        training.options(
          steps: 1000, "--watchdog", "3", "--inject", "stop,rank=\(rank),step=7,phase=forward"))
      #expect(outcome.code == 74)
      #expect(outcome.error.contains("rank \(rank) ("), "\(outcome.error)")
      #expect(outcome.error.contains("has given no sign of life"), "\(outcome.error)")
      #expect(outcome.error.contains("step "))
      training.expectNothingLeft()
    }

    @Test func aRankThatIsOnlySlowIsWaitedFor() throws {
      let outcome = try Program.train(
        ranks: 2,
        training.options(
          steps: 12, "--watchdog", "12", "--inject", "sleep4,rank=1,step=7,phase=forward"))
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(outcome.error.contains("warning: rank 1"), "\(outcome.error)")
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 12))
    }
  }
}
