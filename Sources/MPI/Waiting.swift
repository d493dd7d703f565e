import CMPI
import Glibc
import System

/// How this process waits for messages.
///
/// MPI waits by polling, which uses a whole core. That is fastest if every rank has its own core;
/// if ranks share cores, a waiting rank takes the core from the rank that it waits for.
enum Waiting {
  /// Whether this host has more ranks than cores; known once MPI has started.
  static var isPatient: Bool { state }

  nonisolated(unsafe) private static var state = false

  /// Compares the number of ranks on this host with its cores.
  ///
  /// The launcher says how many ranks there are. Nobody is asked: where the network is wrong, that
  /// would take for ever.
  static func look() {
    state =
      (MPILibrary.ranksOnThisHost ?? 1)
      > Processors.threads(
        cores: Processors.own.machineCores.count, quota: Processors.own.quota)
  }

  /// Polls until a test is true, and sleeps in between.
  static func patiently(_ test: () throws(MPIError) -> Bool) throws(MPIError) {
    let start = MonotonicClock.seconds
    while try !test() { rest(since: start) }
  }

  /// Sleeps for a fraction of the time that has been waited so far.
  ///
  /// Every wake-up takes a core from a rank that computes. Sleeps that grow with the wait keep that
  /// cost small, and prolong the wait by at most a fraction of itself.
  static func rest(since start: Double) {
    let waited = 1e6 * (MonotonicClock.seconds - start)
    usleep(UInt32(min(max(waited / 8, 50), 1000)))
  }

  /// Waits for one message or collective operation to complete.
  static func wait(_ request: inout RequestHandle, _ routine: String) throws(MPIError) {
    guard isPatient else {
      return try check(MPI_Wait(&request, alexnet_mpi_status_ignore()), routine)
    }
    var pending = request
    try patiently { () throws(MPIError) in
      var done: Int32 = 0
      try check(MPI_Test(&pending, &done, alexnet_mpi_status_ignore()), routine)
      return done != 0
    }
    request = pending
  }
}
