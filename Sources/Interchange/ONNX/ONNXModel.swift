import CProtobuf
package import Checkpoints
import JSON
import Networks
package import System

/// The network in an .onnx file: a chain of layers from the input to the probabilities.
package final class ONNXModel: WeightSource {
  /// The file's path.
  package let path: String
  /// The floating-point constants, in the order of the file.
  package let tensors: [WeightTensor]
  /// Why other constants cannot be read, by name.
  package let unreadable: [String: String]
  /// The layers in order; nil if the file is one of ours.
  package let layers: [FileLayer]?
  /// What the graph's input says about the pictures.
  package let pictures: FilePictures

  private let message: MessageFile<Onnx__Model>
  private let constants: [String: ONNXTensor]
  /// The constants that make up a tensor, if there are several: a layer whose towers are computed
  /// separately.
  private let pieces: [String: [String]]
  /// What the file says about the network, if it is one of ours.
  private let texts: [String: String]?

  /// Opens a file.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is not a model, or
  ///   a constant's length differs from its shape.
  package init(opening path: String) throws(Failure) {
    self.path = path
    message = try MessageFile(
      path, "an .onnx model", unpack: onnx__model__unpack,
      release: onnx__model__free_unpacked)
    let model = message.pointer.pointee
    guard let graph = model.graph?.pointee, graph.n_node > 0 else {
      throw Failure(.badData, "\(quoted(path)) is not an .onnx model: it holds no graph.")
    }
    // Without one it is the first.
    let operators = list(model.opset_import, model.n_opset_import).first {
      ["", "ai.onnx"].contains(text($0.domain))
    }
    let chain = ONNXChain(graph, version: operators.map { Int($0.version) } ?? 1)
    var constants: [String: ONNXTensor] = [:]
    var tensors: [WeightTensor] = []
    var unreadable: [String: String] = [:]
    for (name, tensor) in chain.constants {
      let tensor = try ONNXTensor(tensor, name, path)
      if let reason = tensor.problem {
        unreadable[name] = reason
      } else {
        constants[name] = tensor
        tensors.append(WeightTensor(name: name, shape: tensor.shape))
      }
    }
    let own = list(model.metadata_props, model.n_metadata_props).first {
      text($0.key) == "alexnet-train"
    }
    texts = try own.map { own throws(Failure) in
      try JSONText.decode([String: String].self, text(own.value), from: path)
    }
    // An exported file describes its network itself, and has our names; its other constants belong
    // to the graph.
    if let texts {
      try DescribedNetwork.checkFormat(texts, of: path)
      let described = try DescribedNetwork(texts, from: path) { _ throws(Failure) in nil }
      try Self.check(chain, is: described, path)
      let network = described.network
      (tensors, pieces) = Self.tensors(of: network, in: tensors)
      // Lists that belong to the graph.
      let names = Set(network.tensors.flatMap { [$0.name, $0.layerName] })
      unreadable = unreadable.filter { names.contains($0.key) }
      layers = nil
    } else {
      pieces = [:]
      layers = chain.layers(
        readable: Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) }),
        unreadable: unreadable)
    }
    self.tensors = tensors
    self.unreadable = unreadable
    self.constants = constants
    var pictures = FilePictures()
    // A graph that crops pictures itself takes whole pictures.
    if texts == nil { pictures.note(sides: chain.sides) }
    self.pictures = pictures
  }

  /// Checks that the graph of an exported file is still the one that was written for its network.
  private static func check(
    _ chain: ONNXChain, is described: DescribedNetwork, _ path: String
  ) throws(Failure) {
    let written = try ONNXExport.graph(
      described.network, described.preprocessing, isInside: chain.readsBytes
    ) { _, _ in
      // The numbers of weights are not compared.
      []
    }
    let difference = withExtendedLifetime(written) {
      var comparison = ONNXGraphComparison(written.listing, chain.listing, path: path)
      return comparison.difference()
    }
    guard let difference else { return }
    throw Failure(
      .badData,
      "\(quoted(path)) was changed after it was exported, and its graph is not the network that its "
        + "metadata describe: \(difference). Export the network again; or, to import the graph as it "
        + "is, remove the entry 'alexnet-train' from the metadata and give --network.")
  }

  /// A network's tensors among the constants of an exported file.
  private static func tensors(
    of network: NetworkSpecification, in constants: [WeightTensor]
  ) -> (tensors: [WeightTensor], pieces: [String: [String]]) {
    let known = Dictionary(uniqueKeysWithValues: constants.map { ($0.name, $0) })
    var (tensors, pieces): ([WeightTensor], [String: [String]]) = ([], [:])
    for tensor in network.tensors {
      if let whole = known[tensor.name] {
        tensors.append(whole)
        continue
      }
      let part = tensor.layerName.dropFirst(tensor.layer.count)
      let parts = (0..<network.towers).compactMap { known["\(tensor.layer).tower\($0)\(part)"] }
      guard let first = parts.first, parts.count == network.towers,
        parts.allSatisfy({
          !$0.shape.isEmpty && $0.shape.dropFirst() == first.shape.dropFirst()
        })
      else { continue }
      let rows = parts.reduce(0) { $0 + ($1.shape.first ?? 0) }
      tensors.append(
        WeightTensor(name: tensor.name, shape: [rows] + first.shape.dropFirst()))
      pieces[tensor.name] = parts.map(\.name)
    }
    return (tensors, pieces)
  }

  /// What an exported file says about its network.
  /// - Throws: `Failure` (badData) if that is invalid or inconsistent.
  package func described() throws(Failure) -> DescribedNetwork? {
    guard let texts else { return nil }
    // The mean image is one of the strings.
    return try DescribedNetwork(texts, from: path) { _ throws(Failure) in nil }
  }

  /// Reads the numbers of a constant.
  /// - Throws: `Failure` (badData) if there is none with this name, (inputMissing, inputOutput) if
  ///   its numbers are in another file that cannot be read.
  package func read(_ tensor: WeightTensor) throws(Failure) -> [Float] {
    if let pieces = pieces[tensor.name] {
      var values: [Float] = []
      for name in pieces { values += try constants[name]?.values(beside: path) ?? [] }
      return values
    }
    guard let constant = constants[tensor.name] else {
      throw Failure(.badData, "\(quoted(path)) holds no tensor \(quoted(tensor.name)).")
    }
    return try constant.values(beside: path)
  }

  /// Counts the numbers of a constant that 32 bits cannot hold.
  package func countTooLarge(_ tensor: WeightTensor) throws(Failure) -> Int {
    var count = 0
    for name in pieces[tensor.name] ?? [tensor.name] {
      count += try constants[name]?.countTooLarge(beside: path) ?? 0
    }
    return count
  }
}
