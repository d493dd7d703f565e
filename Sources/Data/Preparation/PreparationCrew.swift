package import System

/// The processes that prepare a dataset together; all of them see the same file system.
///
/// This module does not depend on MPI: `alexnet` provides a crew of MPI ranks.
package protocol PreparationCrew {
  /// This process's number, from 0.
  var rank: Int { get }
  /// The number of processes.
  var size: Int { get }
  /// Waits until all processes have called this, without keeping a core busy.
  func waitForAll() throws(Failure)
  /// Replaces each number by its sum over all processes.
  func sum(_ numbers: inout [UInt64]) throws(Failure)
}

/// A crew of one process.
package struct LoneWorker: PreparationCrew {
  package init() {}
  /// Always 0.
  package var rank: Int { 0 }
  /// Always 1.
  package var size: Int { 1 }
  /// Returns at once.
  package func waitForAll() {}
  /// Changes nothing.
  package func sum(_ numbers: inout [UInt64]) {}
}
