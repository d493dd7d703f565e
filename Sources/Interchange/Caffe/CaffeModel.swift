import Networks
import CProtobuf
package import System

/// The network in a .caffemodel of Caffe: those of 2013, those before 2014 (`layers`) and the later ones (`layer`).
///
/// A layer's first blob are its weights and its second one its biases: `conv1.weight`, `conv1.bias`. The blobs of a
/// fully-connected layer had four dimensions in older formats; ones in front are left out.
package final class CaffeModel: WeightSource {
  /// The file's path.
  package let path: String
  /// What the file calls the network.
  package let name: String
  /// Which of Caffe's formats it is in, where that is not the newest.
  package let kind: String
  /// Names and shapes, in the order of the layers.
  package let tensors: [WeightTensor]
  /// The layers; nil if the file names no types.
  package let layers: [FileLayer]?
  /// What the data layer says of the pictures.
  package let pictures: FilePictures

  private let message: MessageFile<Caffe__NetParameter>
  private let blobs: [CaffeBlob]

  /// Opens a file.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it holds no weights, a layer twice
  ///   or blobs that are not as long as their shapes say.
  package init(opening path: String) throws(Failure) {
    self.path = path
    message = try MessageFile(
      path, "a .caffemodel", unpack: caffe__net_parameter__unpack,
      release: caffe__net_parameter__free_unpacked)
    let net = message.pointer.pointee
    name = text(net.name)
    let all = CaffeLayers(net)
    guard all.layers.contains(where: { !$0.blobs.isEmpty }) else {
      throw Failure(
        .badData,
        "\(quoted(path)) holds no layer with weights; name a .caffemodel, not a .prototxt or a solver's state."
      )
    }
    var tensors: [WeightTensor] = []
    var found: [CaffeBlob] = []
    var names: Set<String> = []
    for layer in all.layers where !layer.blobs.isEmpty {
      guard names.insert(layer.name).inserted else {
        throw Failure(
          .badData, "\(quoted(path)) holds two layers \(quoted(layer.name)); it is damaged.")
      }
      for (place, blob) in layer.blobs.enumerated() {
        let name = layer.name + (place == 0 ? ".weight" : place == 1 ? ".bias" : ".\(place)")
        let blob = try CaffeBlob(blob, name, path)
        tensors.append(WeightTensor(name: name, shape: blob.shape))
        found.append(blob)
      }
    }
    self.tensors = tensors
    blobs = found
    pictures = all.pictures
    kind = all.kind
    layers = all.described { layer, part in
      tensors.first { $0.name == "\(layer).\(part)" }
    }
  }

  /// Reads the numbers of a blob.
  /// - Throws: `Failure` (badData) if there is none of that name.
  package func read(_ tensor: WeightTensor) throws(Failure) -> [Float] {
    guard let place = tensors.firstIndex(of: tensor) else {
      throw Failure(.badData, "\(quoted(path)) holds no tensor \(quoted(tensor.name)).")
    }
    return blobs[place].values
  }
}

/// The mean image in a .binaryproto of Caffe.
package enum CaffeMean {
  /// Reads the mean image as rows x columns x R, G, B, in 0...255: Caffe keeps B, G, R, map after map.
  /// - Throws: `Failure` (inputMissing, badData) if there is none, or not of `side` x `side` pixels.
  package static func read(_ path: String, side: Int) throws(Failure) -> [Float] {
    let message = try MessageFile(
      path, "a .binaryproto", unpack: caffe__blob_proto__unpack,
      release: caffe__blob_proto__free_unpacked)
    let blob = try CaffeBlob(message.pointer.pointee, "mean", path)
    guard blob.shape == [3, side, side] else {
      throw Failure(
        .badData,
        "The mean in \(quoted(path)) has the shape \(blob.shape); [3, \(side), \(side)] is expected, maps of B, G "
          + "and R.")
    }
    let values = blob.values
    let area = side * side
    return (0..<area).flatMap { pixel in (0..<3).map { values[(2 - $0) * area + pixel] } }
  }
}
