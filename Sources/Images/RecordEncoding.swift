/// How the records of a dataset are encoded.
package enum RecordEncoding: String, Codable, Sendable, CaseIterable {
  /// JPEG: small; quality 95 loses nothing that the eye sees.
  case jpeg
  /// PNG: every pixel is kept; for small images.
  case png
  /// The RGB bytes as they are, rows from the top: more disk, nothing to decode.
  case raw

  /// The extension of a record's name in a shard.
  package var fileExtension: String {
    switch self {
    case .jpeg: "jpg"
    case .png: "png"
    case .raw: "rgb"
    }
  }
}
