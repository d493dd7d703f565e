public import Data

/// What a network needs besides its weights to read pictures and name what they show.
public struct Preprocessing: Equatable, Sendable {
  /// The classes' names.
  public var classNames: [String]
  /// The mean image, image side x image side x 3, in 0...255.
  public var mean: [Float]
  /// Which part of the mean image is subtracted from a crop.
  public var meanPlace: Augmentation.MeanPlace

  /// Makes it from its parts.
  public init(
    classNames: [String], mean: [Float], meanPlace: Augmentation.MeanPlace = .cropsOwn
  ) {
    self.classNames = classNames
    self.mean = mean
    self.meanPlace = meanPlace
  }
}

/// What a checkpoint says of preprocessing besides class names and mean image.
struct PreprocessingText: Codable {
  var meanPlace: Augmentation.MeanPlace
}

extension Preprocessing {
  /// The texts of a checkpoint's metadata.
  package var metadata: [String: String] {
    [
      "classes": JSONText.encode(classNames, isPretty: false),
      "preprocessing": JSONText.encode(PreprocessingText(meanPlace: meanPlace), isPretty: false),
    ]
  }
}
