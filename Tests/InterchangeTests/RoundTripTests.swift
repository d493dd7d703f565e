import CProtobuf
import Checkpoints
import Data
import Foundation
import Images
import Interchange
import Layers
import Networks
import Safetensors
import System
import TestSupport
import Testing

/// Every preset, recipe and variant out by every format and in again: equal to the last bit.
///
/// The networks have a sixteenth of their kernels and smaller pictures, and everything else as it
/// is. `ALEXNET_ROUND_TRIPS=FILE` asks for the table of Docs/Interchange.md.
@Suite("A network survives export and import")
struct RoundTripTests {
  let folder = TemporaryFolder()

  /// The network with few kernels and pictures of half the size, all other numbers as they are.
  static func thin(_ network: NetworkSpecification) -> NetworkSpecification {
    var thin = network
    thin.classes = 6
    if network.inputSide > 100 { (thin.inputSide, thin.imageSide) = (99, 112) }
    for (place, layer) in network.layers.enumerated() {
      switch layer {
      case .convolution(var layer):
        layer.kernels = max(4, (layer.kernels / 16 + 3) / 4 * 4)
        thin.layers[place] = .convolution(layer)
      case .fullyConnected(var layer):
        layer.kernels = place == network.layers.count - 1 ? 6 : max(2, layer.kernels / 256)
        thin.layers[place] = .fullyConnected(layer)
      default: break
      }
    }
    return thin
  }

  /// Every network that comes with the program, by preset, recipe and variant; those that are alike
  /// for both recipes once.
  static func networks(_ recipe: RecipeName) -> [NetworkSpecification] {
    func all(_ recipe: RecipeName) -> [NetworkSpecification] {
      NetworkSpecification.presetNames.flatMap { name -> [NetworkSpecification] in
        guard let preset = NetworkSpecification.preset(name, classes: 6, recipe: recipe) else {
          return []
        }
        return [preset]
          + NetworkVariant.allCases.compactMap { try? preset.applying($0, recipe: recipe) }
      }
    }
    let others = recipe == .paper ? [] : all(.paper)
    return all(recipe).filter { !others.contains($0) }.map(thin)
  }

  /// Names with everything that a text may hold, and nothing as usual; the presets have a mean
  /// image of which hardly two pixels are alike, the variants one of a colour.
  static func preprocessing(_ network: NetworkSpecification) -> Preprocessing {
    var random = SmallRandom(3)
    let count = network.imageSide * network.imageSide * 3
    return Preprocessing(
      classNames: ["Käse", "犬", "a \"b\" \\c", "tab\there", "\u{1F600}", "5"],
      mean: network.name.contains("+")
        ? Preprocessing.filled(network, [123.5, 116.25, 104]) : random.uniforms(count, scale: 90),
      meanPlace: .centre, channelOrder: .bgr, factors: [0.017, 0.3, 1.1], resizing: .squeeze)
  }

  /// Imports a file that says itself what it holds.
  func back(_ path: String) throws -> NetworkFile {
    let source = try WeightFile.open(path)
    let described = try #require(try source.described())
    let result = try NetworkImport(
      source, network: { _ in described.network },
      preprocessing: { _, _ in described.preprocessing })
    #expect(try result.write(to: folder.file("back.safetensors")).isEmpty)
    return try NetworkFile(opening: folder.file("back.safetensors"))
  }

  /// The largest difference of two files' weights; nothing else may differ.
  func difference(_ file: NetworkFile, _ other: NetworkFile) throws -> Float {
    #expect(file.network == other.network)
    #expect(file.preprocessing == other.preprocessing)
    let (values, others) = (try NetworkExport.values(of: file), try NetworkExport.values(of: other))
    var worst: Float = 0
    for tensor in file.network.tensors {
      worst = max(worst, Self.largestDifference(try values(tensor), try others(tensor)))
    }
    return worst
  }

  /// The largest relative difference of numbers: 0 only where all are equal to the last bit.
  ///
  /// Infinite where there are more or fewer numbers, where one of two is NaN, and where a zero has
  /// the other sign.
  static func largestDifference(_ expected: [Float], _ found: [Float]) -> Float {
    guard expected.count == found.count else { return .infinity }
    return zip(expected, found).reduce(0) { worst, pair in
      guard pair.0.bitPattern != pair.1.bitPattern else { return worst }
      let difference = abs(pair.0 - pair.1) / abs(pair.0)
      // Not of NaN.
      return difference > 0 ? max(worst, difference) : .infinity
    }
  }

