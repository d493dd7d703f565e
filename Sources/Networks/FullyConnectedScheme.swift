package import System

/// Who computes the fully-connected layers where several replicas train together.
package enum FullyConnectedScheme: Hashable, Sendable {
  /// Each replica its own images, as in the convolutions: the gradients of all weights travel.
  case data
  /// Groups of neighbouring ranks, each the images of its replicas, each rank some of the neurons:
  /// activations travel within a group, gradients of a rank's neurons between the groups.
  case groups(Int)

  /// All ranks together every image: activations travel, these layers' gradients never.
  package static let model = FullyConnectedScheme.groups(1)

  /// The groups that the ranks are divided into; nil where each replica computes for itself.
  package func groups(ofReplicas replicas: Int) -> Int? {
    guard replicas > 1, case .groups(let count) = self, count < replicas else { return nil }
    return count
  }
}

extension FullyConnectedScheme: CustomStringConvertible, LosslessStringConvertible {
  /// What the command line calls it: `data`, `model`, `groups=4`.
  package var description: String {
    switch self {
    case .data: "data"
    case .model: "model"
    case .groups(let count): "groups=\(count)"
    }
  }

  /// Reads what the command line calls it.
  package init?(_ text: String) {
    switch text {
    case "data": self = .data
    case "model": self = .model
    default:
      let prefix = "groups="
      guard text.hasPrefix(prefix), let count = Int(text.dropFirst(prefix.count)), count > 0
      else { return nil }
      self = .groups(count)
    }
  }
}

extension FullyConnectedScheme {
  /// What `--parallel-fc` takes.
  package static let words = "data, model, groups=N or automatic"

  /// Understands the value of `--parallel-fc`; nil for `automatic`.
  /// - Throws: `Failure` (usage) that says what the option takes.
  package static func named(_ text: String) throws(Failure) -> FullyConnectedScheme? {
    if text == "automatic" { return nil }
    guard let scheme = FullyConnectedScheme(text) else {
      throw Failure(.usage, "--parallel-fc takes \(words), not \(quoted(text)).")
    }
    return scheme
  }

  /// The schemes that a network can be trained with on so many replicas: as many groups as divide
  /// the replicas, and a neuron of every layer at least for each rank of a group.
  package static func candidates(
    _ network: NetworkSpecification, ranksPerReplica: Int, replicas: Int
  ) -> [FullyConnectedScheme] {
    guard network.fullyConnectedPart != nil else { return [.data] }
    let most = replicas / 2
    let groups = (1...max(1, most)).filter {
      $0 <= most && replicas.isMultiple(of: $0)
        && ranksPerReplica * replicas / $0 <= network.fewestNeurons
    }
    return [.data] + groups.map(FullyConnectedScheme.groups)
  }

  /// Whether a network can be trained with the scheme on so many replicas.
  /// - Throws: `Failure` (usage) where it cannot, with what can.
  package func check(
    _ network: NetworkSpecification, ranksPerReplica: Int, replicas: Int
  ) throws(Failure) {
    guard let count = groups(ofReplicas: replicas) else {
      guard case .groups(let count) = self, count > replicas else { return }
      throw Failure(
        .usage,
        "--parallel-fc \(self) needs at least as many replicas as groups, but there are "
          + "\(replicas); take --parallel-fc data."
      )
    }
    let possible = Self.candidates(network, ranksPerReplica: ranksPerReplica, replicas: replicas)
    guard !possible.contains(self) else { return }
    let reason =
      network.fullyConnectedPart == nil
      ? "none of them reads all towers up to the output"
      : replicas.isMultiple(of: count)
        ? "the smallest has \(network.fewestNeurons) neurons for the "
          + "\(ranksPerReplica * replicas / count) ranks of a group"
        : "\(count) does not divide the \(replicas) replicas"
    throw Failure(
      .usage,
      "The fully-connected layers of \(quoted(network.name)) cannot be computed with --parallel-fc "
        + "\(self): \(reason); take \(possible.map(\.description).joined(separator: " or ")).")
  }
}
