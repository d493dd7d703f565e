public import AlexNet
import CProtobuf
public import Failures
import JSON

/// The network in an .onnx file: one layer after the other from the pictures to the probabilities.
public final class ONNXModel: WeightSource {
  /// Where the file is.
  public let path: String
  /// The constants of floating-point numbers, in the order of the file.
  public let tensors: [WeightTensor]
  /// Why other constants cannot be read, by their names.
  public let unreadable: [String: String]
  /// The layers, in their order; nil where the file is one of ours.
  public let layers: [FileLayer]?
  /// What the graph's input says.
  public let pictures: FilePictures

  private let message: MessageFile<Onnx__Model>
  private let constants: [String: ONNXTensor]
  /// What the file says of the network, where it is one of ours.
  private let texts: [String: String]?

  /// Opens a file.
  /// - Throws: `Failure` (inputMissing) where it cannot be opened, (badData) where it is no model, or a constant is
  ///   not as long as its shape says.
  public init(opening path: String) throws(Failure) {
    self.path = path
    message = try MessageFile(
      path, "an .onnx model", unpack: onnx__model__unpack,
      release: onnx__model__free_unpacked)
    let model = message.pointer.pointee
    guard let graph = model.graph?.pointee, graph.n_node > 0 else {
      throw Failure(.badData, "\(quoted(path)) is not an .onnx model: it holds no graph.")
    }
    var chain = ONNXChain(graph)
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
    // An export of ours describes its network itself, and has our names.
    let shapes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
    layers = texts == nil ? chain.layers { shapes[$0] } : nil
    self.tensors = tensors
    self.unreadable = unreadable
    self.constants = constants
    var pictures = FilePictures()
    pictures.side = chain.side
    self.pictures = pictures
  }

  /// What an export of ours says of its network.
  /// - Throws: `Failure` (badData) where that is not understood or its parts do not fit together.
  public func described() throws(Failure) -> DescribedNetwork? {
    guard let texts else { return nil }
    try DescribedNetwork.checkFormat(texts, of: path)
    // The mean image is one of the texts.
    return try DescribedNetwork(texts, from: path) { _ throws(Failure) in nil }
  }

  /// Reads the numbers of a constant.
  /// - Throws: `Failure` (badData) where there is none of that name, (inputMissing, inputOutput) where its numbers are
  ///   in another file that cannot be read.
  public func read(_ tensor: WeightTensor) throws(Failure) -> [Float] {
    guard let constant = constants[tensor.name] else {
      throw Failure(.badData, "\(quoted(path)) holds no tensor \(quoted(tensor.name)).")
    }
    return try constant.values(beside: path)
  }
}
