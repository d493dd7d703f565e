public import System

/// The processes that prepare a dataset together; all of them see the same file system.
///
/// This module knows no MPI: `alexnet` brings a crew of MPI's ranks.
public protocol PreparationCrew {
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
public struct LoneWorker: PreparationCrew {
  /// Makes it.
  public init() {}
  /// Always 0.
  public var rank: Int { 0 }
  /// Always 1.
  public var size: Int { 1 }
  /// Returns at once.
  public func waitForAll() {}
  /// Changes nothing.
  public func sum(_ numbers: inout [UInt64]) {}
}
