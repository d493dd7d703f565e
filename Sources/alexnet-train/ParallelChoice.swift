import AlexNet
import Failures
import MPI
import ModelParallel
import Options
import Training

/// How the command line wants the ranks to share the work.
struct ParallelChoice {
  /// How numbers travel; nil for as they are.
  let formats: WireFormats?
  private let scheme: String
  private let checkEvery: Int

  init(_ arguments: Arguments) throws(Failure) {
    let formats = WireFormats(
      activations: try arguments.choice("send-activations", of: WireFormat.self) ?? .fp32,
      gradients: try arguments.choice("send-gradients", of: WireFormat.self) ?? .fp32)
    self.formats = formats == WireFormats() ? nil : formats
    scheme =
      try arguments.choice(
        "parallel-fc", of: ["automatic"] + FullyConnectedScheme.allCases.map(\.rawValue))
      ?? "automatic"
    checkEvery = try arguments.integer("check-replicas", in: 1...Int.max) ?? 100
  }

  /// Towers of each rank, if the user says so.
  static func towersPerRank(_ arguments: Arguments) throws(Failure) -> Int? {
    try arguments.integer("towers-per-rank", in: 1...1024)
  }

  /// The choice for a network on these ranks, and a sentence about it where there was one to make.
  func parallelism(
    _ network: NetworkSpecification, _ placement: Placement, batchSize: Int
  ) throws(Failure) -> (Parallelism, said: String?) {
    guard placement.replicas <= batchSize else {
      throw Failure(
        .usage,
        "A batch of \(batchSize) images leaves some of the \(placement.replicas) replicas without any; give a "
          + "larger --batch-size or fewer ranks.")
    }
    func volume(_ scheme: FullyConnectedScheme) -> CommunicationVolume {
      CommunicationVolume(
        network, ranksPerReplica: placement.group.size, replicas: placement.replicas,
        batchSize: batchSize, scheme: scheme, formats: formats ?? WireFormats())
    }
    let better = CommunicationVolume.better(
      network, ranksPerReplica: placement.group.size, replicas: placement.replicas,
      batchSize: batchSize, formats: formats ?? WireFormats())
    let chosen = FullyConnectedScheme(rawValue: scheme) ?? better
    let result = Parallelism(scheme: chosen, checkEvery: checkEvery)
    guard placement.replicas > 1 else { return (result, nil) }
    var sentence =
      "\(placement.replicas) replicas; the fully-connected layers are computed "
      + (chosen == .data ? "by each replica for its images" : "by all ranks for the whole batch")
      + " (--parallel-fc \(chosen.rawValue)): a rank sends \(volume(chosen).megabytes) a step"
    let other = chosen == .data ? FullyConnectedScheme.model : .data
    if network.fullyConnectedPart != nil, network.fewestNeurons >= placement.all.size {
      sentence += ", with --parallel-fc \(other.rawValue) \(volume(other).megabytes)"
    }
    return (result, sentence + ".")
  }
}

extension CommunicationVolume {
  /// The bytes of a step for people.
  fileprivate var megabytes: String {
    "\(Int((Double(bytes) / 1e5).rounded()) / 10).\(Int((Double(bytes) / 1e5).rounded()) % 10) MB"
  }
}
