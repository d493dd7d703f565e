import Data
public import Failures
package import Layers
public import Safetensors
package import Tensors

/// A checkpoint as far as the network in it goes: its description, its weights, and how it reads pictures.
///
/// Weights have PyTorch's names and layout, the mean image is `preprocessing.mean`; the network, the class names
/// and the rest are JSON texts in the metadata.
public struct NetworkFile: Sendable {
  /// The file.
  public let file: SafetensorsFile
  /// The network.
  public let network: NetworkSpecification
  /// How it reads pictures, and the names of its classes.
  public let preprocessing: Preprocessing

  /// The name of the mean image's tensor.
  package static let meanName = "preprocessing.mean"
  /// The newest version of the format that this program reads, and the one that it writes.
  package static let formatVersion = 1

  /// Opens a checkpoint.
  /// - Throws: `Failure` (inputMissing) where it cannot be opened, (badData) where it is no checkpoint of this
  ///   program or not whole.
  public init(opening path: String) throws(Failure) {
    try self.init(SafetensorsFile(opening: path))
  }

  /// Reads what a file says about its network.
  /// - Throws: `Failure` (badData) where it is no checkpoint of this program or its parts do not fit together.
  public init(_ file: SafetensorsFile) throws(Failure) {
    try Self.checkFormat(file)
    let texts = file.header.metadata
    guard let description = texts["network"], let classes = texts["classes"] else {
      throw Failure(.badData, "\(quoted(file.path)) names no network or no classes.")
    }
    network = try JSONText.decode(NetworkSpecification.self, description, from: file.path)
    try network.validate()
    let side = network.imageSide
    let entry = try file.entry(Self.meanName, .float32, shape: [side, side, 3])
    var mean = [Float](repeating: 0, count: entry.count)
    try mean.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try file.read(entry, into: buffer)
    }
    let names = try JSONText.decode([String].self, classes, from: file.path)
    guard names.count == network.classes else {
      throw Failure(
        .badData,
        "\(quoted(file.path)) names \(names.count) classes, but its network tells \(network.classes) apart."
      )
    }
    let text = try texts["preprocessing"].map { text throws(Failure) in
      try JSONText.decode(PreprocessingText.self, text, from: file.path)
    }
    let factors = text?.factors ?? [1, 1, 1]
    guard factors.count == 3, factors.allSatisfy(\.isFinite) else {
      throw Failure(
        .badData, "\(quoted(file.path)) has \(factors) as the factors of its three colours.")
    }
    preprocessing = Preprocessing(
      classNames: names, mean: mean, meanPlace: text?.meanPlace ?? .cropsOwn,
      channelOrder: text?.channelOrder ?? .rgb, factors: factors)
    self.file = file
  }

  /// The texts in a file's metadata that describe its network.
  package static func metadata(
    _ network: NetworkSpecification, _ preprocessing: Preprocessing
  ) -> [String: String] {
    [
      "format": "alexnet-train", "formatVersion": String(formatVersion),
      "network": JSONText.encode(network, isPretty: false),
    ].merging(preprocessing.metadata) { first, _ in first }
  }

  /// Makes sure that a file is a checkpoint, and not one of a newer program.
  package static func checkFormat(_ file: SafetensorsFile) throws(Failure) {
    let texts = file.header.metadata
    guard texts["format"] == "alexnet-train",
      let version = texts["formatVersion"].flatMap({ Int($0) })
    else {
      throw Failure(.badData, "\(quoted(file.path)) is not a checkpoint of alexnet-train.")
    }
    guard version <= formatVersion else {
      throw Failure(
        .badData,
        "\(quoted(file.path)) has format version \(version); this program reads versions up to "
          + "\(formatVersion), so use the newer program that wrote it.")
    }
  }

  /// Reads the weights into a network that was built from the description; of several ranks each reads the
  /// kernels of its own towers.
  /// - Throws: `Failure` (badData) where a tensor is missing or of another shape.
  public func readWeights(into network: Network) throws(Failure) {
    for parameter in network.parameters {
      try file.read(parameter.name, of: parameter, into: parameter.value)
      parameter.noteChange()
    }
  }
}

extension SafetensorsFile {
  /// Reads a parameter's share of a tensor, which lies in the file in canonical order.
  /// - Parameters:
  ///   - name: The tensor's name in the file.
  ///   - parameter: Whose kernels and layout count.
  ///   - tensor: The parameter's value or its velocity.
  /// - Throws: `Failure` (badData) where the tensor is missing or of another shape.
  package func read(
    _ name: String, of parameter: Parameter, into tensor: Tensor
  ) throws(Failure) {
    let entry = try entry(name, .float32, shape: parameter.canonicalShape)
    let length = parameter.layout.kernelLength
    let first = parameter.kernels.lowerBound * length
    try withElements(of: entry, in: first..<(first + parameter.layout.count)) {
      (numbers: UnsafeBufferPointer<Float>) in
      guard let start = numbers.baseAddress else { return }
      for kernel in 0..<parameter.layout.kernels {
        parameter.layout.setKernel(kernel, of: tensor, from: start + kernel * length)
      }
    }
  }
}
