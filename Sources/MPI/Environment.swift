import CMPI
import Glibc
import Synchronization
package import System

/// Starts and ends MPI.
package enum Environment {
  /// Starts MPI, runs the program's body on all ranks, and exits.
  ///
  /// On success MPI is finalised and the body's code is the exit code. If the body throws, the
  /// error is printed and `MPI_Abort` ends all ranks at once: unwinding into `MPI_Finalize` instead
  /// would leave the other ranks waiting for ever. A failure that all ranks have in common (such as
  /// a wrong option) is printed once, by rank 0.
  /// - Parameters:
  ///   - program: The program's name, with which error lines start.
  ///   - body: The program; it gets the communicator of all ranks and returns the exit code.
  package static func run(
    _ program: String, _ body: (_ world: Communicator) throws -> ExitCode
  ) -> Never {
    let world: Communicator
    do {
      try requireMemory()
      try requireHome()
      world = try start()
      try ForeignLauncher.refuse(worldSize: world.size, library: libraryVersion)
    } catch {
      let failure = error as? Failure
      StandardStream.error.tell(
        "\(program): \(failure?.message ?? "MPI does not start: \(error).")\n")
      // Exit handlers of libraries may need memory that is not available.
      _exit((failure?.exitCode ?? .internal).rawValue)
    }
    do {
      let code = try body(world)
      MPI_Finalize()
      exit(code.rawValue)
    } catch {
      end(program, error, world)
    }
  }

  /// Starts MPI for a process that ends by `exit`, such as a test runner; MPI is finalised on exit.
  package static func startForProcessLifetime() throws(MPIError) -> Communicator {
    let world = try start()
    atexit { MPI_Finalize() }
    return world
  }

  /// Whether several threads may call MPI at the same time.
  package static var allowsConcurrentCalls: Bool {
    var provided: Int32 = 0
    return MPI_Query_thread(&provided) == alexnet_mpi_success()
      && provided >= alexnet_mpi_thread_multiple()
  }

  /// Whether this is the first rank as far as the launcher's environment tells; true without one.
  ///
  /// MPI need not have started.
  package static var isFirstByLauncher: Bool { (MPILibrary.rankByLauncher ?? 0) == 0 }

  /// Whether a launcher has started this process as one of its ranks; MPI need not have started.
  package static var isLaunched: Bool { MPILibrary.rankByLauncher != nil }

  /// The MPI library's name and version, in one line; MPI need not have started.
  package static var libraryVersion: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_LIBRARY_VERSION_STRING)) {
      buffer in
      var length: Int32 = 0
      guard let text = buffer.baseAddress,
        MPI_Get_library_version(text, &length) == alexnet_mpi_success()
      else { return "unknown" }
      // "Open MPI v4.1.4, package: ..."; "MPICH Version:      4.0.2" and more lines.
      let line = String(cString: text).prefix { $0 != "\n" && $0 != "," }
      return line.split { $0.isWhitespace }.filter { $0 != "Version:" }.joined(separator: " ")
    }
  }

  /// Why the ranks of a host may not read each other's memory; nil if they may.
  package static var memoryReadingProblem: String? { MemoryReading.problem }

  private static func requireMemory() throws(Failure) {
    guard let left = Memory.processLimit, left < MPILibrary.memoryOfStart else { return }
    throw Failure(
      .usage,
      "The memory limit of this process (ulimit -v) leaves \(left >> 20) MiB, and MPI needs "
        + "\(MPILibrary.memoryOfStart >> 20) MiB to start; raise the limit.")
  }

  /// Refuses a user whom nobody knows, as in a container that is run under a bare number: the
  /// library looks for the user's folder and crashes where it finds none, and so does mpirun.
  /// - Throws: `Failure` (usage) that says what to set.
  package static func requireHome() throws(Failure) {
    guard getenv("HOME") == nil, getpwuid(geteuid()) == nil else { return }
    throw Failure(
      .usage,
      "User \(geteuid()) has no entry in /etc/passwd and HOME is not set, and MPI needs one of them "
        + "to start; set HOME to a folder that this user may write, as by 'export HOME=/tmp', for "
        + "mpirun too.")
  }

  private static func start() throws(MPIError) -> Communicator {
    // A separate thread progresses messages while the others compute. Swift may also run code
    // outside the main thread (a test runner does), with one MPI call at a time; this level of
    // thread support is the minimum.
    var provided: Int32 = 0
    MemoryReading.avoidIfDenied()
    try check(
      MPI_Init_thread(nil, nil, alexnet_mpi_thread_multiple(), &provided), "MPI_Init_thread")
    guard provided >= alexnet_mpi_thread_serialized() else {
      throw MPIError(
        routine: "MPI_Init_thread (MPI_THREAD_SERIALIZED)", code: MPI_ERR_UNSUPPORTED_OPERATION)
    }
    Waiting.look()
    return try Communicator(handle: alexnet_mpi_comm_world(), owned: false)
  }

  /// Reports an error and ends all ranks.
  ///
  /// If an error is caught early, this avoids the time for unwinding, during which other ranks
  /// would wait or report errors first.
  package static func end(_ program: String, _ error: any Error, _ world: Communicator) -> Never {
    // This error may be a consequence of another rank ending the job.
    if isLeaving { waitForEnd() }
    let failure = error as? Failure
    let code =
      failure?.exitCode ?? (error is MPIError ? ExitCode.inputOutput : ExitCode.internal)
    // Most failures (a wrong option, a missing file) occur on all ranks within milliseconds. Rank 0
    // then prints the error once and ends the others during this pause; an error on one other rank
    // only is printed by that rank. Under load rank 0 may be late, so for errors that are certain
    // to occur on all ranks the pause is longer.
    let isCommon = code == .usage || code == .diverged
    // The launcher's signals, when rank 0 has spoken, end a single sleep early.
    let end = MonotonicClock.seconds + (world.rank == 0 ? 0 : isCommon ? 2 : 0.3)
    while MonotonicClock.seconds < end { usleep(5_000) }
    report(program, "\(error)", rank: world.rank == 0 ? nil : world.rank)
    abort(code)
  }

  /// Exits with a code as soon as all ranks have called this, without finalising MPI.
  /// - Throws: `MPIError` if a message fails.
  package static func leave(_ world: Communicator, _ code: ExitCode) throws(MPIError) -> Never {
    try world.barrier()
    _exit(code.rawValue)
  }

  /// The function that tells the other ranks that this one is about to end the job.
  private static let announcement = Mutex<(@Sendable () -> Void)?>(nil)
  private static let leaving = Atomic<Bool>(false)

  /// Whether this rank is ending the job.
  package static var isLeaving: Bool { leaving.load(ordering: .relaxed) }

  /// Sets the function that tells the other ranks that this one is about to end the job; nil for
  /// none.
  package static func announceAbort(by action: (@Sendable () -> Void)?) {
    announcement.withLock { $0 = action }
  }

  /// Ends all ranks of the job at once.
  ///
  /// Any thread may call this; print the reason first.
  package static func abort(_ code: ExitCode) -> Never {
    // If two threads call this, the first one's code counts.
    if leaving.exchange(true, ordering: .relaxed) { waitForEnd() }
    if let announce = announcement.withLock({ $0 }) {
      announce()
      // Until the others have received it.
      usleep(20_000)
    }
    partWithOthers()
    MPILibrary.abort(code.rawValue)
    _exit(code.rawValue)
  }

  private static func waitForEnd() -> Never { while true { pause() } }

  /// Has this process killed if it still exists after this many seconds, for example because it is
  /// stopped.
  ///
  /// At the end of a run no other rank is left to notice that.
  package static func leave(within seconds: Double) {
    alexnet_kill_self_later(Int32(1000 * min(seconds, 1e6)))
  }

  /// What a rank does before it leaves without the others: it ends its streams to them in order, so
  /// that MPI says nothing after the error, and sees to it that the launcher does not outlive the
  /// job for long, whatever the network does.
  ///
  /// Safe in a signal's handler after `Launcher.prepareForHandlers`.
  package static func partWithOthers() {
    Launcher.killLater()
    MPILibrary.hangUp()
  }

  /// Stops all threads except the calling one for good.
  ///
  /// So none of them notices that another rank is gone while this process waits for its end. A
  /// stopped thread may hold a lock, such as the allocator's: code that runs afterwards must not
  /// need any.
  package static func holdOtherThreads() { alexnet_hold_other_threads() }

  private static func report(_ program: String, _ sentence: String, rank: Int?) {
    let place = rank.map { " (rank \($0), \(Machine.hostName))" } ?? ""
    StandardStream.error.tell(escaped("\(program)\(place): \(sentence)\n", but: "\n"))
  }
}
