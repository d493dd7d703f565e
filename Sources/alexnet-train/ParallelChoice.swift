import MPI
import ModelParallel
import Networks
import Options
import Planning
import System
import Training

/// The command line's options for how the ranks share the work.
struct ParallelChoice {
  private let formats: WireFormats
  /// Nil for the best scheme.
  private let scheme: FullyConnectedScheme?
  private let checkEvery: Int

  init(_ arguments: Arguments, formats: WireFormats) {
    self.formats = formats
    scheme = arguments[TrainOptions.parallelFC]
    checkEvery = arguments[TrainOptions.checkReplicas]
  }

  /// The choice for a network on these ranks, and a sentence about it if there was a choice.
  func parallelism(
    _ network: NetworkSpecification, _ placement: Placement, batchSize: Int
  ) throws(Failure) -> (Parallelism, said: String?) {
    guard placement.replicas <= batchSize else {
      throw Failure(
        .usage,
        "A batch of \(counted(batchSize, "image", "images")) leaves some of the "
          + "\(placement.replicas) replicas without "
          + "images; give a larger --batch-size or fewer ranks.")
    }
    let (ranks, replicas) = (placement.group.size, placement.replicas)
    try scheme?.check(network, ranksPerReplica: ranks, replicas: replicas)
    let chosen =
      scheme
      ?? FullyConnectedScheme.best(
        network, ranksPerReplica: ranks, replicas: replicas, batchSize: batchSize, formats: formats)
    let result = Parallelism(scheme: chosen, checkEvery: checkEvery)
    guard replicas > 1 else { return (result, nil) }
    let computed =
      switch chosen.groups(ofReplicas: replicas) {
      case nil: "by each replica for its images"
      case 1: "by all ranks for the whole batch"
      case let groups?:
        "by \(groups) groups of \(placement.all.size / groups) ranks, each for the images of "
          + "\(replicas / groups) replicas"
      }
    let volumes = FullyConnectedScheme.candidates(
      network, ranksPerReplica: ranks, replicas: replicas
    ).map { scheme in
      let volume = CommunicationVolume(
        network, ranksPerReplica: ranks, replicas: replicas, batchSize: batchSize, scheme: scheme,
        formats: formats)
      return "\(scheme) \(volume.bytes.megabytes) (\(volume.gradientBytes.megabytes) gradients)"
    }
    return (
      result,
      "\(replicas) replicas; the fully-connected layers are computed \(computed) (--parallel-fc "
        + "\(chosen)). Sent by each rank per step: \(volumes.joined(separator: ", "))."
    )
  }
}

extension Int {
  /// A number of bytes as text.
  fileprivate var megabytes: String {
    let tenths = Int((Double(self) / 1e5).rounded())
    return "\(tenths / 10).\(tenths % 10) MB"
  }
}
