package import System

/// The processes that prepare a dataset together; all of them see the same file system.
///
/// This module knows no MPI: `alexnet` brings a crew of MPI's ranks.
package protocol PreparationCrew {
  /// This process's number, from 0.
  var rank: Int { get }
  /// The number of processes.
  var size: Int { get }
  /// Waits until all have come here, without keeping a core busy.
  func waitForAll() throws(Failure)
  /// Replaces each number by its sum over all processes.
  func sum(_ numbers: inout [UInt64]) throws(Failure)
}

/// A crew of one.
package struct LoneWorker: PreparationCrew {
  /// Makes it.
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
