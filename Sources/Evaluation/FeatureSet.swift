package import AlexNet
import Foundation
import Interchange
package import MPI
import Networks
package import System
import Training

/// The features of a set of pictures: an array of pictures x features in a .npy file, and in a .txt
/// file next to it a line that says what made them and the pictures' names, one per line.
package struct FeatureSet: Sendable {
  /// The names of the pictures.
  package private(set) var names: [String]
  /// The number of features per picture.
  package let length: Int
  /// The features, picture by picture.
  package private(set) var values: [Float]

  /// What made the features; nil in older files, which do not say.
  package private(set) var origin: FeatureOrigin?

  package init(length: Int, of origin: FeatureOrigin? = nil) {
    (names, self.length, values, self.origin) = ([], length, [], origin)
  }

  /// Appends the pictures of all ranks, in rank order, to the first rank's set; all ranks call this
  /// together.
  /// - Parameters:
  ///   - names: The names of this rank's pictures.
  ///   - values: Their features.
  ///   - world: The ranks.
  /// - Throws: `MPIError` if a message fails.
  package mutating func append(
    names: [String], values: [Float], of world: Communicator
  ) throws(MPIError) {
    precondition(
      values.count == names.count * length, "Each picture must have \(length) features.")
    let counts = try world.allGather(Int64(values.count)).map { Int($0) }
    let text = names.map { Self.line($0) + "\n" }.joined()
    let allNames = try world.allGather(text)
    let allValues = try world.allGather(values, counts: counts)
    guard world.rank == 0 else { return }
    self.names += allNames.flatMap(Self.lines)
    self.values += allValues
  }

  /// A name as one line: as it is, or, where it holds a line end or begins with a backslash, behind
  /// a backslash and with `\n`, `\r` and `\\` for what they stand for, as in lists of md5sum.
  ///
  /// By Unicode scalars: "\r\n" is one Character, which differs from "\n".
  private static func line(_ name: String) -> String {
    guard name.hasPrefix("\\") || name.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" })
    else { return name }
    var line = "\\".unicodeScalars
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\n": line += "\\n".unicodeScalars
      case "\r": line += "\\r".unicodeScalars
      case "\\": line += "\\\\".unicodeScalars
      default: line.append(scalar)
      }
    }
    return String(line)
  }

  /// The name that a line stands for.
  private static func name(_ line: String) -> String {
    guard line.hasPrefix("\\") else { return line }
    var (name, rest) = (String.UnicodeScalarView(), line.unicodeScalars.dropFirst())
    while let scalar = rest.popFirst() {
      guard scalar == "\\", let letter = rest.popFirst() else {
        name.append(scalar)
        continue
      }
      name.append(letter == "n" ? "\n" : letter == "r" ? "\r" : letter)
    }
    return String(name)
  }

  /// The names in the lines of a text, possibly empty ones.
  private static func lines(_ text: String) -> [String] {
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { line in
      name(
        String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self))
    }
  }

  /// The file of names that belongs to a file of features.
  package static func namesPath(_ path: String) -> String {
    (path.hasSuffix(".npy") ? String(path.dropLast(4)) : path) + ".txt"
  }

  /// Reads a set.
  /// - Throws: `Failure` (inputMissing) if a file is missing, (badData) if the two do not belong
  ///   together.
  package init(contentsOf path: String) throws(Failure) {
    let array = try NumPyArray(contentsOf: path)
    guard array.shape.count == 2, array.shape[1] > 0 else {
      throw Failure(
        .badData,
        "\(quoted(path)) has the shape \(array.shape); features are an array of pictures x "
          + "features."
      )
    }
    let list = Self.namesPath(path)
    var lines = Self.lines(try TextFile.read(list))
    origin = try FeatureOrigin.take(from: &lines, of: list)
    names = lines
    guard names.count == array.shape[0] else {
      throw Failure(
        .badData,
        "\(quoted(list)) names \(counted(names.count, "picture", "pictures")) and \(quoted(path)) "
          + "has features of \(array.shape[0]); write them again.")
    }
    (length, values) = (array.shape[1], array.values)
  }

  /// Writes both files; only the array if the path is a pipe or a device.
  /// - Throws: `Failure` (cannotCreate, inputOutput) if that fails.
  package func write(to path: String) throws(Failure) {
    let writer = try NumPyWriter(creating: path, shape: [names.count, length])
    try values.withUnsafeBufferPointer { values throws(Failure) in try writer.append(values) }
    try writer.finish()
    guard OutputPlace.isFile(path) else { return }
    try Self.write(names: names, of: origin, beside: path)
  }

  /// Writes the names of the pictures whose features are in a file, and what made these.
  /// - Throws: `Failure` (cannotCreate, inputOutput) if that fails.
  package static func write(
    names: [String], of origin: FeatureOrigin?, beside path: String
  ) throws(Failure) {
    let lines = (origin.map { [$0.line] } ?? []) + names.map(line)
    try TextFile.write(lines: lines.joined(separator: "\n") + "\n", to: namesPath(path))
  }
}

extension Classifier {
  /// The features of pictures in the last hidden layer, one array per picture.
  /// - Throws: `Failure` (usage) if a picture has another size.
  package func features(of pictures: [SquarePicture]) throws(Failure) -> [[Float]] {
    var features: [[Float]] = []
    while features.count < pictures.count {
      let part = Array(pictures[features.count..<min(features.count + batchSize, pictures.count)])
      try forward(part, crops: .centre)
      features += part.indices.map { self.features(ofCrop: $0) }
    }
    return features
  }
}
