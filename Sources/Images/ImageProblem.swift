/// Why one picture cannot be used, as a phrase that completes "the picture ...".
///
/// The phrase depends only on the picture, so two preparations list the same reasons.
public struct ImageProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// The phrase, `is truncated or corrupt`.
  public let reason: String

  /// Makes a problem from its phrase.
  public init(_ reason: String) { self.reason = reason }

  /// The phrase.
  public var description: String { reason }
}
