package import Checkpoints
import Foundation
import Images
import JSON
import Layers
import Networks
import Safetensors
package import System

/// Writes a trained network as an ONNX model, which many programs can run.
///
/// The input is `input`, images x 3 x side x side, or with the preprocessing inside `pixels`,
/// images x image side x image side x 3 bytes; the outputs are `logits` and `probabilities`, images
/// x classes. The number of images is variable. The metadata hold the classes, the preprocessing
/// and the network description.
package enum ONNXExport {
  /// Writes the network of a checkpoint.
  /// - Parameters:
  ///   - file: The checkpoint.
  ///   - path: The file to write. A mean image that is not in the model goes into
  ///     `<path>.mean.npy`.
  ///   - hasPreprocessingInside: Whether crop, mean and channel order are part of the graph.
  /// - Throws: `Failure` (badData) if the checkpoint lacks a tensor, (usage) if ONNX cannot express
  ///   or hold the network, (cannotCreate, inputOutput) if the file cannot be written.
  package static func write(
    _ file: NetworkFile, to path: String, hasPreprocessingInside: Bool
  ) throws(Failure) {
    let network = file.network
    let preprocessing = ONNXPreprocessing(network, file.preprocessing)
    var graph = try graph(
      network, file.preprocessing, isInside: hasPreprocessingInside
    ) { name, shape throws(Failure) in
      try file.file.elements(of: file.file.entry(name, .float32, shape: shape))
    }
    let meanPath = path + ".mean.npy"
    let needsMeanFile = !hasPreprocessingInside && !preprocessing.hasEqualPixels
    guard !needsMeanFile || OutputPlace.isFile(path) else {
      throw Failure(
        .usage,
        "\(quoted(path)) is not a file, so the mean image cannot be written next to it; name a "
          + "file, or add --preprocessing inside.")
    }
    let description = preprocessing.description(
      isInside: hasPreprocessingInside,
      meanFile: needsMeanFile ? URL(fileURLWithPath: meanPath).lastPathComponent : nil)
    graph.note("classes", JSONText.encode(file.preprocessing.classNames, isPretty: false))
    graph.note("preprocessing", JSONText.encode(description, isPretty: false))
    graph.note("network", JSONText.encode(network, isPretty: false))
    // What the network needs but the graph does not: the mean of other crops, which part of it is
    // subtracted, the channel order.
    let texts = DescribedNetwork.texts(network, file.preprocessing, hasMean: true)
    graph.note("alexnet-train", JSONText.encode(texts, isPretty: false))
    // Both files are complete before either gets its name.
    let mean = needsMeanFile ? try preprocessing.meanFile(meanPath) : nil
    let model = try graph.file(
      path, name: network.name,
      description: "\(network.name) of alexnet-train, \(network.classes) classes. "
        + description.sentence)
    try mean?.finish()
    do throws(Failure) { try model.publish() } catch {
      if mean != nil { unlink(meanPath) }
      throw error
    }
  }

  /// The graph of a network, without metadata.
  /// - Parameters:
  ///   - network: The network.
  ///   - preprocessing: How it reads pictures.
  ///   - isInside: Whether crop, mean and channel order are part of the graph.
  ///   - values: Returns the numbers of a tensor by its name and shape; none where only the graph
  ///     is wanted.
  /// - Returns: The graph, whose outputs are `logits` and `probabilities`.
  /// - Throws: What `values` throws.
  static func graph(
    _ network: NetworkSpecification, _ preprocessing: Preprocessing, isInside: Bool,
    _ values: @escaping ONNXLayers.Values
  ) throws(Failure) -> ONNXGraph {
    var layers = ONNXLayers(network, values)
    let input = ONNXPreprocessing(network, preprocessing).addInput(
      to: &layers.graph, isInside: isInside)
    let logits = try layers.add(from: input)
    // A Flatten of rows changes nothing. An Identity, or a softmax directly after the output, makes
    // converters of types and versions fail (onnxconverter-common, onnx.version_converter).
    let isNamed = logits == "logits"
    layers.graph.output(
      isNamed
        ? logits : layers.graph.add("Flatten", [logits], name: "logits", [("axis", .int(1))]),
      [network.classes])
    layers.graph.output(
      layers.graph.add("Softmax", [logits], name: "probabilities", [("axis", .int(1))]),
      [network.classes])
    return layers.graph
  }
}

/// The steps from a picture to the input of an exported network.
struct ONNXPreprocessing {
  private let network: NetworkSpecification
  private let preprocessing: Preprocessing
  /// The mean of the centre crop, R, G, B x rows x columns.
  private let mean: [Float]