  @Test func noDifferenceIsOverlooked() {
    let numbers: [Float] = [0, 1, .nan]
    #expect(Self.largestDifference(numbers, numbers) == 0)
    #expect(Self.largestDifference([1, 2], [1, 2.5]) == 0.25)
    for other: [Float] in [
      [0, 1], [-0.0, 1, .nan], [0, .nan, .nan], [0, 1, 1], [0, 1, .nan, 1],
    ] {
      #expect(Self.largestDifference(numbers, other) == .infinity, "\(other)")
    }
  }

  @Test(arguments: RecipeName.allCases) func everyNetworkSurvivesEveryFormat(recipe: RecipeName)
    throws
  {
    let networks = Self.networks(recipe)
    #expect(networks.count >= (recipe == .paper ? 25 : 10))
    var rows: [String] = []
    for network in networks {
      let path = folder.file("first.safetensors")
      try NetworkExport.writeSafetensors(network, Self.preprocessing(network), to: path) {
        tensor throws(Failure) in SmallFiles.values(tensor)
      }
      let first = try NetworkFile(opening: path)
      #expect(first.preprocessing == Self.preprocessing(network), "\(network.name)")
      let values = try NetworkExport.values(of: first)

      let exact = try difference(first, try back(path))
      try NetworkExport.writeNumPy(network, first.preprocessing, to: folder.file("a.npz"), values)
      let numPy = try difference(first, try back(folder.file("a.npz")))
      // Variants have the same numbers in other layers.
      var half: Float?
      if !network.name.contains("+") {
        try NetworkExport.writeSafetensors(
          network, first.preprocessing, format: .bfloat16, to: folder.file("half.safetensors"),
          values)
        half = try difference(first, try back(folder.file("half.safetensors")))
      }
      try ONNXExport.write(first, to: folder.file("a.onnx"), hasPreprocessingInside: false)
      let onnx = try differenceOfONNX(first, folder.read("a.onnx"))
      #expect(exact == 0 && numPy == 0 && onnx == 0, "\(network.name)")
      // Eight significant bits, rounded to the nearest.
      #expect(half.map { $0 > 0 && $0 <= 0x1p-8 } ?? true, "\(network.name)")
      rows.append(
        "| \(recipe.rawValue) | `\(network.name)` | \(exact) | \(numPy) | \(onnx) | \(half ?? 0) |")
    }
    if let file = ProcessInfo.processInfo.environment["ALEXNET_ROUND_TRIPS"] {
      try (rows.joined(separator: "\n") + "\n").write(
        toFile: "\(file)-\(recipe.rawValue).md", atomically: true, encoding: .utf8)
    }
  }

