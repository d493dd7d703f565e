import Layers
import Networks
import System

/// Compares the layers described by a file with those of a network: their kinds, order and
/// settings.
///
/// Numbers of kernels are compared through the shapes of the weights. A dropout that does nothing
/// at test is ignored on both sides.
struct LayerComparison {
  /// The file's layer for each layer of the network that has weights, by the network's layer names.
  let layers: [String: FileLayer]

  /// Compares the two.
  /// - Parameters:
  ///   - source: The file, for messages.
  ///   - found: Its layers.
  ///   - network: The network.
  ///   - reset: Layers of the network that use nothing from the file.
  /// - Throws: `Failure` (badData) that names the first layer that differs, and presets that agree
  ///   with the file.
  init(
    _ source: any WeightSource, _ found: [FileLayer], with network: NetworkSpecification,
    but reset: Set<String> = []
  ) throws(Failure) {
    let expected = Self.expected(network)
    for (place, layer) in found.enumerated() {
      guard case .unreadable(let reason) = layer.kind,
        !(place < expected.count && reset.contains(expected[place].layer.name))
      else { continue }
      throw Failure(.badData, "\(quoted(source.path)): \(reason).")
    }
    switch Self.pairs(found, network, but: reset) {
    case .success(let layers): self.layers = layers
    case .failure(let difference):
      let fitting = NetworkSpecification.presetNames.filter { name in
        RecipeName.allCases.contains { recipe in
          guard
            let preset = NetworkSpecification.preset(name, classes: 1000, recipe: recipe)?
              .reading(side: source.pictures.side),
            case .success = Self.pairs(found, preset, but: [])
          else { return false }
          return true
        }
      }
      throw Failure(
        .badData,
        quoted(source.path) + (source.kind.isEmpty ? "" : ", \(source.kind),")
          + " does not match the network \(quoted(network.name)): \(difference.text). "
          + (fitting.isEmpty
            ? Self.remedy(found)
            : "Its layers are those of --network \(fitting.joined(separator: ", "))."))
    }
  }

  private struct Difference: Error {
    let text: String
  }

  /// The network's layers that do something at test.
  private static func expected(_ network: NetworkSpecification) -> [LayerShape] {
    network.shapes(ofTower: 0).filter { !$0.layer.traits.isIdentityAtTest }
  }

  private static func pairs(
    _ found: [FileLayer], _ network: NetworkSpecification, but reset: Set<String>
  ) -> Result<[String: FileLayer], Difference> {
    let expected = expected(network)
    var pairs: [String: FileLayer] = [:]
    for place in 0..<max(expected.count, found.count) {
      guard place < expected.count else {
        // A last layer that starts anew stands for whatever the file ends in.
        if let last = expected.last, reset.contains(last.layer.name) { break }
        return .failure(
          Difference(
            text:
              "its layer \(quoted(found[place].name)) (\(describe(found[place].kind))) comes after "
              + "\(quoted(expected[place - 1].layer.name)), the network's last"))
      }
      let shape = expected[place]
      guard place < found.count else {
        return .failure(
          Difference(
            text: "it has no layer for \(quoted(shape.layer.name)) (\(describe(shape, network)))"))
      }
      let layer = found[place]
      guard agree(layer.kind, shape, network) else {
        if reset.contains(shape.layer.name) { continue }
        return .failure(
          Difference(
            text:
              "its layer \(quoted(layer.name)) is \(describe(layer.kind, shape)), but in its place "
              + "the network's \(quoted(shape.layer.name)) is \(describe(shape, network))"))
      }
      if shape.layer.hasWeights { pairs[shape.layer.name] = layer }
    }
    return .success(pairs)
  }

