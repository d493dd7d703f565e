/// How the records of a dataset are encoded.
package enum RecordEncoding: String, Codable, Sendable, CaseIterable {
  /// JPEG: small; at quality 95 no loss is visible.
  case jpeg
  /// PNG: lossless; for small images.
  case png
  /// The RGB bytes as they are, rows from the top: more disk space, no decoding.
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
