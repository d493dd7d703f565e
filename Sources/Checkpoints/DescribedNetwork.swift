import Data
import Foundation
import Images
import JSON
package import Networks
package import System

/// What a file of weights, in any format, says about their network.
///
/// It consists of named strings, which each format stores in its own way: the metadata of
/// safetensors and ONNX, an array in a .npz.
package struct DescribedNetwork: Sendable, Equatable {
  /// The network.
  package let network: NetworkSpecification
  /// How it reads pictures, and the names of its classes.
  package let preprocessing: Preprocessing

  /// The name of the mean image: a tensor in a run's checkpoints and in .npz files, a string in
  /// exported files.
  package static let meanName = "preprocessing.mean"
  /// The newest version of the strings that this program reads; it writes this version.
  ///
  /// Since version 3 the mean image may be a text, and what becomes of pictures that are no squares
  /// is told.
  package static let formatVersion = 3
  /// The oldest that this program reads: version 1 had no checksums, and none was released.
  private static let oldestVersion = 2
  private static let format = "alexnet-train"

  /// Reads the strings of a file that is known to be one of ours.
  /// - Parameters:
  ///   - texts: The strings.
  ///   - path: The file, for messages.
  ///   - mean: Reads the mean image if the file has it as a tensor, side x side x RGB of the
  ///     network's pictures; nil if it has none.
  /// - Throws: `Failure` (badData) if the strings are invalid or inconsistent.
  package init(
    _ texts: [String: String], from path: String,
    mean: (NetworkSpecification) throws(Failure) -> [Float]?
  ) throws(Failure) {
    network = try Self.network(texts, from: path)
    guard let classes = texts["classes"] else {
      throw Failure(.badData, "\(quoted(path)) names no classes.")
    }
    let names = try JSONText.decode([String].self, classes, from: path)
    guard names.count == network.classes else {
      throw Failure(
        .badData,
        "\(quoted(path)) names \(counted(names.count, "class", "classes")), but its network has "
          + "\(network.classes)."
      )
    }
    let text = try texts["preprocessing"].map { text throws(Failure) in
      try JSONText.decode(PreprocessingText.self, text, from: path)
    }
    let factors = text?.factors ?? [1, 1, 1]
    guard factors.count == 3, factors.allSatisfy(\.isFinite) else {
      throw Failure(
        .badData, "\(quoted(path)) has \(factors) as the factors of its three colours.")
    }
    let image: [Float]
    if let tensor = try mean(network) {
      image = tensor
    } else if let text = texts[Self.meanName] {
      image = try Self.mean(text, side: network.imageSide, from: path)
    } else {
      throw Failure(.badData, "\(quoted(path)) holds no mean image \(quoted(Self.meanName)).")
    }
    var preprocessing = Preprocessing(
      classNames: names, mean: image, meanPlace: text?.meanPlace ?? .cropsOwn,
      channelOrder: text?.channelOrder ?? .rgb, factors: factors,
      resizing: text?.resizing ?? .crop)
    preprocessing.namesClasses = text?.namesClasses ?? true
    self.preprocessing = preprocessing
  }

  /// How a network's description contradicts this one's pictures, as a clause; nil if both agree or
  /// the description says nothing.
  package func pictureDifference(from other: NetworkSpecification) -> String? {
    guard let said = other.preprocessing else { return nil }
    func differ(_ what: String, _ own: String, _ others: String) -> String {
      "its pictures have \(what) \(own), but those of the network \(quoted(other.name)) \(others)"
    }
    func list(_ numbers: [Float]) -> String {
      numbers.map { plain($0) }.joined(separator: ", ")
    }
    if said.channelOrder != preprocessing.channelOrder {
      return differ(
        "their colours in the order", preprocessing.channelOrder.rawValue,
        said.channelOrder.rawValue)
    }
    // Equal except for rounding in text.
    let areNear = zip(said.factors, preprocessing.factors).allSatisfy {
      abs($0 - $1) <= 1e-4 * abs($1)
    }
    guard areNear else {
      return differ("the factors", list(preprocessing.factors), list(said.factors))
    }
    guard let colour = said.meanColour else { return nil }
    let isPlain = zip(preprocessing.mean.indices, preprocessing.mean).allSatisfy {
      abs($1 - colour[$0 % 3]) <= 0.01
    }
    return isPlain ? nil : differ("a mean image other than", list(colour), "have that mean")
  }

  /// The network that the strings describe.
  /// - Throws: `Failure` (badData) if there is none that can be built.
  package static func network(
    _ texts: [String: String], from path: String
  ) throws(Failure) -> NetworkSpecification {
    guard let description = texts["network"] else {
      throw Failure(.badData, "\(quoted(path)) names no network.")
    }
    let network = try JSONText.decode(NetworkSpecification.self, description, from: path)
    try network.validate()
    return network
  }

  /// The strings that describe a network.
  /// - Parameters:
  ///   - network: The network.
  ///   - preprocessing: How it reads pictures.
  ///   - hasMean: Whether the mean image is included as a string.
  /// - Returns: The strings by name.
  package static func texts(
    _ network: NetworkSpecification, _ preprocessing: Preprocessing, hasMean: Bool
  ) -> [String: String] {
    var texts = [
      "format": format, "formatVersion": String(formatVersion),
      "network": JSONText.encode(network, isPretty: false),
    ].merging(preprocessing.metadata) { first, _ in first }
    if hasMean { texts[meanName] = meanText(preprocessing.mean) }
    return texts
  }

  /// Whether the strings are those of one of our files, possibly of a newer version.
  package static func isDescribed(by texts: [String: String]) -> Bool { texts["format"] == format }

  /// The version of one of our files; nil for other files.
  package static func version(_ texts: [String: String]) -> Int? {
    isDescribed(by: texts) ? texts["formatVersion"].flatMap { Int($0) } : nil
  }

  /// Checks that the strings are those of one of our files, and not of a newer version.
  /// - Throws: `Failure` (badData) that names both versions.
  package static func checkFormat(_ texts: [String: String], of path: String) throws(Failure) {
    guard let version = version(texts) else {
      let remedy = ForeignFile.remedy(path).map { " " + $0 } ?? ""
      throw Failure(
        .badData, "\(quoted(path)) is not a checkpoint of alexnet-train.\(remedy)")
    }
    guard version <= formatVersion else {
      throw Failure(
        .badData,
        "\(quoted(path)) has format version \(version); this program reads versions up to "
          + "\(formatVersion), so use the newer program that wrote it.")
    }
    guard version >= oldestVersion else {
      throw Failure(
        .badData,
        "\(quoted(path)) has format version \(version), which has no checksums; this program reads "
          + "versions \(oldestVersion) to \(formatVersion).")
    }
  }

  // MARK: The mean image as a string

  /// Base64 of little-endian 32-bit numbers, pixel by pixel in R, G, B; a single pixel if all are
  /// equal.
  private static func meanText(_ mean: [Float]) -> String {
    let colour = Array(mean.prefix(3))
    let isPlain = mean == filled(colour, count: mean.count)
    let bits = (isPlain ? colour : mean).map(\.bitPattern.littleEndian)
    return bits.withUnsafeBytes { Foundation.Data($0) }.base64EncodedString()
  }

  private static func filled(_ colour: [Float], count: Int) -> [Float] {
    (0..<count).map { colour[$0 % 3] }
  }

  private static func mean(
    _ text: String, side: Int, from path: String
  ) throws(Failure) -> [Float] {
    let whole = side * side * 3
    guard let bytes = Foundation.Data(base64Encoded: text), [12, 4 * whole].contains(bytes.count)
    else {
      throw Failure(
        .badData,
        "The mean image in \(quoted(path)) is damaged: it is not base64 of \(side) x \(side) x RGB "
          + "numbers, nor of one colour."
      )
    }
    let numbers = bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { place in
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)))
      }
    }
    guard numbers.allSatisfy(\.isFinite) else {
      throw Failure(
        .badData, "The mean image in \(quoted(path)) holds numbers that are not finite.")
    }
    return numbers.count == whole ? numbers : filled(numbers, count: whole)
  }
}
