package import Images
package import System

/// What to prepare, and how.
package struct PreparationSettings: Sendable {
  /// Where the pictures are.
  package var source: String
  /// The folder of the dataset to make.
  package var destination: String
  /// How to read the source.
  package var reading = SourceOptions()
  /// The width and height of the prepared pictures in pixels.
  package var side = 256
  /// How non-square pictures are made square.
  package var resizing = Resizing.crop
  /// How pictures are encoded; nil means JPEG, and PNG up to 64 pixels a side.
  package var encoding: RecordEncoding?
  /// The quality of a JPEG, 1 to 100.
  package var quality = 95
  /// The fraction of each class to hold out for validation if the source has no validation part; nil
  /// means `defaultHoldOut`.
  package var holdOut: Double?
  /// The seed for the hold-out, the limit and the order on disk.
  package var seed: UInt64 = 1
  /// The number of threads; nil means one for each core.
  package var threads: Int?
  /// The most pictures of a class to take in each split; nil means all.
  package var limitPerClass: Int?
  /// Whether one picture that cannot be used ends the preparation.
  package var isStrict = false

  /// The default hold-out.
  package static let defaultHoldOut = 0.1
  /// The sides that are accepted.
  package static let sides = 8...4096
  /// The qualities of a JPEG that are accepted.
  package static let qualities = 1...100

  package init(source: String, destination: String) {
    self.source = source
    self.destination = destination
  }

  /// The encoding in effect.
  package var effectiveEncoding: RecordEncoding { encoding ?? (side <= 64 ? .png : .jpeg) }

  /// What ends a strict preparation: a picture that cannot be used, and why.
  func refusal(of picture: String, _ reason: String) -> Failure {
    Failure(
      .badData,
      "The picture \(quoted(picture)) in \(quoted(source)) \(reason); without --strict it would be "
        + "listed and left out.")
  }

  /// Checks the numbers.
  /// - Throws: `Failure` (usage) that names the setting.
  package func check() throws(Failure) {
    guard Self.sides.contains(side) else {
      throw Failure(
        .usage,
        "A side of \(side) pixels is not possible; choose \(Self.sides.lowerBound) to "
          + "\(Self.sides.upperBound)."
      )
    }
    guard Self.qualities.contains(quality) else {
      throw Failure(.usage, "A JPEG quality of \(quality) is not possible; choose 1 to 100.")
    }
    if let holdOut, !(holdOut > 0 && holdOut < 1) {
      throw Failure(
        .usage, "A hold-out of \(holdOut * 100)% is not possible; choose between 0% and 100%.")
    }
    if let threads, threads < 1 { throw Failure(.usage, "Preparation needs at least one thread.") }
    if let limitPerClass, limitPerClass < 1 {
      throw Failure(
        .usage, "A limit of \(limitPerClass) pictures of a class leaves nothing to prepare.")
    }
  }
}
