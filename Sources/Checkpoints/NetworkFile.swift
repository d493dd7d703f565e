import Data
import JSON
package import Layers
package import Networks
package import Safetensors
package import System
package import Tensors
package import Towers

/// A checkpoint's network: its description, its weights, and how it reads pictures.
///
/// Weights have PyTorch's names and layout. The network, the class names and the rest are strings
/// in the metadata. The mean image is the tensor `preprocessing.mean` in a run's checkpoints; in
/// files for other programs it is a string, so that the tensors are only the network's.
package struct NetworkFile: Sendable {
  /// The file.
  package let file: SafetensorsFile
  /// What it says about its network.
  package let described: DescribedNetwork
  /// The network.
  package var network: NetworkSpecification { described.network }
  /// How it reads pictures, and the names of its classes.
  package var preprocessing: Preprocessing { described.preprocessing }

  /// The name of the mean image's tensor.
  package static let meanName = DescribedNetwork.meanName

  private let digests: CheckpointDigests

  /// Opens a checkpoint.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is not a checkpoint
  ///   of this program or not complete.
  package init(opening path: String) throws(Failure) {
    let file: SafetensorsFile
    do throws(Failure) {
      file = try SafetensorsFile(opening: path)
    } catch {
      // A file that is not in safetensors format may be another program's; a damaged checkpoint is
      // not.
      guard error.exitCode == .badData, !path.hasSuffix(".safetensors"),
        let remedy = ForeignFile.remedy(path)
      else { throw error }
      throw Failure(
        .badData, "\(quoted(path)) is not a checkpoint of alexnet-train. \(remedy)")
    }
    try self.init(file)
  }

  /// Reads what a file says about its network.
  /// - Throws: `Failure` (badData) if it is not a checkpoint of this program or its parts are
  ///   inconsistent.
  package init(_ file: SafetensorsFile) throws(Failure) {
    try Self.checkFormat(file)
    let digests = try CheckpointDigests(file)
    described = try DescribedNetwork(file.header.metadata, from: file.path) {
      network throws(Failure) in
      guard file.header.tensors.contains(where: { $0.name == Self.meanName }) else { return nil }
      let side = network.imageSide
      let entry = try file.entry(Self.meanName, .float32, shape: [side, side, 3])
      let mean: [Float] = try file.elements(of: entry)
      try mean.withUnsafeBufferPointer { numbers throws(Failure) in
        try Self.check(numbers, .init(tensor: Self.meanName, rows: 0..<side), digests, file)
      }
      return mean
    }
    self.digests = digests
    self.file = file
  }

  /// The network that a file's header describes.
  /// - Throws: `Failure` (badData) if there is none that can be built.
  package static func network(of file: SafetensorsFile) throws(Failure) -> NetworkSpecification {
    try DescribedNetwork.network(file.header.metadata, from: file.path)
  }

  /// Whether a file is a checkpoint of a newer program, which is not damaged although it is not
  /// understood.
  package static func isNewer(_ file: SafetensorsFile) -> Bool {
    DescribedNetwork.version(file.header.metadata).map { $0 > DescribedNetwork.formatVersion }
      ?? false
  }

  /// Checks that a file is a checkpoint, and not one of a newer program.
  package static func checkFormat(_ file: SafetensorsFile) throws(Failure) {
    try DescribedNetwork.checkFormat(file.header.metadata, of: file.path)
  }

  /// Reads the weights into a network that was built from the description.
  ///
  /// With several ranks, each reads and checks the kernels of its own towers.
  /// - Throws: `Failure` (badData) if a tensor is missing, has another shape, is damaged or not
  ///   finite.
  package func readWeights(into network: Network) throws(Failure) {
    for parameter in network.parameters {
      try read("", of: parameter, into: parameter.value)
      parameter.noteChange()
    }
  }

  /// Reads a parameter's part of a tensor, which the file stores in canonical order.
  /// - Parameters:
  ///   - prefix: The prefix of the tensor's name in the file.
  ///   - parameter: The parameter, which gives kernels and layout.
  ///   - tensor: The memory for the parameter's value or velocity.
  /// - Throws: `Failure` (badData) if the tensor is missing, has another shape, is damaged or not
  ///   finite.
  package func read(
    _ prefix: String, of parameter: Parameter, into tensor: Tensor
  ) throws(Failure) {
    guard !parameter.kernels.isEmpty else { return }
    let name = prefix + parameter.name
    if let found = file.header.tensors.first(where: { $0.name == name }), found.format == .bfloat16
    {
      throw Failure(
        .badData,
        "The weights in \(quoted(file.path)) have 16 bits; 'alexnet import' makes a 32-bit "
          + "checkpoint from them."
      )
    }
    let entry = try file.entry(name, .float32, shape: parameter.canonicalShape)
    let length = parameter.layout.kernelLength
    let first = parameter.kernels.lowerBound * length
    // Rows that were written in other parts, with another number of ranks, are checked part by
    // part.
    let isPart = digests.digests[parameter.part(prefix)] != nil
    if !isPart { try checkParts(of: entry, touching: parameter.kernels) }
    try file.withElements(of: entry, in: first..<(first + parameter.layout.count)) {
      (numbers: UnsafeBufferPointer<Float>) throws(Failure) in
      if isPart { try Self.check(numbers, parameter.part(prefix), digests, file) }
      for kernel in 0..<parameter.layout.kernels {
        parameter.layout.setKernel(kernel, of: tensor, from: numbers.start + kernel * length)
      }
    }
  }

  /// Reads the whole file and checks every checksum.
  /// - Returns: The number of parts with a checksum.
  /// - Throws: `Failure` (badData) that names what is damaged.
  @discardableResult
  package func verify() throws(Failure) -> Int {
    var count = 0
    for entry in file.header.tensors {
      guard entry.format == .float32 else {
        // Exported weights in 16 bits.
        count += try checkWhole(entry)
        continue
      }
      count += try checkParts(of: entry, touching: 0..<(entry.shape.first ?? 1))
    }
    return count
  }

  /// Reads a whole tensor of any format and checks its checksums.
  private func checkWhole(_ entry: TensorEntry) throws(Failure) -> Int {
    var bytes = [UInt8](repeating: 0, count: entry.bytes.count)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try file.readBytes(entry, into: buffer)
    }
    try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
      try digests.check(entry, UnsafeRawBufferPointer(bytes), path: file.path)
    }
    let floats = entry.format.isFloatingPoint ? entry.format.floats(bytes) : []
    if let place = floats.firstIndex(where: { !$0.isFinite }) {
      throw Self.notFinite(entry.name, floats[place], place, file)
    }
    return digests.parts(of: entry.name).count
  }

  private static func notFinite(
    _ tensor: String, _ number: Float, _ element: Int, _ file: SafetensorsFile
  ) -> Failure {
    Failure(
      .badData,
      "\(quoted(tensor)) in \(quoted(file.path)) holds \(number) as element \(element). "
        + CheckpointDigests.remedy(file.header.metadata))
  }

  /// Checks the checksums of the parts that contain some rows of a tensor.
  /// - Returns: The number of these parts.
  @discardableResult
  private func checkParts(
    of entry: TensorEntry, touching rows: Range<Int>
  ) throws(Failure) -> Int {
    let count = entry.shape.first ?? 1
    let length = entry.count / max(1, count)
    var (next, checked) = (rows.lowerBound, 0)
    for part in digests.parts(of: entry.name)
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
      throw digests.noDigest(ofRow: next, entry.name, file.path)
    }
    return checked
  }

  /// Checks a part's checksum, and that its numbers are finite.
  private static func check(
    _ numbers: UnsafeBufferPointer<Float>, _ part: CheckpointDigests.Part,
    _ digests: CheckpointDigests, _ file: SafetensorsFile
  ) throws(Failure) {
    try digests.check(
      part, is: SHA256.digest(of: UnsafeRawBufferPointer(numbers)), path: file.path)
    guard let bad = numbers.firstIndex(where: { !$0.isFinite }) else { return }
    let row = numbers.count / max(1, part.rows.count)
    throw notFinite(part.tensor, numbers[bad], part.rows.lowerBound * row + bad, file)
  }
}
