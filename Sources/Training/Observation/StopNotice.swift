import Glibc
import Supervision
import System

/// Says at once that a run was asked to stop, and which checkpoint is the newest.
///
/// The step that the ranks are at goes on meanwhile; it may take longer than mpirun leaves them
/// when it ends a job.
final class StopNotice {
  private let monitor = Monitor()
  private let state: State

  /// How often it looks, in microseconds: mpirun gives ranks a second after its notice.
  private static let interval: UInt32 = 100_000

  /// Watches for requests from now on.
  /// - Parameter run: The run's folder.
  init(_ run: RunDirectory) {
    state = State(run)
    _ = SystemThread(ifPossible: { [monitor, state] in
      while true {
        usleep(Self.interval)
        let isOver = monitor.locked {
          if !state.isOver { state.look() }
          return state.isOver
        }
        if isOver { return }
      }
    })
  }

  /// Looks for the last time.
  func stop() {
    monitor.locked {
      if !state.isOver { state.look() }
      state.isOver = true
    }
  }

  /// What was asked for and said; guarded by the monitor.
  private final class State: @unchecked Sendable {
    var isOver = false
    private let run: RunDirectory
    private var before = Request.now
    private var said = -Double.infinity

    /// Seconds in which requests that follow each other count as one.
    private static let gap = 5.0

    init(_ run: RunDirectory) { self.run = run }

    /// Says what is new.
    func look() {
      let now = Request.now
      // mpirun's SIGTERM follows its notice, and says no more.
      let isNew = now != before && MonotonicClock.seconds - said > Self.gap
      if isNew, let sentence = now.sentence(run) {
        said = MonotonicClock.seconds
        // The living line is overwritten, and drawn again after the next step.
        let start = StandardStream.output.isWatched ? "\r\u{1B}[K" : ""
        StandardStream.output.tell(start + escaped(sentence) + "\n")
      }
      before = now
    }
  }

  /// What has been asked for.
  private struct Request: Equatable {
    /// Whether to stop; a request to save alone comes and goes.
    let stops: Bool
    /// When mpirun has last given notice; 0 for never.
    let noticed: Double

    static var now: Request {
      Request(
        stops: StopSignals.current >= .saveAndLeave, noticed: StopSignals.launcherNotice)
    }

    func sentence(_ run: RunDirectory) -> String? {
      guard stops || noticed > 0 else { return nil }
      let newest =
        run.newestStep.map { "the newest checkpoint is that of step \($0)" }
        ?? "there is no checkpoint yet"
      return stops
        ? "Asked to stop after this step; \(newest)."
        : "mpirun is ending the job, or continues it after a halt; \(newest)."
    }
  }
}
