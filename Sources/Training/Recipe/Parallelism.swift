package import Networks
package import Options

/// How ranks share the work of a run.
///
/// It only changes how sums are rounded, so a run may be resumed with another choice.
package struct Parallelism: Equatable, Sendable {
  /// How the fully-connected layers are split.
  package var scheme: FullyConnectedScheme
  /// The number of steps between comparisons of the replicas' weights.
  package var checkEvery: Int

  package init(scheme: FullyConnectedScheme = .data, checkEvery: Int = 100) {
    self.scheme = scheme
    self.checkEvery = checkEvery
  }
}

extension Reading where Value == FullyConnectedScheme? {
  /// What `--parallel-fc` takes; nil for `automatic`.
  package static let parallelFC = Reading(text: { $0?.description ?? "automatic" }) { word, _ in
    try FullyConnectedScheme.named(word)
  }
}
