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

  private let weights: NetworkWeights
  /// A mean of pixels from 0 to 255 is at most 255; the limit leaves room for other ranges.
  private static let largestMean: Float = 1e4

  /// Finds a network's weights in a file.
  ///
  /// If the file gives the size of its input, the network uses crops of that size.
  /// - Parameters:
  ///   - source: The file.
  ///   - names: The file's names for some of the network's layers.
  ///   - prefix: The prefix of the tensors' names; nil for the one that most of them have.
  ///   - network: Makes the network for a number of classes, that of the file's last layer.
  ///   - preprocessing: Returns how the network reads pictures; it is passed the file's mean image,
  ///     if there is one.
  /// - Throws: `Failure` (badData) if the file describes other layers, or a tensor is missing or
  ///   has another shape; and what the closures throw.
  package init(
    _ source: any WeightSource, named names: [String: String] = [:], prefix: String? = nil,
    network: (_ classes: Int?) throws(Failure) -> NetworkSpecification,
    preprocessing: (NetworkSpecification, _ mean: [Float]?) throws(Failure) -> Preprocessing
  ) throws(Failure) {
    let side = source.pictures.side
    let imageSide = try network(nil).imageSide
    guard side.map({ $0 <= imageSide }) ?? true else {
      throw Failure(
        .badData,
        "\(quoted(source.path)) takes crops of \(side ?? 0) pixels, but the network's pictures "
          + "have \(imageSide); describe it in a JSON file for --network with a larger imageSide "
          + "(Docs/Architecture.md).")
    }
    weights = try NetworkWeights(
      source, of: try network(nil).reading(side: side), named: names, prefix: prefix)
    self.network = try network(weights.classes).reading(side: side)
    try self.network.validate()
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

  /// How the file's names were interpreted, if they differ from the network's.
  package var notes: [String] { weights.notes }

  /// Writes the network as a checkpoint.
  /// - Returns: Notes for the user: tensors with numbers that are not finite, tensors that were not
  ///   used.
  /// - Throws: `Failure` (badData) if a tensor is missing or has another shape, (cannotCreate,
  ///   inputOutput) if the file cannot be written.
  package func write(to path: String) throws(Failure) -> [String] {
    var warnings: [String] = []
    try NetworkExport.writeSafetensors(network, preprocessing, to: path) { tensor throws(Failure) in
      let values = try weights.read(tensor)
      let count = values.count { !$0.isFinite }
      if count > 0 {
        warnings.append(
          "\(quoted(tensor.name)) holds \(count) of \(values.count) numbers that are not finite.")
      }
      return values
    }
    let unused = weights.unused.filter { name in
      name != NetworkFile.meanName && !name.hasPrefix("velocity.")
    }
    if !unused.isEmpty {
      warnings.append(
        "The network does not use \(listed(unused, most: 8)) in \(quoted(weights.source.path))."
      )
    }
    return warnings
  }
}
