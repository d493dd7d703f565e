public import AlexNet
public import Failures
import Foundation
import Interchange
import Training

/// The features of a set of pictures: an array of pictures x features in a .npy file, and the pictures' names, a line
/// each, in a .txt file beside it.
public struct FeatureSet: Sendable {
  /// The names of the pictures.
  public let names: [String]
  /// Features of a picture.
  public let length: Int
  /// The features, picture by picture.
  public let values: [Float]

  /// Makes a set.
  public init(names: [String], length: Int, values: [Float]) {
    precondition(values.count == names.count * length, "Every picture has its features.")
    self.names = names
    self.length = length
    self.values = values
  }

  /// The file with the names that belongs to a file of features.
  private static func namesPath(_ path: String) -> String {
    (path.hasSuffix(".npy") ? String(path.dropLast(4)) : path) + ".txt"
  }

  /// Reads a set.
  /// - Throws: `Failure` (inputMissing) where a file is missing, (badData) where the two do not belong together.
  public init(contentsOf path: String) throws(Failure) {
    let array = try NumPyArray(contentsOf: path)
    guard array.shape.count == 2, array.shape[1] > 0 else {
      throw Failure(
        .badData,
        "\(quoted(path)) has the shape \(array.shape); features are an array of pictures x features."
      )
    }
    let list = Self.namesPath(path)
    names = try TextFile.read(list).split(separator: "\n").map(String.init)
    guard names.count == array.shape[0] else {
      throw Failure(
        .badData,
        "\(quoted(list)) names \(names.count) pictures and \(quoted(path)) has features of "
          + "\(array.shape[0]); write them again.")
    }
    (length, values) = (array.shape[1], array.values)
  }

  /// Writes both files.
  /// - Throws: `Failure` (cannotCreate, inputOutput) where that fails.
  public func write(to path: String) throws(Failure) {
    let writer = try NumPyWriter(creating: path, shape: [names.count, length])
    try values.withUnsafeBufferPointer { values throws(Failure) in try writer.append(values) }
    try writer.finish()
    // A name is a line.
    let lines = names.map { $0.replacing("\n", with: " ") }
    try TextFile.write(lines: lines.joined(separator: "\n") + "\n", to: Self.namesPath(path))
  }
}

extension Classifier {
  /// The features of pictures in the last hidden layer, one array a picture.
  /// - Throws: `Failure` (usage) where a picture has another size.
  public func features(of pictures: [SquarePicture]) throws(Failure) -> [[Float]] {
    var features: [[Float]] = []
    while features.count < pictures.count {
      let part = Array(pictures[features.count..<min(features.count + batchSize, pictures.count)])
      try forward(part, crops: .centre)
      features += part.indices.map { self.features(ofCrop: $0) }
    }
    return features
  }
}