  init(_ network: NetworkSpecification, _ preprocessing: Preprocessing) {
    self.network = network
    self.preprocessing = preprocessing
    let (side, inputSide) = (network.imageSide, network.inputSide)
    let start = (side - inputSide) / 2
    let whole = preprocessing.mean
    mean = (0..<3).flatMap { map in
      (0..<inputSide).flatMap { row in
        (0..<inputSide).map { column in
          whole[((start + row) * side + start + column) * 3 + map]
        }
      }
    }
  }

  /// Whether the mean image has only one colour.
  var hasEqualPixels: Bool {
    let area = network.inputSide * network.inputSide
    return (0..<3).allSatisfy { map in
      mean[map * area..<(map + 1) * area].allSatisfy { $0 == mean[map * area] }
    }
  }

  /// Adds the graph's input and the preprocessing; returns what the first layer reads.
  func addInput(to graph: inout ONNXGraph, isInside: Bool) -> String {
    let (side, inputSide) = (network.imageSide, network.inputSide)
    guard isInside else {
      return graph.input("input", ofBytes: false, [3, inputSide, inputSide])
    }
    let pixels = graph.input("pixels", ofBytes: true, [side, side, 3])
    let float = Int(ONNXElementType.float32.rawValue)
    var input = graph.add("Cast", [pixels], name: "pixels.float", [("to", .int(float))])
    input = graph.add(
      "Transpose", [input], name: "pixels.maps", [("perm", .ints([0, 3, 1, 2]))])
    if side != inputSide {
      let start = (side - inputSide) / 2
      input = graph.add(
        "Slice",
        [
          input, graph.constant("crop.start", [start, start]),
          graph.constant("crop.end", [start + inputSide, start + inputSide]),
          graph.constant("crop.axes", [2, 3]),
        ], name: "crop")
    }
    input = graph.add(
      "Sub", [input, graph.constant("preprocessing.mean", [1, 3, inputSide, inputSide], mean)],
      name: "centred")
    if preprocessing.factors != [1, 1, 1] {
      let factors = graph.constant("preprocessing.factors", [1, 3, 1, 1], preprocessing.factors)
      input = graph.add("Mul", [input, factors], name: "scaled")
    }
    if preprocessing.channelOrder == .bgr {
      input = graph.add(
        "Gather", [input, graph.constant("preprocessing.order", [2, 1, 0])], name: "ordered",
        [("axis", .int(1))])
    }
    return input
  }

  /// The mean of the centre crop, maps x rows x columns, as a file that does not have its name yet.
  func meanFile(_ path: String) throws(Failure) -> NumPyWriter {
    let side = network.inputSide
    let file = try NumPyWriter(creating: path, shape: [3, side, side])
    try mean.withUnsafeBufferPointer { mean throws(Failure) in try file.append(mean) }
    return file
  }

  /// The contents of the model's metadata.
  struct Description: Encodable {
    let input: String
    let layout: String
    let imageSide: Int
    let inputSide: Int
    let crop: String
    let resizing: Resizing
    let channelOrder: String
    let range: [Double]
    /// The factors for R, G and B after the mean is subtracted.
    let factors: [Float]
    /// The mean of R, G and B over the crop.
    let mean: [Double]
    /// The file with the mean of each pixel, if that has to be subtracted.
    let meanFile: String?
    let sentence: String
  }

  func description(isInside: Bool, meanFile: String?) -> Description {
    let area = network.inputSide * network.inputSide
    let means = (0..<3).map { map in
      mean[map * area..<(map + 1) * area].reduce(0) { $0 + Double($1) } / Double(area)
    }
    let (side, inputSide) = (network.imageSide, network.inputSide)
    let square =
      preprocessing.resizing == .crop
      ? "scale a picture's shorter side to \(side) pixels and take the middle \(side)x\(side)"
      : "scale a picture to \(side)x\(side) pixels, whatever its shape"
    let order = preprocessing.channelOrder.rawValue
    let less = meanFile.map { "the mean image in \($0) (R, G, B)" } ?? "the mean R, G, B \(means)"
    let times = preprocessing.factors == [1, 1, 1] ? "" : ", times \(preprocessing.factors)"
    return Description(
      input: isInside ? "pixels" : "input", layout: isInside ? "NHWC" : "NCHW", imageSide: side,
      inputSide: inputSide, crop: "centre", resizing: preprocessing.resizing,
      channelOrder: isInside ? "RGB" : order,
      range: [0, 255],
      factors: preprocessing.factors, mean: means,
      meanFile: meanFile,
      sentence: isInside
        ? "Input: \(square) as bytes, RGB; the graph crops it and subtracts the mean."
        : "Input: \(square), of it the middle \(inputSide)x\(inputSide), from 0 to 255, less "
          + "\(less)\(times); maps in the order \(order). Where a window does not fit, zeros lie "
          + "beyond the right and bottom edge only (the ceil rule of the authors' code).")
  }
}
