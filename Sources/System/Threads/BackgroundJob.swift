/// A thread that runs one job at a time while its caller continues.
package final class BackgroundJob {
  /// The state shared by the thread and the caller.
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

  package init() {}

  deinit {
    guard let thread else { return }
    state.monitor.locked {
      state.isEnding = true
      state.monitor.wakeAll()
    }
    thread.join()
  }

  /// Starts a job; the previous one must be done.
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

  /// Waits until the job is done.
  package func wait() {
    state.monitor.locked { while state.isBusy { state.monitor.wait() } }
  }
}
