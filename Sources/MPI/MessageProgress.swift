import Glibc
import System

/// Keeps messages moving while the ranks compute.
///
/// Open MPI makes progress on large messages only inside its own routines: a message that was
/// started before a long matrix product waits until the next call. There are three modes: none; a
/// call between layers (`step`); a thread that calls at short intervals and sleeps in between,
/// which needs an MPI that supports calls from several threads. Docs/ModelParallelism.md compares
/// them.
package final class MessageProgress: @unchecked Sendable {
  /// What makes progress on messages between their start and their end.
  package enum Mode: String, CaseIterable, Sendable {
    /// Nothing: messages move only while a rank waits for them.
    case none
    /// The computing thread, between layers.
    case calls
    /// A separate thread.
    case thread
  }

  /// Work that is done piece by piece whenever messages may have arrived; returns whether any is
  /// left.
  package typealias Job = () throws(MPIError) -> Bool

  /// The mode in use; `calls` if a thread was requested but MPI does not allow it.
  package let mode: Mode
  private let group: Communicator?
  private let monitor = Monitor()
  private var thread: SystemThread?
  // The following is accessed inside `monitor.locked` only.
  private var jobs: [Job] = []
  private var messages = 0
  private var hasWork = false
  private var isWorking = false
  private var isUrgent = false
  private var isEnding = false
  private var failure: MPIError?

  /// Between two calls of the thread, in microseconds: at 10 Gbit/s 1.25 MB, which the system holds
  /// ready.
  private static let interval: UInt32 = 1000

  /// Makes the helper of a group of ranks; there is nothing to help a rank that is alone.
  /// - Parameters:
  ///   - group: The ranks.
  ///   - mode: What makes progress on messages. Nil means `calls` if the ranks share a host, since
  ///     their shared memory needs no thread that would take a core from them, and otherwise
  ///     `thread`.
  /// - Throws: `MPIError` if a message fails.
  package init(_ group: Communicator, mode: Mode? = nil) throws(MPIError) {
    let isAlone = group.size == 1
    self.group = isAlone ? nil : try group.duplicate()
    if isAlone {
      self.mode = .none
    } else {
      let shares = try group.ranksOnThisHost().size == group.size
      let wanted = mode ?? (shares ? .calls : .thread)
      self.mode = wanted == .thread && !Environment.allowsConcurrentCalls ? .calls : wanted
    }
    guard self.mode == .thread else { return }
    // The owner joins the thread before it is deallocated.
    thread = SystemThread { [unowned(unsafe) self] in serve() }
  }

  deinit {
    guard let thread else { return }
    monitor.locked {
      isEnding = true
      monitor.wakeAll()
    }
    thread.join()
  }

  /// Adds work that advances when messages arrive.
  package func add(_ job: @escaping Job) { monitor.locked { jobs.append(job) } }

  /// Announces that a job has something to do.
  package func wake() {
    monitor.locked {
      hasWork = true
      monitor.wakeAll()
    }
  }

  /// Announces messages in flight; every call needs a matching `end`.
  package func begin() {
    guard mode == .thread else { return }
    monitor.locked {
      messages += 1
      monitor.wakeAll()
    }
  }

  /// Announces that the messages of a `begin` have completed.
  package func end() {
    guard mode == .thread else { return }
    monitor.locked { messages -= 1 }
  }

  /// Lets MPI and the jobs make progress; does nothing if a thread does this, or in mode `none`.
  package func step() throws(MPIError) {
    guard mode == .calls, claim() else { return }
    defer { release() }
    try work()
  }

  /// Waits until no job has anything left to do.
  package func finish() throws(MPIError) {
    guard mode == .thread else {
      let start = MonotonicClock.seconds
      while try work() { if Waiting.isPatient { Waiting.rest(since: start) } }
      return
    }
    let failure: MPIError? = monitor.locked {
      isUrgent = true
      while (hasWork || isWorking) && self.failure == nil { monitor.wait() }
      isUrgent = false
      return self.failure
    }
    if let failure { throw failure }
  }

  /// Runs all jobs once; returns whether any has work left.
  @discardableResult private func work() throws(MPIError) -> Bool {
    var isBusy = false
    for job in monitor.locked({ jobs }) where try job() { isBusy = true }
    if !isBusy { try group?.progress() }
    return isBusy
  }

  /// Whether no other thread is running the jobs: towers that run in parallel may both call `step`.
  private func claim() -> Bool {
    monitor.locked {
      defer { isWorking = true }
      return !isWorking
    }
  }

  private func release() { monitor.locked { isWorking = false } }

  private func serve() {
    while waitForWork() {
      var isBusy = false
      var problem: MPIError?
      do throws(MPIError) { isBusy = try work() } catch { problem = error }
      let mayRest = monitor.locked {
        isWorking = false
        // Work may have been added since this round started.
        hasWork = hasWork || isBusy
        failure = failure ?? problem
        if !hasWork || failure != nil { monitor.wakeAll() }
        return !isUrgent && (hasWork || messages > 0)
      }
      if mayRest || Waiting.isPatient { usleep(Self.interval) }
    }
  }

  /// Sleeps until there is something to do; returns false when the thread should end.
  private func waitForWork() -> Bool {
    monitor.locked {
      while !isEnding && ((messages == 0 && !hasWork) || failure != nil) { monitor.wait() }
      hasWork = false
      isWorking = !isEnding
      return !isEnding
    }
  }
}
