package import Checkpoints
import Networks
package import Safetensors
package import System

/// The tensors of a safetensors file.
package final class SafetensorsWeights: WeightSource {
  /// The file.
  package let file: SafetensorsFile
  /// Names and shapes of the tensors of floating-point numbers, in the order of the file.
  package let tensors: [WeightTensor]
  /// Why other tensors cannot be read, by their names.
  package let unreadable: [String: String]
  /// The checksums of a checkpoint.
  private let digests: CheckpointDigests?

  /// Reads the tensors of an open file.
  /// - Throws: `Failure` (badData) if it is a checkpoint of a newer program, or its header was
  ///   changed.
  package init(_ file: SafetensorsFile) throws(Failure) {
    if Self.isCheckpoint(file) {
      try NetworkFile.checkFormat(file)
      digests = try CheckpointDigests(file)
    } else {
      digests = nil
    }
    self.file = file
    tensors = file.header.tensors.filter(\.format.isFloatingPoint).map {
      WeightTensor(name: $0.name, shape: $0.shape)
    }
    var unreadable: [String: String] = [:]
    for entry in file.header.tensors where !entry.format.isFloatingPoint {
      unreadable[entry.name] =
        "its numbers are of type \(quoted(entry.dtype)); only F64, F32, F16 and BF16 are read"
    }
    self.unreadable = unreadable
  }

  /// The file's path.
  package var path: String { file.path }

  /// What a checkpoint says about its network.
  /// - Throws: `Failure` (badData) if that is invalid or inconsistent.
  package func described() throws(Failure) -> DescribedNetwork? {
    Self.isCheckpoint(file) ? try NetworkFile(file).described : nil
  }

  private static func isCheckpoint(_ file: SafetensorsFile) -> Bool {
    DescribedNetwork.isDescribed(by: file.header.metadata)
  }

  /// Reads the numbers of a tensor, and checks their checksum if the file is a checkpoint.
  /// - Throws: `Failure` (inputOutput, badData) if they cannot be read or are damaged.
  package func read(_ tensor: WeightTensor) throws(Failure) -> [Float] {
    let (entry, bytes) = try bytes(of: tensor)
    return entry.format.floats(bytes)
  }

  /// Counts the numbers of a tensor that 32 bits cannot hold.
  package func countTooLarge(_ tensor: WeightTensor) throws(Failure) -> Int {
    let (entry, bytes) = try bytes(of: tensor)
    return entry.format.countTooLarge(bytes)
  }

  private func bytes(
    of tensor: WeightTensor
  ) throws(Failure) -> (entry: TensorEntry, bytes: [UInt8]) {
    guard let entry = file.header.tensors.first(where: { $0.name == tensor.name }) else {
      throw Failure(.badData, "\(quoted(path)) holds no tensor \(quoted(tensor.name)).")
    }
    var bytes = [UInt8](repeating: 0, count: entry.bytes.count)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try file.readBytes(entry, into: buffer)
    }
    try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
      try digests?.check(entry, UnsafeRawBufferPointer(bytes), path: path)
    }
    return (entry, bytes)
  }
}

/// Files of weights from any program.
package enum WeightFile {
  /// The supported file endings, for help texts.
  package static let endings = ".safetensors, .npz, .caffemodel, .onnx"

  /// How the parts of a network in several files become one.
  static let joining =
    "Join them first, in Python: safetensors.torch.save_file({name: tensor for file in FILES for "
    + "name, tensor in safetensors.torch.load_file(file).items()}, 'whole.safetensors')."

  /// What to do about files that belong to a network and do not hold its weights, by their endings.
  private static let remedies: [(endings: [String], text: String)] = [
    ([".prototxt", ".solverstate"], "Give the .caffemodel that belongs to it."),
    ([".binaryproto"], "A mean image is given with --mean, beside the .caffemodel."),
    ([".index.json"], "It lists the parts of a network. " + joining),
    ([".onnx.data", ".onnx_data"], "Give the .onnx file beside it, and keep both together."),
    ([".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip", ".7z"], "Unpack it first."),
  ]

  /// Opens a file according to its ending.
  /// - Throws: `Failure` (usage) for another ending, (inputMissing, badData) if the file is not of
  ///   the kind that its ending says.
  package static func open(_ path: String) throws(Failure) -> any WeightSource {
    do throws(Failure) {
      return try source(path)
    } catch {
      // What was downloaded may be something else than the file.
      guard error.exitCode == .badData, let what = ForeignFile.contents(of: path) else {
        throw error
      }
      throw Failure(.badData, "\(quoted(path)) \(what)")
    }
  }

  private static func source(_ path: String) throws(Failure) -> any WeightSource {
    let name = path.lowercased()
    if name.hasSuffix(".safetensors") {
      return try SafetensorsWeights(SafetensorsFile(opening: path))
    }
    if name.hasSuffix(".npz") { return try NumPyArchive(opening: path) }
    if name.hasSuffix(".caffemodel") { return try CaffeModel(opening: path) }
    if name.hasSuffix(".onnx") { return try ONNXModel(opening: path) }
    // Reading a pickled file can execute code in it.
    guard ForeignFile.needsConverter(path) else {
      let remedy = remedies.first { remedy in
        remedy.endings.contains { name.hasSuffix($0) }
      }
      throw Failure(
        .usage,
        "\(quoted(path)) is not a file of weights by its name; \(endings) are read. "
          + (remedy?.text ?? "Save the network as ONNX with the program that wrote it."))
    }
    if let other = ForeignFile.otherFormat(path) {
      throw Failure(.usage, "\(quoted(path)) is in HDF5, which is not read. \(other)")
    }
    throw Failure(
      .usage,
      "\(quoted(path)) cannot be read directly: files of PyTorch, Keras, TensorFlow, MatConvNet "
        + "and pickled ones need the programs that wrote them, or can run code when read. Convert "
        + "it to safetensors first: python3 \(ForeignFile.converter) \(shellWord(path)) "
        + "weights.safetensors.")
  }
}
