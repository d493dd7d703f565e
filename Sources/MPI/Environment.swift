import COpenMPI
import Glibc
import Synchronization
package import System

/// The life of MPI in a process.
package enum Environment {
  /// Starts MPI, runs the program's body with all ranks, and leaves the process with an exit code.
  ///
  /// On success MPI is finalised and the body's code is the process's. When the body throws, the sentence
  /// is printed and `MPI_Abort` ends every rank at once: unwinding into `MPI_Finalize` instead would
  /// leave the other ranks waiting for ever. A failure that every rank meets alike (a wrong option) is
  /// printed once, by rank 0.
  /// - Parameters:
  ///   - program: The program's name, which begins an error's line.
  ///   - body: The program, given the communicator of all ranks; what it returns is the exit code.
  package static func run(
    _ program: String, _ body: (_ world: Communicator) throws -> ExitCode
  ) -> Never {
    let world: Communicator
    do {
      try requireMemory()
      world = try start()
    } catch {
      let failure = error as? Failure
      StandardStream.error.tell(
        "\(program): \(failure?.message ?? "MPI does not start: \(error).")\n")
      // What libraries do at the end may need memory that there is not.
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

  /// Starts MPI for a process that ends by `exit`, a test runner say; it is finalised on the way out.
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

  /// The MPI library's name and version, in one line.
  package static var libraryVersion: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_LIBRARY_VERSION_STRING)) {
      buffer in
      var length: Int32 = 0
      guard let text = buffer.baseAddress,
        MPI_Get_library_version(text, &length) == alexnet_mpi_success()
      else { return "unknown" }
      return String(String(cString: text).prefix { $0 != "\n" && $0 != "," })
    }
  }

  private static func requireMemory() throws(Failure) {
    guard let left = Memory.processLimit, left < MPILibrary.memoryOfStart else { return }
    throw Failure(
      .usage,
      "The memory limit of this process (ulimit -v) leaves \(left >> 20) MiB, and MPI needs "
        + "\(MPILibrary.memoryOfStart >> 20) MiB to start; raise the limit.")
  }

  private static func start() throws(MPIError) -> Communicator {
    // A thread of its own moves messages while the others compute. Swift may also run code off the main thread
    // (a test runner does), one MPI call at a time: that much is needed.
    var provided: Int32 = 0
    try check(
      MPI_Init_thread(nil, nil, alexnet_mpi_thread_multiple(), &provided), "MPI_Init_thread")
    guard provided >= alexnet_mpi_thread_serialized() else {
      throw MPIError(
        routine: "MPI_Init_thread (MPI_THREAD_SERIALIZED)", code: MPI_ERR_UNSUPPORTED_OPERATION)
    }
    Waiting.look()
    return try Communicator(handle: alexnet_mpi_comm_world(), owned: false)
  }

  /// Tells an error and ends every rank.
  ///
  /// Where an error is caught early this spares the time that unwinding takes, in which other ranks would wait or
  /// speak first.
  package static func end(_ program: String, _ error: any Error, _ world: Communicator) -> Never {
    // What this thread met may come of another one's end of the job.
    if isLeaving { waitForEnd() }
    let failure = error as? Failure
    let code =
      failure?.exitCode ?? (error is MPIError ? ExitCode.inputOutput : ExitCode.internal)
    // Most failures (a wrong option, a missing file) are met by all ranks within milliseconds. Rank 0 then
    // says it once and ends the others in this pause; what only another rank knows is said by that rank.
    // Under load rank 0 may be late, so what all ranks are bound to meet is left to it for longer.
    let isCommon = code == .usage || code == .diverged
    // The launcher's signals, when rank 0 has spoken, end a single sleep early.
    let end = MonotonicClock.seconds + (world.rank == 0 ? 0 : isCommon ? 2 : 0.3)
    while MonotonicClock.seconds < end { usleep(5_000) }
    report(program, "\(error)", rank: world.rank == 0 ? nil : world.rank)
    abort(code)
  }

  /// Leaves with a code as soon as all ranks have come here, without finalising MPI.
  /// - Throws: `MPIError` where a message fails.
  package static func leave(_ world: Communicator, _ code: ExitCode) throws(MPIError) -> Never {
    try world.barrier()
    _exit(code.rawValue)
  }

  /// What tells the other ranks that this one is about to end the job.
  private static let announcement = Mutex<(@Sendable () -> Void)?>(nil)
  private static let leaving = Atomic<Bool>(false)

  /// Whether this rank ends the job.
  package static var isLeaving: Bool { leaving.load(ordering: .relaxed) }

  /// Names what tells the other ranks that this one is about to end the job; nil for nothing.
  package static func announceAbort(by action: (@Sendable () -> Void)?) {
    announcement.withLock { $0 = action }
  }

  /// Ends every rank of the job at once.
  ///
  /// Any thread may call it; say why first.
  package static func abort(_ code: ExitCode) -> Never {
    // Two threads may have come to an end; the first one's stands.
    if leaving.exchange(true, ordering: .relaxed) { waitForEnd() }
    if let announce = announcement.withLock({ $0 }) {
      announce()
      // Until they have heard it.
      usleep(20_000)
    }
    partWithOthers()
    MPILibrary.abort(code.rawValue)
    _exit(code.rawValue)
  }

  private static func waitForEnd() -> Never { while true { pause() } }

  /// Has this process killed if it is still there after so many seconds, stopped, say: where all is done nobody else is left
  /// to notice.
  package static func leave(within seconds: Double) {
    alexnet_kill_self_later(Int32(1000 * min(seconds, 1e6)))
  }

  /// What a rank does before it leaves without the others: it ends its streams to them in order, so that MPI says nothing
  /// after the error, and sees to it that the launcher does not outlive the job for long, whatever the network does.
  ///
  /// Safe in a signal's handler after `Launcher.prepareForHandlers`.
  package static func partWithOthers() {
    Launcher.killLater()
    MPILibrary.hangUp()
  }

  /// Holds all threads but the calling one for good.
  ///
  /// So none of them meets a rank that is gone while this process waits for its own end. One of them may hold a lock, the
  /// allocator's say: what is called afterwards must need none.
  package static func holdOtherThreads() { alexnet_hold_other_threads() }

  private static func report(_ program: String, _ sentence: String, rank: Int?) {
    let place = rank.map { " (rank \($0), \(Machine.hostName))" } ?? ""
    StandardStream.error.tell(escaped("\(program)\(place): \(sentence)\n", but: "\n"))
  }
}
