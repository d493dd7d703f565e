/// How the records of a dataset are encoded.
public enum RecordEncoding: String, Codable, Sendable, CaseIterable {
  /// JPEG: small; quality 95 loses nothing that the eye sees.
  case jpeg
  /// PNG: every pixel is kept; for small images.
  case png

  /// The extension of a record's name in a shard.
  public var fileExtension: String { self == .jpeg ? "jpg" : "png" }
}