  /// The largest difference of the weights in a model of ONNX, whose metadata must describe the
  /// network whole.
  func differenceOfONNX(_ file: NetworkFile, _ bytes: [UInt8]) throws -> Float {
    let message = try #require(onnx__model__unpack(nil, bytes.count, bytes))
    defer { onnx__model__free_unpacked(message, nil) }
    var texts: [String: String] = [:]
    for case let entry? in UnsafeBufferPointer(
      start: message.pointee.metadata_props, count: message.pointee.n_metadata_props)
    {
      texts[String(cString: entry.pointee.key)] = String(cString: entry.pointee.value)
    }
    let own = try JSONDecoder().decode(
      [String: String].self, from: Foundation.Data(try #require(texts["alexnet-train"]).utf8))
    let described = try DescribedNetwork(own, from: "a.onnx") { _ throws(Failure) in nil }
    #expect(described == file.described)
    let graph = try #require(message.pointee.graph).pointee
    var constants: [String: [Float]] = [:]
    for case let tensor? in UnsafeBufferPointer(
      start: graph.initializer, count: graph.n_initializer)
    {
      let data = tensor.pointee.raw_data
      guard tensor.pointee.data_type == 1, let start = data.data else { continue }
      constants[String(cString: tensor.pointee.name)] =
        NumberFormat.float32.floats(Array(UnsafeBufferPointer(start: start, count: data.len)))
    }
    let values = try NetworkExport.values(of: file)
    var worst: Float = 0
    for tensor in file.network.tensors {
      // A layer that is computed tower by tower has a constant for each.
      let part = tensor.name.hasSuffix("weight") ? "weight" : "bias"
      let towers = (0..<file.network.towers).compactMap {
        constants["\(tensor.name.dropLast(part.count + 1)).tower\($0).\(part)"]
          ?? constants["\(tensor.layer).tower\($0).\(part)"]
      }
      let found = constants[tensor.name] ?? towers.flatMap { $0 }
      let expected = try values(tensor)
      #expect(found.count == expected.count, "\(tensor.name) of \(file.network.name)")
      worst = max(worst, Self.largestDifference(expected, found))
    }
    return worst
  }

  @Test func anExportHasOnlyTheNetworksTensors() throws {
    let network = SmallFiles.network()
    let path = try SmallFiles.checkpoint(network, folder)
    let file = try SafetensorsFile(opening: path)
    #expect(Set(file.header.tensors.map(\.name)) == Set(network.tensors.map(\.name)))
    // The mean as Python would read it: base64 of little-endian numbers.
    let text = try #require(file.header.metadata["preprocessing.mean"])
    let decoded = Foundation.Data(base64Encoded: text)
    let bytes = try #require(decoded)
    let mean = SmallFiles.preprocessing(network).mean
    #expect(bytes.count == 4 * mean.count)
    #expect(NumberFormat.float32.floats(Array(bytes)) == mean)
    // One colour is written once.
    var plain = SmallFiles.preprocessing(network)
    plain.mean = Preprocessing.filled(network, [104.5, 117, 123])
    try NetworkExport.writeSafetensors(network, plain, to: folder.file("plain.safetensors")) {
      tensor throws(Failure) in SmallFiles.values(tensor)
    }
    let short = try NetworkFile(opening: folder.file("plain.safetensors"))
    #expect(short.file.header.metadata["preprocessing.mean"]?.count == 16)
    #expect(short.preprocessing == plain)
  }

  @Test func invalidMeansAreRefused() throws {
    let network = SmallFiles.network()
    let texts = DescribedNetwork.texts(
      network, SmallFiles.preprocessing(network), hasMean: true)
    for (mean, says) in [
      ("AAAA", "not base64 of 16 x 16 x RGB"), ("not base64", "not base64"),
      ("AACAfwAAgH8AAIB/", "not finite"),
    ] {
      let failure = #expect(throws: Failure.self) {
        _ = try DescribedNetwork(
          texts.merging(["preprocessing.mean": mean]) { $1 }, from: "x"
        ) { _ throws(Failure) in nil
        }
      }
      #expect(failure?.message.contains(says) == true, "\(failure?.message ?? "")")
    }
    var without = texts
    without["preprocessing.mean"] = nil
    let failure = #expect(throws: Failure.self) {
      _ = try DescribedNetwork(without, from: "x") { _ throws(Failure) in nil }
    }
    #expect(failure?.message.contains("no mean image") == true)
  }

  @Test func olderExportsAreRead() throws {
    // Version 2: the mean is a tensor, and nothing is said of pictures that are no squares.
    let network = SmallFiles.network()
    let side = network.imageSide
    let how = SmallFiles.preprocessing(network)
    var texts = DescribedNetwork.texts(network, how, hasMean: false)
    texts["formatVersion"] = "2"
    texts["preprocessing"] = #"{"meanPlace":"centre"}"#
    let tensors =
      network.tensors.map { ($0.name, $0.shape, SmallFiles.values($0)) }
      + [("preprocessing.mean", [side, side, 3], how.mean)]
    var digests = CheckpointDigests(of: [])
    for (name, shape, values) in tensors {
      digests.note(
        values.withUnsafeBytes { SHA256.digest(of: $0) },
        of: .init(tensor: name, rows: 0..<shape[0]))
    }
    let header = digests.signedHeader(texts, tensors.map { ($0.0, .float32, $0.1) })
    let path = folder.file("old.safetensors")
    try SafetensorsWriter.create(path, header)
    let writer = try SafetensorsWriter(opening: path, header)
    for (name, _, values) in tensors {
      try values.withUnsafeBufferPointer { try writer.write(writer.entry(name), $0) }
    }
    try writer.finish()
    let old = try NetworkFile(opening: path)
    #expect(old.preprocessing.mean == how.mean && old.preprocessing.meanPlace == .centre)
    #expect(old.preprocessing.resizing == .crop)
    #expect(try difference(old, try back(path)) == 0)
    // An .npz as it was: arrays alone.
    let archive = try NumPyArchiveWriter(creating: folder.file("old.npz"))
    for tensor in network.tensors {
      try SmallFiles.values(tensor).withUnsafeBufferPointer {
        try archive.append(tensor.name, shape: tensor.shape, $0)
      }
    }
    try how.mean.withUnsafeBufferPointer {
      try archive.append("preprocessing.mean", shape: [side, side, 3], $0)
    }
    try archive.finish()
    let source = try WeightFile.open(folder.file("old.npz"))
    #expect(try source.described() == nil)
    let result = try NetworkImport(
      source, network: { _ in network },
      preprocessing: { network, mean in
        var how = SmallFiles.preprocessing(network)
        how.mean = mean ?? []
        return how
      })
    #expect(result.preprocessing.mean == how.mean)
  }
}
