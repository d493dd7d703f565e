import Checkpoints
package import Images
import JSON
import Networks
import Safetensors
package import System
import Training

/// What made an array of features: distances between those of different networks mean nothing.
package struct FeatureOrigin: Codable, Equatable, Sendable {
  /// The network's name.
  package let network: String
  /// The layer whose outputs they are.
  package var layer: String
  /// The dataset whose classes the network has; nil where the file of weights does not say.
  package let dataset: String?
  /// The training steps of the checkpoint; nil likewise.
  package let step: Int?
  /// The SHA-256 of the weights and of what becomes of a picture before them, whatever file they
  /// are in.
  package let weights: String
  /// How the pictures were made square; nil in older files.
  package var resizing: Resizing?

  /// Of the last hidden layer, until another one is set; reads all weights.
  /// - Throws: `Failure` (badData) if the file lacks some.
  package init(_ trained: TrainedNetwork) throws(Failure) {
    let file = trained.file
    network = file.network.name
    layer = file.network.layers.dropLast().last?.name ?? ""
    (dataset, step) = (trained.settings?.dataset, trained.steps)
    weights = try file.digestOfWeights()
  }

  package init(
    network: String, layer: String, dataset: String?, step: Int?, weights: String
  ) {
    (self.network, self.layer, self.dataset) = (network, layer, dataset)
    (self.step, self.weights) = (step, weights)
  }

  /// Whether features of both can be compared.
  ///
  /// A run may be moved, and weights exported: the rest is for people.
  private func isComparable(with other: FeatureOrigin) -> Bool {
    (layer, weights) == (other.layer, other.weights)
  }

  /// In words.
  private var text: String {
    "layer \(quoted(layer)) of \(quoted(network))"
      + (step.map { " after step \($0)" } ?? "")
      + (dataset.map { ", trained on \(quoted($0))" } ?? "") + " (weights \(weights.prefix(8)))"
  }

  /// Refuses features that another network, other weights or another layer made.
  /// - Parameters:
  ///   - asked: The network that is asked.
  ///   - checkpoint: Its file.
  ///   - path: The file of the features.
  /// - Throws: `Failure` (usage) that names both.
  package func check(
    isOf asked: FeatureOrigin, in checkpoint: String, path: String
  ) throws(Failure) {
    guard !isComparable(with: asked) else { return }
    throw Failure(
      .usage,
      "\(quoted(path)) holds features of \(text), but \(quoted(checkpoint)) gives those of "
        + "\(asked.text), which cannot be compared with them: write them again with --set, or name "
        + "the network that made them.")
  }

  /// How pictures that are compared with these must be made square.
  /// - Parameters:
  ///   - asked: What the user asked for, if anything.
  ///   - path: The file of the features, or the set.
  /// - Returns: What was done with the pictures of the set; nil where it is not known.
  /// - Throws: `Failure` (usage) if that is not what the user asked for.
  package func resizing(asked: Resizing?, path: String) throws(Failure) -> Resizing? {
    guard let made = resizing, let asked, made != asked else { return resizing }
    throw Failure(
      .usage,
      "The pictures of \(quoted(path)) were made square by --resize \(made.rawValue), and what is "
        + "searched for must be too; leave out --resize \(asked.rawValue).")
  }

  // MARK: In the list of names

  /// What its line in a list of names begins with; NumPy and shells take such lines for comments.
  private static let mark = "# alexnet features: "

  /// The line.
  var line: String { Self.mark + JSONText.encode(self, isPretty: false) }

  /// Takes the line from the front of a list, where it is; older lists have none.
  /// - Throws: `Failure` (badData) if it is damaged.
  static func take(from lines: inout [String], of path: String) throws(Failure) -> FeatureOrigin? {
    guard let first = lines.first, first.hasPrefix(mark) else { return nil }
    lines.removeFirst()
    return try JSONText.decode(
      FeatureOrigin.self, String(first.dropFirst(mark.count)), from: path)
  }
}

extension NetworkFile {
  /// The SHA-256 of the weights, tensor by tensor, and of how pictures become their input.
  ///
  /// Of the numbers themselves: the digests in a header are of parts, which depend on the ranks that
  /// wrote them.
  fileprivate func digestOfWeights() throws(Failure) -> String {
    let sum = SHA256()
    for tensor in network.tensors {
      let entry = try file.entry(tensor.name, .float32, shape: tensor.shape)
      sum.update(text: tensor.name)
      try file.withElements(of: entry, in: 0..<entry.count) {
        (numbers: UnsafeBufferPointer<Float>) in
        sum.update(UnsafeRawBufferPointer(numbers))
      }
    }
    preprocessing.mean.withUnsafeBytes { sum.update($0) }
    preprocessing.factors.withUnsafeBytes { sum.update($0) }
    sum.update(text: "\(preprocessing.channelOrder) \(preprocessing.meanPlace)")
    return sum.finish()
  }
}

extension SHA256 {
  fileprivate func update(text: String) { Array(text.utf8).withUnsafeBytes { update($0) } }
}
