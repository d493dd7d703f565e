import AlexNet
import Checkpoints
import Data
import Foundation
import Images
import Layers
import Networks
import Safetensors
import System
import TestSupport
import Testing
import Towers

/// A trained network that is opened from a file, against the naive network in Double.
@Suite struct ClassifierTests {
  static let side = 27
  static let names = (0..<7).map { "class \($0)" }

  /// AlexNet in small, whose crops have room in a larger image; without dropout, which the
  /// reference network knows in training alone.
  static var specification: NetworkSpecification {
    var network = SmallNetworks.alexNetLike()
    network.imageSide = side
    network.layers.removeAll { if case .dropout = $0 { true } else { false } }
    return network
  }

  static func mean() -> [Float] {
    var random = SmallRandom(7)
    return random.uniforms(side * side * 3, scale: 20).map { $0 + 120 }
  }

  static func picture(_ seed: UInt64) throws -> SquarePicture {
    var random = SmallRandom(seed)
    let pixels = (0..<side * side * 3).map { _ in UInt8(random.integer(in: 0...255)) }
    return try SquarePicture(pixels: pixels, width: side, height: side, side: side)
  }

  /// Writes a checkpoint as other programs would: canonical tensors and texts.
  static func write(
    _ bench: NetworkBench, to path: String, names: [String] = names, mean: [Float] = mean(),
    change: (inout [String: String]) -> Void = { _ in }
  ) throws {
    let network = bench.network.specification
    let side = network.imageSide
    var metadata = [
      "format": "alexnet-train", "formatVersion": "2", "network": network.json,
      "classes": String(decoding: try JSONEncoder().encode(names), as: UTF8.self),
      "preprocessing": #"{"meanPlace":"centre"}"#,
    ]
    change(&metadata)
    var tensors: [(name: String, shape: [Int], values: [Float])] = []
    for layer in network.layers {
      for role in [Parameter.Role.weight, .bias] {
        let parts = bench.parameters(layer, role)
        guard let first = parts.first else { continue }
        tensors.append(
          (first.name, first.canonicalShape, parts.flatMap { $0.canonical($0.value) }))
      }
    }
    tensors.append(("preprocessing.mean", [side, side, 3], mean))
    var digests = CheckpointDigests(of: [])
    for tensor in tensors {
      digests.note(
        tensor.values.withUnsafeBytes { SHA256.digest(of: $0) },
        of: .init(tensor: tensor.name, rows: 0..<tensor.shape[0]))
    }
    let header = digests.signedHeader(
      metadata, tensors.map { ($0.name, .float32, $0.shape) })
    try SafetensorsWriter.create(path, header)
    let writer = try SafetensorsWriter(opening: path, header)
    for tensor in tensors {
      try tensor.values.withUnsafeBufferPointer { try writer.write(writer.entry(tensor.name), $0) }
    }
    try writer.finish()
  }

  /// The mean of the softmax outputs of some crops, by the book.
  static func probabilities(
    _ bench: NetworkBench, _ picture: SquarePicture, crops: [(x: Int, y: Int, isMirrored: Bool)],
    meanAtCrop: Bool
  ) -> [Double] {
    let (mean, input) = (mean(), bench.network.specification.inputSide)
    var sum = [Double](repeating: 0, count: names.count)
    for crop in crops {
      var pixels: [Float] = []
      for y in 0..<input {
        for x in 0..<input {
          let column = crop.x + (crop.isMirrored ? input - 1 - x : x)
          let meanColumn = meanAtCrop ? column : (side - input) / 2 + x
          let meanRow = meanAtCrop ? crop.y + y : (side - input) / 2 + y
          for colour in 0..<3 {
            pixels.append(
              Float(picture.pixels[((crop.y + y) * side + column) * 3 + colour])
                - mean[(meanRow * side + meanColumn) * 3 + colour])
          }
        }
      }
      let image = FeatureMaps(
        images: 1, [(MapShape(height: input, width: input, maps: 3), pixels)])
      let logits = bench.reference().forward(image).last?.values ?? []
      let total = logits.reduce(0) { $0 + exp($1) }
      for label in sum.indices { sum[label] += exp(logits[label]) / total }
    }
    return sum.map { $0 / Double(crops.count) }
  }

  /// The paper's ten: corners and centre of 27 pixels for crops of 23, then their mirror images.
  static let ten = [false, true].flatMap { isMirrored in
    [(0, 0), (4, 0), (0, 4), (4, 4), (2, 2)].map {
      (x: $0.0, y: $0.1, isMirrored: isMirrored)
    }
  }

