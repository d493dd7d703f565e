import AlexNet
import CProtobuf
public import Failures
import Foundation

/// The network in an .onnx file: one layer after the other from the pictures to the probabilities.
public final class ONNXModel: WeightSource {
  /// Where the file is.
  public let path: String
  /// The constants of floating-point numbers, in the order of the file.
  public let tensors: [WeightTensor]
  /// Why other constants cannot be read, by their names.
  public let unreadable: [String: String]
  /// The layers, in their order.
  public let layers: [FileLayer]?
  /// What the graph's input, and the metadata of this program's own files, say.
  public let pictures: FilePictures

  private let message: MessageFile<OnnxWeights__Model>
  private let constants: [String: ONNXTensor]

  /// Opens a file.
  /// - Throws: `Failure` (inputMissing) where it cannot be opened, (badData) where it is no model, or a constant is
  ///   not as long as its shape says.
  public init(opening path: String) throws(Failure) {
    self.path = path
    message = try MessageFile(
      path, "an .onnx model", unpack: onnx_weights__model__unpack,
      release: onnx_weights__model__free_unpacked)
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
    let shapes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
    layers = chain.layers { shapes[$0] }
    self.tensors = tensors
    self.unreadable = unreadable
    self.constants = constants
    var pictures = FilePictures()
    pictures.side = chain.side
    if text(model.producer_name) == "alexnet-train" {
      for entry in list(model.metadata_props, model.n_metadata_props) {
        Self.note(text(entry.key), text(entry.value), &pictures)
      }
    }
    self.pictures = pictures
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

  /// What the metadata of this program's own exports say.
  private static func note(_ key: String, _ value: String, _ pictures: inout FilePictures) {
    struct Description: Decodable {
      let input: String
      let channelOrder: Preprocessing.ChannelOrder
      let factors: [Float]
      let mean: [Float]
      let meanFile: String?
    }
    let data = Data(value.utf8)
    if key == "classes" {
      pictures.classNames = try? JSONDecoder().decode([String].self, from: data)
    }
    guard key == "preprocessing",
      let how = try? JSONDecoder().decode(Description.self, from: data), how.input == "input",
      how.factors.count == 3, how.mean.count == 3
    else { return }
    pictures.channelOrder = how.channelOrder
    pictures.factors = how.factors
    pictures.meanColour = how.mean
    pictures.meanFile = how.meanFile
  }
}
