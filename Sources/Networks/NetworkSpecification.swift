import JSON
package import System

/// A whole network as data: from it every tool builds the network, and the checkpoint carries it.
package struct NetworkSpecification: Equatable, Sendable, Codable {
  /// What the network is called.
  package var name: String
  /// The towers that the kernels of every layer are split over.
  package var towers: Int
  /// The height and width of the images that the network reads, in pixels; they have three colours.
  package var inputSide: Int
  /// The height and width of prepared images, which `inputSide` is cropped from.
  package var imageSide: Int
  /// The classes that it tells apart.
  package var classes: Int
  /// The layers from the image to the logits; softmax follows the last one.
  package var layers: [LayerSpecification]
  /// How pixels become its input; nil for the paper's way, RGB from 0 to 255 less the mean image.
  package var preprocessing: PixelScaling?

  /// Makes a network from its parts.
  package init(
    name: String, towers: Int, inputSide: Int, imageSide: Int, classes: Int,
    layers: [LayerSpecification], preprocessing: PixelScaling? = nil
  ) {
    self.name = name
    self.towers = towers
    self.inputSide = inputSide
    self.imageSide = imageSide
    self.classes = classes
    self.layers = layers
    self.preprocessing = preprocessing
  }

  /// Whether a top-5 error says anything: of five classes none is further behind.
  package static func hasTop5Error(classes: Int) -> Bool { classes > 5 }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case name, towers, inputSide, imageSide, classes, layers, preprocessing
  }

  /// Reads a network from its JSON object.
  package init(from decoder: any Decoder) throws {
    try AnyKey.check(decoder, CodingKeys.allCases.map(\.rawValue), "a network")
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try values.decode(String.self, forKey: .name),
      towers: try values.decode(Int.self, forKey: .towers),
      inputSide: try values.decode(Int.self, forKey: .inputSide),
      imageSide: try values.decode(Int.self, forKey: .imageSide),
      classes: try values.decode(Int.self, forKey: .classes),
      layers: try values.decode([LayerSpecification].self, forKey: .layers),
      preprocessing: try values.decodeIfPresent(PixelScaling.self, forKey: .preprocessing))
  }

  /// Reads a network from a JSON file of the user's.
  /// - Throws: `Failure` (inputMissing) where the file cannot be read, (badData) where it is no
  ///   network.
  package init(contentsOf path: String) throws(Failure) {
    let text = try RegularFile.contents(of: path, limit: JSONText.longestByHand)
    self = try JSONText.decode(
      NetworkSpecification.self, text, from: path,
      complaint: "does not describe a network as Docs/Architecture.md shows it")
    try validate()
  }

  /// The network as JSON, every setting named, keys in order.
  package var json: String {
    JSONText.encode(self)
  }
}

/// What one layer reads and makes in one tower, and what it costs.
package struct LayerShape: Sendable {
  /// The layer.
  package let layer: LayerSpecification
  /// The towers whose maps it reads, in ascending order; its own alone where it reads the image.
  package let reads: [Int]
  /// The maps that it reads of each of them.
  package let inputs: [MapShape]
  /// The maps that it makes.
  package let output: MapShape
  /// The tower's kernels among those of the whole network; empty for layers without weights.
  package let kernels: Range<Int>
  /// Weights and biases of the tower.
  package let parameters: Int
  /// Multiplications with an addition for one image, in the tower.
  package let multiplications: Int
}

extension NetworkSpecification {
  /// The place of a layer.
  /// - Throws: `Failure` (usage) that lists the layers if there is none of this name.
  package func place(ofLayer name: String) throws(Failure) -> Int {
    guard let place = layers.firstIndex(where: { $0.name == name }) else {
      throw Failure(
        .usage,
        "The network \(quoted(self.name)) has no layer \(quoted(name)); it has "
          + "\(layers.map(\.name).joined(separator: ", ")).")
    }
    return place
  }

  /// Whether a layer reads the picture, the same for all towers: no layer with weights stands in
  /// front of it.
  package func readsPicture(_ layer: LayerSpecification) -> Bool {
    !layers.prefix { $0 != layer }.contains(where: \.hasWeights)
  }

  /// The shapes of a tower's layers, from the image to the logits.
  ///
  /// The network must be valid; only `validate` asks before it is known, and refuses what comes out
  /// too large.
  package func shapes(ofTower tower: Int) -> [LayerShape] {
    let image = MapShape(height: inputSide, width: inputSide, maps: 3)
    return shapes(
      of: 0..<layers.count, part: tower, parts: towers,
      from: [MapShape](repeating: image, count: towers))
  }

  /// The layers that can be spread over the ranks of all replicas: from the first fully-connected
  /// one that reads all towers to the last, where nothing else is in between; nil where there are
  /// none.
  package var fullyConnectedPart: Range<Int>? {
    let first = layers.firstIndex { $0.weights?.isFullyConnected == true && $0.reads == .all }
    guard let first, first > 0 else { return nil }
    let isUniform = layers[first...].allSatisfy { layer in
      layer.weights.map { $0.isFullyConnected && $0.reads == .all }
        ?? layer.traits.worksOnEachNeuronAlone
    }
    return isUniform ? first..<layers.count : nil
  }

  /// The neurons of the smallest layer of `fullyConnectedPart`: it cannot be cut into more parts.
  package var fewestNeurons: Int {
    layers[fullyConnectedPart ?? 0..<0].compactMap { $0.weights?.kernels }.min() ?? .max
  }

  /// The shapes of one of `parts` parts of the layers of `fullyConnectedPart`.
  package func shapes(ofPart part: Int, parts: Int) -> [LayerShape] {
    guard let range = fullyConnectedPart else { return [] }
    let before = (0..<towers).map { shapes(ofTower: $0)[range.lowerBound - 1].output }
    return shapes(of: range, part: part, parts: parts, from: before)
  }

  /// The shapes of layers that are cut into parts, given the maps of each part (tower) before them.
  private func shapes(
    of range: Range<Int>, part: Int, parts: Int, from before: [MapShape]
  ) -> [LayerShape] {
    var result: [LayerShape] = []
    var maps = before
    for index in range {
      let layer = layers[index]
      let read = index > 0 ? layer.reads.towers(of: part, among: maps.count) : [part]
      let inputs = read.map { maps[$0] }
      // Where there are more parts than towers before, the first layer is fully connected: what it
      // makes does not depend on what it reads.
      let outputs = (0..<parts).map {
        layer.traits.output(
          of: maps[min($0, maps.count - 1)],
          kernels: layer.kernels(ofPart: $0, parts: parts).count)
      }
      let kernels = layer.kernels(ofPart: part, parts: parts)
      let kernel = layer.weights?.kernel(over: inputs)
      result.append(
        LayerShape(
          layer: layer, reads: read, inputs: inputs, output: outputs[part], kernels: kernels,
          parameters: kernel.map { Self.product(kernels.count, $0.length + 1) } ?? 0,
          multiplications: kernel.map { Self.product(outputs[part].count, $0.length) } ?? 0))
      maps = outputs
    }
    return result
  }

  /// Weights and biases of all towers.
  package var parameterCount: Int {
    (0..<towers).reduce(0) { $0 + shapes(ofTower: $1).reduce(0) { $0 + $1.parameters } }
  }

  /// A product that stops at a number which no valid network comes near.
  private static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? 1 << 60 : min(product, 1 << 60)
  }
}
