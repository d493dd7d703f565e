import Checksums
import Data
public import Failures
import JSON
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
  ///
  /// Version 1 had no checksums.
  package static let formatVersion = 2

  /// The checksums; nil in a file of version 1.
  private let digests: CheckpointDigests?

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
    digests = try CheckpointDigests(file)
    let texts = file.header.metadata
    network = try Self.network(of: file)
    guard let classes = texts["classes"] else {
      throw Failure(.badData, "\(quoted(file.path)) names no classes.")
    }
    let side = network.imageSide
    let entry = try file.entry(Self.meanName, .float32, shape: [side, side, 3])
    var mean = [Float](repeating: 0, count: entry.count)
    try mean.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try file.read(entry, into: buffer)
    }
    let digests = digests
    try mean.withUnsafeBufferPointer { numbers throws(Failure) in
      try Self.check(numbers, .init(tensor: Self.meanName, rows: 0..<side), digests, file)
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

  /// The network that a file's header describes.
  /// - Throws: `Failure` (badData) where there is none that can be built.
  package static func network(of file: SafetensorsFile) throws(Failure) -> NetworkSpecification {
    guard let description = file.header.metadata["network"] else {
      throw Failure(.badData, "\(quoted(file.path)) names no network.")
    }
    let network = try JSONText.decode(
      NetworkSpecification.self, description, from: file.path)
    try network.validate()
    return network
  }

  /// The texts in a file's metadata that describe its network; the checksums go with them.
  package static func metadata(
    _ network: NetworkSpecification, _ preprocessing: Preprocessing
  ) -> [String: String] {
    [
      "format": "alexnet-train", "formatVersion": String(formatVersion),
      "network": JSONText.encode(network, isPretty: false),
    ].merging(preprocessing.metadata) { first, _ in first }
  }

  /// Whether a file is a checkpoint of a newer program, which is not damaged for not being understood.
  package static func isNewer(_ file: SafetensorsFile) -> Bool {
    version(file).map { $0 > formatVersion } ?? false
  }

  private static func version(_ file: SafetensorsFile) -> Int? {
    let texts = file.header.metadata
    return texts["format"] == "alexnet-train" ? texts["formatVersion"].flatMap { Int($0) } : nil
  }

  /// Makes sure that a file is a checkpoint, and not one of a newer program.
  package static func checkFormat(_ file: SafetensorsFile) throws(Failure) {
    guard let version = version(file) else {
      throw Failure(.badData, "\(quoted(file.path)) is not a checkpoint of alexnet-train.")
    }
    guard version <= formatVersion else {
      throw Failure(
        .badData,
        "\(quoted(file.path)) has format version \(version); this program reads versions up to "
          + "\(formatVersion), so use the newer program that wrote it.")
    }
  }

  /// Reads the weights into a network that was built from the description; of several ranks each reads, and
  /// checks, the kernels of its own towers.
  /// - Throws: `Failure` (badData) where a tensor is missing, of another shape, damaged or not finite.
  public func readWeights(into network: Network) throws(Failure) {
    for parameter in network.parameters {
      try read("", of: parameter, into: parameter.value)
      parameter.noteChange()
    }
  }

  /// Reads a parameter's share of a tensor, which lies in the file in canonical order.
  /// - Parameters:
  ///   - prefix: What the tensor's name in the file has before the parameter's.
  ///   - parameter: Whose kernels and layout count.
  ///   - tensor: The parameter's value or its velocity.
  /// - Throws: `Failure` (badData) where the tensor is missing, of another shape, damaged or not finite.
  package func read(
    _ prefix: String, of parameter: Parameter, into tensor: Tensor
  ) throws(Failure) {
    guard !parameter.kernels.isEmpty else { return }
    let entry = try file.entry(prefix + parameter.name, .float32, shape: parameter.canonicalShape)
    let length = parameter.layout.kernelLength
    let first = parameter.kernels.lowerBound * length
    // Rows that were written in other parts, by another number of ranks, are checked part by part.
    let isPart = digests?.digests[parameter.part(prefix)] != nil
    if !isPart { try checkParts(of: entry, touching: parameter.kernels) }
    try file.withElements(of: entry, in: first..<(first + parameter.layout.count)) {
      (numbers: UnsafeBufferPointer<Float>) throws(Failure) in
      if isPart { try Self.check(numbers, parameter.part(prefix), digests, file) }
      guard let start = numbers.baseAddress else { return }
      for kernel in 0..<parameter.layout.kernels {
        parameter.layout.setKernel(kernel, of: tensor, from: start + kernel * length)
      }
    }
  }

  /// Reads the whole file and compares every checksum.
  /// - Returns: How many parts have one.
  /// - Throws: `Failure` (badData) that names what is damaged.
  @discardableResult
  public func verify() throws(Failure) -> Int {
    var count = 0
    for entry in file.header.tensors {
      guard entry.format == .float32 else {
        // Weights in 16 bits, as they are exported.
        count += try checkWhole(entry)
        continue
      }
      count += try checkParts(of: entry, touching: 0..<(entry.shape.first ?? 1))
    }
    return digests == nil ? 0 : count
  }

  /// Reads a tensor of any format at once and compares its checksums.
  private func checkWhole(_ entry: TensorEntry) throws(Failure) -> Int {
    var bytes = [UInt8](repeating: 0, count: entry.bytes.count)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try file.readBytes(entry, into: buffer)
    }
    try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
      try digests?.check(entry, UnsafeRawBufferPointer(bytes), path: file.path)
    }
    let floats = entry.format.isFloatingPoint ? entry.format.floats(bytes) : []
    if let place = floats.firstIndex(where: { !$0.isFinite }) {
      throw Self.notFinite(entry.name, floats[place], place, file)
    }
    return digests?.parts(of: entry.name).count ?? 1
  }

  private static func notFinite(
    _ tensor: String, _ number: Float, _ element: Int, _ file: SafetensorsFile
  ) -> Failure {
    Failure(
      .badData,
      "\(quoted(tensor)) in \(quoted(file.path)) holds \(number) as element \(element). "
        + CheckpointDigests.remedy)
  }

  /// Compares the checksums of a tensor's parts that hold some rows.
  /// - Returns: How many parts those are.
  @discardableResult
  private func checkParts(
    of entry: TensorEntry, touching rows: Range<Int>
  ) throws(Failure) -> Int {
    let count = entry.shape.first ?? 1
    let length = entry.count / max(1, count)
    var (next, checked) = (rows.lowerBound, 0)
    for part in digests?.parts(of: entry.name) ?? [0..<count]
    where part.overlaps(rows) && part.lowerBound <= next {
      try file.withElements(
        of: entry, in: (part.lowerBound * length)..<(part.upperBound * length)
      ) { (numbers: UnsafeBufferPointer<Float>) throws(Failure) in
        try Self.check(numbers, .init(tensor: entry.name, rows: part), digests, file)
      }
      next = max(next, part.upperBound)
      checked += 1
    }
    guard next >= rows.upperBound else {
      throw CheckpointDigests.noDigest(ofRow: next, entry.name, file.path)
    }
    return checked
  }

  /// Compares a part's numbers with their checksum, and makes sure that they are finite.
  private static func check(
    _ numbers: UnsafeBufferPointer<Float>, _ part: CheckpointDigests.Part,
    _ digests: CheckpointDigests?, _ file: SafetensorsFile
  ) throws(Failure) {
    if let digests {
      let sum = SHA256()
      sum.update(UnsafeRawBufferPointer(numbers))
      try digests.check(part, is: sum.finish(), path: file.path)
    }
    guard let bad = numbers.firstIndex(where: { !$0.isFinite }) else { return }
    let row = numbers.count / max(1, part.rows.count)
    throw notFinite(part.tensor, numbers[bad], part.rows.lowerBound * row + bad, file)
  }
}
