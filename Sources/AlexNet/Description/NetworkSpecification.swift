public import Failures
import Foundation
public import Layers
import ModelParallel

/// A whole network as data: from it every tool builds the network, and the checkpoint carries it.
public struct NetworkSpecification: Equatable, Sendable, Codable {
  /// What the network is called.
  public var name: String
  /// The towers that the kernels of every layer are split over.
  public var towers: Int
  /// The height and width of the images that the network reads, in pixels; they have three colours.
  public var inputSide: Int
  /// The height and width of prepared images, which `inputSide` is cropped from.
  public var imageSide: Int
  /// The classes that it tells apart.
  public var classes: Int
  /// The layers from the image to the logits; softmax follows the last one.
  public var layers: [LayerSpecification]

  /// Makes a network from its parts.
  public init(
    name: String, towers: Int, inputSide: Int, imageSide: Int, classes: Int,
    layers: [LayerSpecification]
  ) {
    self.name = name
    self.towers = towers
    self.inputSide = inputSide
    self.imageSide = imageSide
    self.classes = classes
    self.layers = layers
  }

  /// Reads a network from a JSON file of the user's.
  /// - Throws: `Failure` (inputMissing) where the file cannot be read, (badData) where it is no network.
  public init(contentsOf path: String) throws(Failure) {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw Failure(
        .inputMissing, "The network description \(quoted(path)) cannot be read; check the path.")
    }
    do {
      self = try JSONDecoder().decode(NetworkSpecification.self, from: data)
    } catch let error as DecodingError {
      throw Failure(
        .badData,
        "\(quoted(path)) does not describe a network: \(Self.explain(error)). "
          + "Docs/Architecture.md shows a description.")
    } catch {
      throw Failure(.badData, "\(quoted(path)) is not JSON that describes a network: \(error).")
    }
    try validate()
  }

  /// The network as JSON, every setting named, keys in order.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("A network is encodable.")
    }
    return String(decoding: data, as: UTF8.self)
  }

  private static func explain(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }
      return path.isEmpty ? "" : " at \(path.joined())"
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "'\(key.stringValue)' is missing\(place(context))"
    case .typeMismatch(let type, let context):
      return "a value of type \(type) is expected\(place(context))"
    case .valueNotFound(_, let context): return "a value is missing\(place(context))"
    case .dataCorrupted(let context): return "\(context.debugDescription)\(place(context))"
    @unknown default: return "\(error)"
    }
  }
}

/// What one layer reads and makes in one tower, and what it costs.
public struct LayerShape: Sendable {
  /// The layer.
  public let layer: LayerSpecification
  /// The maps that it reads: those of each tower where it reads all.
  public let inputs: [MapShape]
  /// The maps that it makes.
  public let output: MapShape
  /// The tower's kernels among those of the whole network; empty for layers without weights.
  public let kernels: Range<Int>
  /// Weights and biases of the tower.
  public let parameters: Int
  /// Multiplications with an addition for one image, in the tower.
  public let multiplications: Int
}

extension NetworkSpecification {
  /// The shapes of a tower's layers, from the image to the logits.
  ///
  /// The network must be valid; only `validate` asks before it is known, and refuses what comes out too large.
  public func shapes(ofTower tower: Int) -> [LayerShape] {
    var result: [LayerShape] = []
    var maps = [MapShape](
      repeating: MapShape(height: inputSide, width: inputSide, maps: 3), count: towers)
    for (index, layer) in layers.enumerated() {
      let inputs = layer.reads == .all && index > 0 ? maps : [maps[tower]]
      let outputs = (0..<towers).map { output(of: layer, from: maps[$0], tower: $0) }
      var (kernels, parameters, multiplications) = (0..<0, 0, 0)
      let read = inputs.reduce(0) { $0 + $1.maps }
      switch layer {
      case .convolution(let convolution):
        kernels = Placement.share(of: convolution.kernels, tower: tower, towers: towers)
        let length = convolution.window.size * convolution.window.size * read / convolution.groups
        parameters = Self.product(kernels.count, length + 1)
        multiplications = Self.product(outputs[tower].count, length)
      case .fullyConnected(let connected):
        kernels = Placement.share(of: connected.kernels, tower: tower, towers: towers)
        let length = inputs.reduce(0) { $0 + $1.count }
        parameters = Self.product(kernels.count, length + 1)
        multiplications = Self.product(kernels.count, length)
      default: break
      }
      result.append(
        LayerShape(
          layer: layer, inputs: inputs, output: outputs[tower], kernels: kernels,
          parameters: parameters, multiplications: multiplications))
      maps = outputs
    }
    return result
  }

  /// Weights and biases of all towers.
  public var parameterCount: Int {
    (0..<towers).reduce(0) { $0 + shapes(ofTower: $1).reduce(0) { $0 + $1.parameters } }
  }

  /// A side that no valid network has: more is not counted, so that a description cannot overflow.
  private static let longestSide = 1 << 15

  /// A product that stops at a number which no valid network comes near.
  private static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? 1 << 60 : min(product, 1 << 60)
  }

  private func output(of layer: LayerSpecification, from input: MapShape, tower: Int) -> MapShape {
    func slide(_ window: Window, _ maps: Int) -> MapShape {
      MapShape(
        height: min(window.places(over: input.height), Self.longestSide),
        width: min(window.places(over: input.width), Self.longestSide), maps: maps)
    }
    switch layer {
    case .convolution(let layer):
      let kernels = Placement.share(of: layer.kernels, tower: tower, towers: towers)
      return slide(layer.window, kernels.count)
    case .fullyConnected(let layer):
      let kernels = Placement.share(of: layer.kernels, tower: tower, towers: towers)
      return MapShape(height: 1, width: 1, maps: kernels.count)
    case .maxPooling(let layer), .averagePooling(let layer): return slide(layer.window, input.maps)
    case .relu, .tanh, .responseNormalization, .spatialNormalization, .dropout: return input
    }
  }
}
