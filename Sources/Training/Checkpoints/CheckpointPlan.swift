import Checkpoints
import JSON
import Layers
import MPI
import ModelParallel
import Networks
import Safetensors
import Towers

/// The layout of a run's checkpoints: the same for all of them except for the state and the
/// checksums.
struct CheckpointPlan {
  private let texts: [String: String]
  private let tensors: [(name: String, format: NumberFormat, shape: [Int])]
  private let digests: CheckpointDigests

  /// Plans the checkpoints of a network; all ranks of its group call this together.
  /// - Throws: `MPIError` if a message fails.
  init(
    _ network: Network, _ settings: TrainingSettings, _ preprocessing: Preprocessing,
    _ provenance: Provenance
  ) throws(MPIError) {
    tensors = Checkpoint.tensors(of: network)
    texts = DescribedNetwork.texts(network.specification, preprocessing, hasMean: false).merging(
      [
        "settings": JSONText.encode(settings, isPretty: false),
        Provenance.metadataName: provenance.json,
      ]) { $1 }
    // The first rank needs the location of every part, so it asks all ranks what they write.
    let own = network.savedParameters.filter { !$0.kernels.isEmpty }
      .flatMap { [$0.part(), $0.part(Checkpoint.velocityPrefix)] }
    var digests = CheckpointDigests(
      of: [.init(tensor: NetworkFile.meanName, rows: 0..<network.specification.imageSide)])
    let lines = CheckpointDigests.lines(CheckpointDigests(of: own).digests)
    for lines in try network.placement.all.allGather(lines) { digests.merge(lines: lines) }
    self.digests = digests
  }

  /// The size of a checkpoint in bytes, not counting the few bytes of the state.
  var fileLength: Int { header(TrainingState()).fileLength }

  /// The header for a state, with space for the checksums.
  func header(_ state: TrainingState) -> SafetensorsHeader { header(state, digests) }

  /// The header for a state with the checksums that the ranks computed.
  func header(_ state: TrainingState, digests lines: [String]) -> SafetensorsHeader {
    var digests = digests
    for lines in lines { digests.merge(lines: lines) }
    return header(state, digests)
  }

  private func header(
    _ state: TrainingState, _ digests: CheckpointDigests
  ) -> SafetensorsHeader {
    var texts = texts
    texts["state"] = JSONText.encode(state, isPretty: false)
    return digests.signedHeader(texts, tensors)
  }
}
