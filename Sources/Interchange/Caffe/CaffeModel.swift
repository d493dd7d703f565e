import CProtobuf
import Networks
package import System

/// The network in a .caffemodel of Caffe, in the format of 2013, the one before 2014 (`layers`) or
/// the current one (`layer`).
///
/// A layer's first blob holds its weights and the second one its biases: `conv1.weight`,
/// `conv1.bias`. In older formats the blobs of a fully-connected layer have four dimensions;
/// leading ones are dropped.
package final class CaffeModel: WeightSource {
  /// The file's path.
  package let path: String
  /// The network's name in the file.
  package let name: String
  /// The name of the file's format, if it is not the newest.
  package let kind: String
  /// Names and shapes, in the order of the layers.
  package let tensors: [WeightTensor]
  /// The layers; nil if the file gives no types.
  package let layers: [FileLayer]?
  /// What the data layer says about the pictures.
  package let pictures: FilePictures

  private let message: MessageFile<Caffe__NetParameter>
  private let blobs: [CaffeBlob]
  /// Where each tensor is among `tensors`, by its name.
  private let places: [String: Int]

  /// Opens a file.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it holds no weights, a
  ///   layer twice or blobs that are not as long as their shapes say.
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
        "\(quoted(path)) holds no layer with weights; name a .caffemodel, not a .prototxt or "
          + ".solverstate file."
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
    // A layer's name is there once, and so are its blobs'.
    let places = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    self.tensors = tensors
    self.places = places
    blobs = found
    kind = all.kind
    (layers, pictures) = all.described { name in places[name].map { tensors[$0] } }
  }

  /// Reads the numbers of a blob.
  /// - Throws: `Failure` (badData) if there is no blob with this name.
  package func read(_ tensor: WeightTensor) throws(Failure) -> [Float] {
    try blob(tensor).values
  }

  /// Counts the numbers of a blob that 32 bits cannot hold.
  package func countTooLarge(_ tensor: WeightTensor) throws(Failure) -> Int {
    try blob(tensor).countTooLarge
  }

  private func blob(_ tensor: WeightTensor) throws(Failure) -> CaffeBlob {
    guard let place = places[tensor.name] else {
      throw Failure(.badData, "\(quoted(path)) holds no tensor \(quoted(tensor.name)).")
    }
    return blobs[place]
  }
}

/// Reads the mean image in a Caffe .binaryproto.
package enum CaffeMean {
  /// Reads the mean image as rows x columns x R, G, B, from 0 to 255; Caffe stores B, G, R, map by
  /// map.
  /// - Throws: `Failure` (inputMissing, badData) if there is none, or it does not have `side` x
  ///   `side` pixels.
  package static func read(_ path: String, side: Int) throws(Failure) -> [Float] {
    let message = try MessageFile(
      path, "a .binaryproto", unpack: caffe__blob_proto__unpack,
      release: caffe__blob_proto__free_unpacked)
    let blob = try CaffeBlob(message.pointer.pointee, "mean", path)
    guard blob.shape == [3, side, side] else {
      let isSquare = blob.shape.count == 3 && blob.shape[0] == 3 && blob.shape[1] == blob.shape[2]
      throw Failure(
        .badData,
        "The mean in \(quoted(path)) has the shape \(blob.shape); [3, \(side), \(side)] is "
          + "expected, maps of B, G and R." + (isSquare ? sideRemedy(blob.shape[1]) : ""))
    }
    let values = blob.values
    let area = side * side
    return (0..<area).flatMap { pixel in (0..<3).map { values[(2 - $0) * area + pixel] } }
  }

  /// What to do about a mean image of another size, with a space in front.
  ///
  /// It has the size of the pictures that it is the mean of.
  package static func sideRemedy(_ side: Int) -> String {
    " If the network's pictures have \(side) pixels a side, give --image-side \(side)."
  }
}
