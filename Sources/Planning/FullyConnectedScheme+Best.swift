package import ModelParallel
package import Networks

extension FullyConnectedScheme {
  /// The scheme with the probably shortest steps: the one that sends the fewest bytes.
  ///
  /// Ranks wait more for activations than for gradients, but more of the activations stay within a
  /// host, and gradients also have to be added. At 10 Gbit/s the scaling model finds the same
  /// schemes best (Docs/Scaling.md).
  package static func best(
    _ network: NetworkSpecification, ranksPerReplica: Int, replicas: Int, batchSize: Int,
    formats: WireFormats
  ) -> FullyConnectedScheme {
    let schemes = candidates(network, ranksPerReplica: ranksPerReplica, replicas: replicas)
    let bytes = schemes.map { scheme in
      CommunicationVolume(
        network, ranksPerReplica: ranksPerReplica, replicas: replicas, batchSize: batchSize,
        scheme: scheme, formats: formats
      ).bytes
    }
    return zip(schemes, bytes).min { $0.1 < $1.1 }?.0 ?? .data
  }
}
