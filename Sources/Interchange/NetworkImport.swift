package import Checkpoints
package import Networks
import Safetensors
package import System

/// A network with weights from a file that another program, or this one, wrote.
package struct NetworkImport {
  /// The network that gets the weights.
  package let network: NetworkSpecification
  /// How it reads pictures.
  package let preprocessing: Preprocessing

  /// How the file's names were interpreted, if they differ from the network's, and what the file
  /// leaves to the network.
  package let notes: [String]

  private let weights: NetworkWeights
  private let leftOut: [String]
  /// A mean of pixels from 0 to 255 is at most 255; the limit leaves room for other ranges.
  private static let largestMean: Float = 1e4

  /// Finds a network's weights in a file.
  ///
  /// If the file gives the size of its input, the network uses crops of that size.
  /// - Parameters:
  ///   - source: The file.
  ///   - names: The file's names for some of the network's layers.
  ///   - prefix: The prefix of the tensors' names; nil for the one that most of them have.
  ///   - leftOut: Names, or words that names begin with, of tensors that the network does without.
  ///   - network: Makes the network for a number of classes, that of the file's last layer.
  ///   - preprocessing: Returns how the network reads pictures; it is passed the file's mean image,
  ///     if there is one.
  /// - Throws: `Failure` (badData) if the file describes other layers, or a tensor is missing or
  ///   has another shape; and what the closures throw.
  package init(
    _ source: any WeightSource, named names: [String: String] = [:], prefix: String? = nil,
    leavingOut leftOut: [String] = [],
    network: (_ classes: Int?) throws(Failure) -> NetworkSpecification,
    preprocessing: (NetworkSpecification, _ mean: [Float]?) throws(Failure) -> Preprocessing
  ) throws(Failure) {
    self.leftOut = leftOut
    let side = source.pictures.side
    let imageSide = try network(nil).imageSide
    guard side.map({ $0 <= imageSide }) ?? true else {
      throw Failure(
        .badData,
        "\(quoted(source.path)) takes crops of \(side ?? 0) pixels, but the network's pictures "
          + "have \(imageSide); give the size of the pictures that the crops are cut from, at "
          + "least \(side ?? 0), with --image-side.")
    }
    weights = try NetworkWeights(
      source, of: try network(nil).reading(side: side), named: names, prefix: prefix)
    try weights.checkClasses()
    self.network = try network(weights.classes).reading(side: side)
    try self.network.validate()
    let decisions = try LayerComparison.decisions(of: self.network, for: source)
    notes = weights.notes + decisions
    var mean: [Float]?
    if let tensor = source.tensors.first(where: { $0.name == NetworkFile.meanName }) {
      guard tensor.shape == [imageSide, imageSide, 3] else {
        throw Failure(
          .badData,
          "\(quoted(tensor.name)) in \(quoted(source.path)) has the shape \(tensor.shape), but the "
            + "network \(quoted(self.network.name)) needs \([imageSide, imageSide, 3]).")
      }
      mean = try source.read(tensor)
    }
    self.preprocessing = try preprocessing(self.network, mean)
    guard self.preprocessing.classNames.count == self.network.classes else {
      throw Failure(
        .badData,
        "\(self.preprocessing.classNames.count) names of classes were given, but the last layer in "
          + "\(quoted(source.path)) has \(self.network.classes) classes.")
    }
    guard let bad = self.preprocessing.mean.first(where: { !($0.magnitude <= Self.largestMean) })
    else { return }
    throw Failure(
      .badData,
      "The mean image for \(quoted(source.path)) holds \(bad), but pixels are from 0 to 255; give "
        + "another with --mean."
    )
  }

  /// Writes the network as a checkpoint.
  /// - Returns: Notes for the user: tensors that were not used and do not matter.
  /// - Throws: `Failure` (badData) if a tensor is missing, has another shape or holds numbers that
  ///   are not finite, or the file has layers that the network does not have; (cannotCreate,
  ///   inputOutput) if the file cannot be written.
  package func write(to path: String) throws(Failure) -> [String] {
    let unused = try weights.checkUnused(leavingOut: leftOut) { layer in
      "If the network does not need \(leftOut.isEmpty ? "them" : "these either"), give --leave-out "
        + "\(layer)\(leftOut.isEmpty ? "" : " too")."
    }.filter { $0 != NetworkFile.meanName && !$0.hasPrefix("velocity.") }
    try NetworkExport.writeSafetensors(network, preprocessing, to: path) { tensor throws(Failure) in
      let values = try weights.read(tensor)
      try weights.checkFinite(tensor, values)
      return values
    }
    return unused.isEmpty
      ? []
      : ["The network does not use \(listed(unused, most: 8)) in \(quoted(weights.source.path))."]
  }
}