  private static func agree(
    _ kind: FileLayer.Kind, _ shape: LayerShape, _ network: NetworkSpecification
  ) -> Bool {
    switch (shape.layer, kind) {
    case (.convolution(let layer), .convolution(let window, let groups)):
      return agree(window, layer.window, shape) && groups == self.groups(layer, shape, network)
    case (.fullyConnected(let layer), .fullyConnected):
      return readsAll(layer.reads, shape, network)
    case (.fullyConnected(let layer), .convolution(let window, let groups)):
      // With a window over the whole input, each kernel makes one neuron.
      let input = shape.inputs[0]
      return readsAll(layer.reads, shape, network) && groups == 1
        && input.height == input.width && (window.size ?? input.height) == input.height
        && window.padding == 0 && window.paddingAfter == 0
    case (.responseNormalization(let layer), .responseNormalization(let norm, let parts)):
      return norm.isNear(FileNorm(layer)) && parts == self.parts(shape, network)
    case (.spatialNormalization(let layer), .spatialNormalization(let norm)):
      return norm.isNear(FileNorm(layer))
    case (.maxPooling(let layer), .maxPooling(let window)):
      return agree(window, layer.window, shape)
    case (.averagePooling(let layer), .averagePooling(let window)):
      return agree(window, layer.window, shape)
    case (.dropout(let dropout), .scaling(let factor)):
      return abs(factor - (1 - dropout.probability)) < 1e-6
    default: return kind == self.kind(shape, network)
    }
  }

  /// Whether two windows cover the same pixels at each position; padding beyond the last position
  /// does not matter.
  private static func agree(_ found: FileWindow, _ window: Window, _ shape: LayerShape) -> Bool {
    let (height, width) = (shape.inputs[0].height, shape.inputs[0].width)
    return (found.size ?? (height == width ? height : 0)) == window.size
      && (found.stride == window.stride || shape.output.height == 1 && shape.output.width == 1)
      && found.padding == window.padding
      && found.places(over: height) == shape.output.height
      && found.places(over: width) == shape.output.width
  }

  /// The groups of a convolution of the whole network: towers that read only their own maps
  /// correspond to groups.
  private static func groups(
    _ layer: ConvolutionSpecification, _ shape: LayerShape, _ network: NetworkSpecification
  ) -> Int {
    readsAll(layer.reads, shape, network) ? layer.groups : network.towers * layer.groups
  }

  /// Whether every tower reads everything: the picture, or the maps of all towers.
  private static func readsAll(
    _ reads: Reads, _ shape: LayerShape, _ network: NetworkSpecification
  ) -> Bool {
    network.towers == 1 || reads == .all || network.readsPicture(shape.layer)
  }

  /// How many maps each tower has, if a normalisation runs within towers; empty if it runs across
  /// all maps.
  private static func parts(_ shape: LayerShape, _ network: NetworkSpecification) -> [Int] {
    guard network.towers > 1, !network.readsPicture(shape.layer),
      let place = network.layers.firstIndex(of: shape.layer)
    else { return [] }
    return (0..<network.towers).map { network.shapes(ofTower: $0)[place].output.maps }
  }

  /// What a file says of the layer that agrees.
  private static func kind(_ shape: LayerShape, _ network: NetworkSpecification) -> FileLayer.Kind {
    func window(_ window: Window) -> FileWindow {
      let input = shape.inputs[0].height
      let after = (shape.output.height - 1) * window.stride + window.size - input - window.padding
      return FileWindow(
        size: window.size, stride: window.stride, padding: window.padding,
        paddingAfter: max(0, after))
    }
    switch shape.layer {
    case .convolution(let layer):
      return .convolution(window(layer.window), groups: groups(layer, shape, network))
    case .fullyConnected: return .fullyConnected
    case .relu, .tanh: return .plain(type(of: shape.layer.traits).key)
    case .responseNormalization(let norm):
      return .responseNormalization(FileNorm(norm), parts: parts(shape, network))
    case .spatialNormalization(let norm): return .spatialNormalization(FileNorm(norm))
    case .maxPooling(let layer): return .maxPooling(window(layer.window))
    case .averagePooling(let layer): return .averagePooling(window(layer.window))
    case .dropout(let dropout): return .scaling(1 - dropout.probability)
    }
  }

