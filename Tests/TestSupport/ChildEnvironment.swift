package import Foundation
import Glibc

extension Process {
  /// Starts the program with no signal blocked, as a shell does.
  ///
  /// Tests run in threads that block nearly all signals, and a child inherits that: mpirun would be
  /// deaf.
  package func runWithOpenSignals() throws {
    var (none, before) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }

  /// The environment of a user's shell for a program that a test starts.
  ///
  /// A test process that has started MPI itself carries the marks of a rank, which mpirun and the
  /// programs under it must not see.
  package static var userEnvironment: [String: String] {
    ProcessInfo.processInfo.environment.filter { name, _ in
      name.hasPrefix("OMPI_ALLOW") || !["OMPI_", "PMIX_", "ORTE_"].contains { name.hasPrefix($0) }
    }
  }
}
