package import Networks

/// How ranks share the work of a run.
///
/// It changes how sums are rounded and nothing else, so a run may go on with another choice.
package struct Parallelism: Equatable, Sendable {
  /// Who computes the fully-connected layers.
  package var scheme: FullyConnectedScheme
  /// Steps between comparisons of the replicas' weights.
  package var checkEvery: Int

  /// Makes it from its parts.
  package init(scheme: FullyConnectedScheme = .data, checkEvery: Int = 100) {
    self.scheme = scheme
    self.checkEvery = checkEvery
  }
}
