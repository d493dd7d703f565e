/// A thread that does one job at a time for a caller that goes on meanwhile.
package final class BackgroundJob {
  /// What the thread shares with the caller; it outlives neither.
  private final class State: @unchecked Sendable {
    let monitor = Monitor()
    var job: (@Sendable () -> Void)?
    var isBusy = false
    var isEnding = false

    func serve() {
      while true {
        let next: (@Sendable () -> Void)? = monitor.locked {
          while job == nil && !isEnding { monitor.wait() }
          defer { job = nil }
          return job
        }
        guard let next else { return }
        next()
        monitor.locked {
          isBusy = false
          monitor.wakeAll()
        }
      }
    }
  }

  private let state = State()
  private var thread: SystemThread?

  /// Makes it; the thread starts with the first job.
  package init() {}

  deinit {
    guard let thread else { return }
    state.monitor.locked {
      state.isEnding = true
      state.monitor.wakeAll()
    }
    thread.join()
  }

  /// Starts a job; the one before must be done.
  package func start(_ job: @escaping @Sendable () -> Void) {
    if thread == nil { thread = SystemThread { [state] in state.serve() } }
    state.monitor.locked {
      precondition(!state.isBusy, "The previous job must be done.")
      state.job = job
      state.isBusy = true
      state.monitor.wakeAll()
    }
  }

  /// Whether the job is done, or there was none.
  package var isDone: Bool { state.monitor.locked { !state.isBusy } }

  /// Waits until it is.
  package func wait() {
    state.monitor.locked { while state.isBusy { state.monitor.wait() } }
  }
}
