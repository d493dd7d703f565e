public import Foundation

extension Process {
  /// The environment of a user's shell for a program that a test starts.
  ///
  /// A test process that has started MPI itself carries the marks of a rank, which mpirun and the programs under it
  /// must not see.
  public static var userEnvironment: [String: String] {
    ProcessInfo.processInfo.environment.filter { name, _ in
      name.hasPrefix("OMPI_ALLOW") || !["OMPI_", "PMIX_", "ORTE_"].contains { name.hasPrefix($0) }
    }
  }
}
