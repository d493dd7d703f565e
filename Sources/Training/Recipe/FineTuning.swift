package import Checkpoints
import Foundation
package import Networks
package import System

/// The pretrained weights of a run, and the learning rates of its layers.
package struct FineTuning: Codable, Equatable, Sendable {
  /// The file with the weights; nil if all layers start with their initial values.
  package var file: String?
  /// Layers that start with their initial values all the same.
  package var reset: [String]
  /// Pairs of class names of the file and the dataset; nil if both must be the same.
  package var classMap: ClassMap?
  /// The factors of the layers' learning rates: 0 if a layer is frozen, 1 if it is not listed.
  package var learningRateFactors: [String: Double]

  package init(
    file: String? = nil, reset: [String] = [], classMap: ClassMap? = nil,
    learningRateFactors: [String: Double] = [:]
  ) {
    self.file = file
    self.reset = reset
    self.classMap = classMap
    self.learningRateFactors = learningRateFactors
  }

  /// Whether a word of `--init-from` stands for a file that a run has recorded: the file itself, or
  /// the run whose checkpoint it was.
  package static func names(_ word: String, _ file: String) -> Bool {
    func plain(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    let (word, file) = (plain(word), plain(file))
    return file == word || file.hasPrefix("\(word)/\(CheckpointName.folder)/")
  }

  /// The layers' factors in order, for messages.
  var text: String {
    learningRateFactors.isEmpty
      ? "all the same"
      : learningRateFactors.sorted { $0.key < $1.key }.map { "\($0.key)=\(plain($0.value))" }
        .joined(separator: ",")
  }

  /// The layers with weights that a word means: the layer with that name, or those whose names are
  /// the word and a number.
  ///
  /// For example, `conv` means conv1 to conv5.
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
        "--\(option) names the layer \(quoted(word)), and the network \(quoted(network.name)) has "
          + "the layers \(names.joined(separator: ", ")).")
    }
    return found
  }

  /// What becomes of each layer, as a sentence.
  /// - Parameters:
  ///   - network: The network.
  ///   - isNew: Whether the run begins; one that goes on has its own weights.
  /// - Returns: The sentence; nil if all layers learn alike from initial values.
  package func sentence(of network: NetworkSpecification, isNew: Bool) -> String? {
    let layers = network.layers.filter(\.hasWeights).map(\.name)
    func clause(_ layers: [String], _ one: String, _ many: String) -> String? {
      guard let last = layers.last else { return nil }
      let first = layers.dropLast().joined(separator: ", ")
      return first.isEmpty ? "\(last) \(one)" : "\(first) and \(last) \(many)"
    }
    var clauses: [String?] = []
    if isNew, let file {
      clauses.append(
        clause(
          layers.filter { !reset.contains($0) }, "begins with the weights of \(quoted(file))",
          "begin with the weights of \(quoted(file))"))
      clauses.append(
        clause(
          layers.filter(reset.contains), "begins with initial values", "begin with initial values"))
    }
    clauses.append(clause(layers.filter(frozenLayers.contains), "is frozen", "are frozen"))
    for factor in Set(learningRateFactors.values).subtracting([0, 1]).sorted() {
      let text = "\(plain(factor)) times the learning rate"
      clauses.append(
        clause(
          layers.filter { learningRateFactors[$0] == factor }, "has \(text)", "have \(text)"))
    }
    let told = clauses.compactMap(\.self)
    return told.isEmpty ? nil : "Fine-tuning: \(told.joined(separator: "; "))."
  }

  /// The frozen layers.
  var frozenLayers: Set<String> { Set(learningRateFactors.filter { $0.value == 0 }.keys) }

  /// The factors by tensor name, for the update rule.
  func factors(in network: NetworkSpecification) -> [String: Double] {
    var factors: [String: Double] = [:]
    for tensor in network.tensors { factors[tensor.name] = learningRateFactors[tensor.layer] }
    return factors
  }
}
