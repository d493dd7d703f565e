package import Checkpoints
package import Networks
package import System

/// What a run takes from a network that was trained before, and which of its layers learn how fast.
package struct FineTuning: Codable, Equatable, Sendable {
  /// The file that the weights come from; nil if all layers begin with their initial values.
  package var file: String?
  /// Layers that begin with their initial values none the less.
  package var reset: [String]
  /// Which of the file's classes is which of the dataset's; nil if both must be the same.
  package var classMap: ClassMap?
  /// What the learning rate of a layer is multiplied by; 0 where it does not change at all, 1 where it is not named.
  package var learningRateFactors: [String: Double]

  /// Makes it from its parts.
  package init(
    file: String? = nil, reset: [String] = [], classMap: ClassMap? = nil,
    learningRateFactors: [String: Double] = [:]
  ) {
    self.file = file
    self.reset = reset
    self.classMap = classMap
    self.learningRateFactors = learningRateFactors
  }

  /// The layers' factors in their order, as messages show them.
  var text: String {
    learningRateFactors.isEmpty
      ? "all the same"
      : learningRateFactors.sorted { $0.key < $1.key }.map { "\($0.key)=\(plain($0.value))" }
        .joined(separator: ",")
  }

  /// The layers with weights that a word means: the one of that name, or those whose names are the word and a number,
  /// as `conv` is for conv1 to conv5.
  /// - Throws: `Failure` (usage) if there is none.
  package static func layers(
    _ word: String, of network: NetworkSpecification, option: String
  ) throws(Failure) -> [String] {
    var names: [String] = []
    for tensor in network.tensors where names.last != tensor.layer { names.append(tensor.layer) }
    if names.contains(word) { return [word] }
    let found = names.filter { name in
      let rest = name.dropFirst(word.count)
      return name.hasPrefix(word) && !rest.isEmpty && rest.allSatisfy { $0.isASCII && $0.isNumber }
    }
    guard !word.isEmpty, !found.isEmpty else {
      throw Failure(
        .usage,
        "--\(option) names the layer \(quoted(word)), and the network \(quoted(network.name)) has the layers "
          + "\(names.joined(separator: ", ")).")
    }
    return found
  }

  /// The layers that do not change at all.
  var frozenLayers: Set<String> { Set(learningRateFactors.filter { $0.value == 0 }.keys) }

  /// The factors by the names of the tensors, as the update rule asks for them.
  func factors(in network: NetworkSpecification) -> [String: Double] {
    var factors: [String: Double] = [:]
    for tensor in network.tensors { factors[tensor.name] = learningRateFactors[tensor.layer] }
    return factors
  }
}
