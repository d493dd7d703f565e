import COpenMPI
import Glibc
import System

/// How this process waits for messages.
///
/// MPI waits by asking again and again, with a whole core. That is the fastest where every rank has a core of its
/// own; where ranks share cores, whoever waits takes the core from the one that is waited for.
enum Waiting {
  /// Whether the ranks of this host outnumber its cores; known once MPI has started.
  static var isPatient: Bool { state }

  nonisolated(unsafe) private static var state = false

  /// Compares the ranks of this host with its cores.
  ///
  /// The launcher says how many ranks there are. Nobody is asked: where the network is wrong, that would take for ever.
  static func look() {
    state =
      (MPILibrary.ranksOnThisHost ?? 1)
      > max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// Tests until it is true, and sleeps in between.
  static func patiently(_ test: () throws(MPIError) -> Bool) throws(MPIError) {
    let start = MonotonicClock.seconds
    while try !test() { rest(since: start) }
  }

  /// Sleeps for a part of the time that something has been waited for.
  ///
  /// Whoever wakes takes a core from a rank that computes. Naps that grow with the wait cost it little, and prolong
  /// the wait by a part of itself at most.
  static func rest(since start: Double) {
    let waited = 1e6 * (MonotonicClock.seconds - start)
    usleep(UInt32(min(max(waited / 8, 50), 1000)))
  }

  /// Waits for one message or collective operation.
  static func wait(_ request: inout MPI_Request?, _ routine: String) throws(MPIError) {
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