  @Test func probabilitiesEqualThoseOfTheNaiveReference() throws {
    let folder = TemporaryFolder()
    let bench = try NetworkBench(Self.specification, images: 1, seed: 3)
    for (place, isAtCrop) in [("centre", false), ("cropsOwn", true)] {
      let path = folder.file("\(place).safetensors")
      try Self.write(bench, to: path) { $0["preprocessing"] = "{\"meanPlace\":\"\(place)\"}" }
      let classifier = try Classifier(opening: path, batchSize: 12, threadsPerTower: 2)
      #expect(classifier.classNames == Self.names && classifier.imageSide == Self.side)
      let pictures = try (1...3).map { try Self.picture($0) }
      let one = try classifier.classify(pictures)
      let ten = try classifier.classify(pictures, crops: .ten)
      for (picture, (one, ten)) in zip(pictures, zip(one, ten)) {
        #expect(
          relativeError(
            one.probabilities,
            Self.probabilities(
              bench, picture, crops: [(2, 2, false)], meanAtCrop: isAtCrop)) < 1e-5)
        #expect(
          relativeError(
            ten.probabilities,
            Self.probabilities(bench, picture, crops: Self.ten, meanAtCrop: isAtCrop)) < 1e-5)
        #expect(one.probabilities != ten.probabilities)
        #expect(abs(ten.probabilities.reduce(0, +) - 1) < 1e-12)
      }
    }
  }

  @Test func bestClassesAreSortedByProbabilityThenByNumber() {
    let prediction = Prediction(probabilities: [0.1, 0.3, 0.1, 0.4, 0.1])
    #expect(prediction.best(5) == [3, 1, 0, 2, 4])
    #expect(prediction.best(2) == [3, 1])
    #expect(prediction.best(9).count == 5)
    #expect((0..<5).map { prediction.classesAhead(of: $0) } == [2, 1, 3, 0, 4])
    let lost = Prediction(probabilities: [.nan, 0.5])
    #expect(lost.classesAhead(of: 1) == 1)
  }

  /// Black, noise and white side by side, a square each: cut out, the noise is as it was.
  @Test func aPictureFileThatIsNotSquareIsCutOrSqueezed() throws {
    let folder = TemporaryFolder()
    let bench = try NetworkBench(Self.specification, images: 1, seed: 3)
    let path = folder.file("network.safetensors")
    try Self.write(bench, to: path)
    let classifier = try Classifier(opening: path)
    let (side, middle) = (Self.side, try Self.picture(5))
    let row = 3 * side
    var pixels: [UInt8] = []
    for y in 0..<side {
      pixels += [UInt8](repeating: 0, count: row)
      pixels += middle.pixels[(y * row)..<((y + 1) * row)]
      pixels += [UInt8](repeating: 255, count: row)
    }
    let file = folder.file("wide.png")
    try PNGFile.write(pixels, width: 3 * side, height: side, to: file)

    let centre = [(x: 2, y: 2, isMirrored: false)]
    for crops in Crops.allCases {
      let prediction = try classifier.classify(imageFile: file, crops: crops)
      #expect(try prediction == classifier.classify([middle], crops: crops)[0])
      let expected = Self.probabilities(
        bench, middle, crops: crops == .ten ? Self.ten : centre, meanAtCrop: false)
      #expect(relativeError(prediction.probabilities, expected) < 1e-5)
    }

    let squeezed = try SquarePicture(contentsOf: file, side: side, resizing: .squeeze)
    // All of the picture is in it; a filter for a third of the size reaches three pixels.
    for y in 0..<side {
      let line = squeezed.pixels[(y * row)..<((y + 1) * row)]
      #expect(line.prefix(15).allSatisfy { $0 <= 2 } && line.suffix(15).allSatisfy { $0 >= 253 })
    }
    let prediction = try classifier.classify(imageFile: file, resizing: .squeeze)
    #expect(try prediction == classifier.classify([squeezed])[0])
    let expected = Self.probabilities(bench, squeezed, crops: centre, meanAtCrop: false)
    #expect(relativeError(prediction.probabilities, expected) < 1e-5)
    let cut = try classifier.classify(imageFile: file)
    #expect(prediction != cut)

    // Without a wish, pictures are made square as those of the training were.
    let other = folder.file("squeezing.safetensors")
    try Self.write(bench, to: other) {
      $0["preprocessing"] = #"{"meanPlace":"centre","resizing":"squeeze"}"#
    }
    let squeezing = try Classifier(opening: other)
    #expect(try squeezing.classify(imageFile: file) == prediction)
    #expect(try squeezing.classify(imageFile: file, resizing: .crop) == cut)
  }

  @Test func filesThatAreNoPicturesAreRefusedByName() throws {
    let folder = TemporaryFolder()
    let path = folder.file("network.safetensors")
    let bench = try NetworkBench(Self.specification, images: 1)
    try Self.write(bench, to: path)
    let classifier = try Classifier(opening: path)
    let text = try folder.write(Array("no picture".utf8), "text.jpg")
    let failure = #expect(throws: Failure.self) { try classifier.classify(imageFile: text) }
    #expect(failure?.exitCode == .badData && failure?.message.contains("text.jpg") == true)
    let missing = #expect(throws: Failure.self) {
      try classifier.classify(imageFile: folder.file("missing.png"))
    }
    #expect(missing?.exitCode == .inputMissing)
  }

  @Test func filesThatAreNotCheckpointsAreRefused() throws {
    let folder = TemporaryFolder()
    let bench = try NetworkBench(Self.specification, images: 1)
    let path = folder.file("network.safetensors")
    func complaint(_ change: (inout [String: String]) -> Void) throws -> String? {
      try Self.write(bench, to: path, change: change)
      return #expect(throws: Failure.self) { try Classifier(opening: path) }?.message
    }
    #expect(try complaint { $0["format"] = "other" }?.contains("not a checkpoint") == true)
    #expect(try complaint { $0["formatVersion"] = "9" }?.contains("newer program") == true)
    #expect(
      try complaint { $0["classes"] = "[\"one\"]" }?.contains("names 1 class,") == true)
    #expect(try complaint { $0["network"] = "{}" }?.contains("does not understand") == true)
    try Self.write(bench, to: path)
    let whole = try folder.read("network.safetensors")
    let cut = try folder.write(Array(whole.dropLast(100)), "cut.safetensors")
    #expect(throws: Failure.self) { try Classifier(opening: cut) }
  }
}
