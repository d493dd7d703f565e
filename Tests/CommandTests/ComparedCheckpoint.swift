import Foundation
import Testing

/// Checkpoints as tests compare them.
enum ComparedCheckpoint {
  /// A checkpoint's bytes and header without what differs between equal runs: when, where and by
  /// which command line it was made, and the header's checksum, which covers that.
  static func contents(_ path: String) throws -> Data {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let (header, end) = try header(bytes)
    var compared = header
    var texts = try #require(header["__metadata__"] as? [String: String])
    #expect(texts.removeValue(forKey: "provenance") != nil, "\(path) does not say how it was made")
    #expect(texts.removeValue(forKey: "sha256") != nil, "\(path) has no checksum")
    compared["__metadata__"] = texts
    return try JSONSerialization.data(withJSONObject: compared, options: .sortedKeys)
      + bytes[end...]
  }

  /// What a checkpoint says of how it was made.
  static func provenance(_ path: String) throws -> [String: Any] {
    let header = try header(Data(contentsOf: URL(fileURLWithPath: path))).header
    let texts = try #require(header["__metadata__"] as? [String: String])
    let text = try #require(texts["provenance"])
    return try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// A safetensors file's header, and where it ends.
  private static func header(_ bytes: Data) throws -> (header: [String: Any], end: Int) {
    let length = bytes.prefix(8).enumerated().reduce(0) {
      $0 + Int($1.element) << (8 * $1.offset)
    }
    let header = try JSONSerialization.jsonObject(with: bytes[8..<8 + length])
    return (try #require(header as? [String: Any]), 8 + length)
  }
}