  // MARK: Words

  /// What the network decides for a file of weights alone: networks that differ only in it have
  /// tensors of the same names and shapes.
  /// - Returns: A sentence; none if the file describes its layers.
  static func decisions(
    of network: NetworkSpecification, for source: any WeightSource
  ) throws(Failure) -> [String] {
    guard source.layers == nil, try source.described() == nil else { return [] }
    let layers = expected(network).filter { !$0.layer.hasWeights }.map { shape -> String in
      switch shape.layer {
      case .responseNormalization, .spatialNormalization, .dropout:
        "\(shape.layer.name) (\(describe(shape, network)))"
      default: shape.layer.name
      }
    }
    guard !layers.isEmpty else { return [] }
    return [
      "\(quoted(source.path)) holds weights alone; the layers between them are those of the "
        + "network \(quoted(network.name)): \(layers.joined(separator: ", "))."
    ]
  }

  private static func describe(_ kind: FileLayer.Kind, _ shape: LayerShape? = nil) -> String {
    func text(_ window: FileWindow) -> String {
      let size = window.size.map { "\($0)x\($0)" } ?? "whole-map"
      let padding =
        window.padding == window.paddingAfter
        ? "\(window.padding)" : "\(window.padding) and \(window.paddingAfter)"
      let places = shape.map { shape in
        let (rows, columns) = (
          window.places(over: shape.inputs[0].height), window.places(over: shape.inputs[0].width)
        )
        return " (\(rows)x\(columns) of \(shape.inputs[0].height)x\(shape.inputs[0].width) pixels)"
      }
      return "\(size), stride \(window.stride), padding \(padding)\(places ?? "")"
    }
    func text(_ norm: FileNorm) -> String {
      "size \(norm.size), alpha \(short(norm.scale)) a square, beta \(short(norm.exponent)), k "
        + "\(short(norm.constant))"
    }
    switch kind {
    case .convolution(let window, let groups):
      return ConvolutionSpecification.title
        + " \(text(window)), \(counted(groups, "group", "groups"))"
    case .fullyConnected: return FullyConnectedSpecification.title
    case .plain(let key):
      return LayerSpecification.types.first { $0.key == key }?.title ?? quoted(key)
    case .responseNormalization(let norm, let parts):
      return ResponseNormalizationSpecification.title + " of \(text(norm)), across "
        + (parts.isEmpty
          ? "all maps"
          : "the maps of each of \(parts.count) towers "
            + "(\(parts.map(String.init).joined(separator: ", ")))")
    case .spatialNormalization(let norm):
      return SpatialNormalizationSpecification.title + " of \(text(norm))"
    case .maxPooling(let window): return MaxPoolingSpecification.title + " \(text(window))"
    case .averagePooling(let window): return AveragePoolingSpecification.title + " \(text(window))"
    case .scaling(let factor):
      return DropoutSpecification.title + " that multiplies by \(short(factor)) at test"
    case .other(let word): return "a \(quoted(word)), which is not supported"
    case .branch(let type, let reads):
      let word = reads.isEmpty ? type : "\(type) of \(reads.joined(separator: ", "))"
      return "a \(quoted(word)), which is not supported"
    case .unreadable: return "a layer that cannot be read"
    }
  }

  private static func describe(_ shape: LayerShape, _ network: NetworkSpecification) -> String {
    describe(kind(shape, network), shape)
  }

  /// A number rounded to the digits that `isNear` compares, fewer than 32 bits hold.
  private static func short(_ number: Double) -> String { plain(number, digits: 6) }
}

extension NetworkSpecification {
  /// The network for crops of another side, as a file may need.
  ///
  /// The network is unchanged if the file gives no side or one larger than the pictures.
  func reading(side: Int?) -> NetworkSpecification {
    guard let side, side > 0, side != inputSide, side <= imageSide else { return self }
    var changed = self
    changed.inputSide = side
    return changed
  }
}
