/// The picture formats that are read, told apart by their first bytes and never by a file's name.
public enum ImageFormat: String, Sendable, CaseIterable {
  /// JPEG, baseline or progressive.
  case jpeg
  /// Portable Network Graphics.
  case png
  /// WebP.
  case webp
  /// Tagged Image File Format, of either byte order.
  case tiff
  /// Windows bitmap.
  case bmp

  /// The extensions, in lower case, that mark a file as a picture.
  public static let fileExtensions: Set<String> = [
    "jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp",
  ]

  /// Recognises a format, or returns nil.
  public init?(of bytes: UnsafeRawBufferPointer) {
    func begins(with signature: [UInt8], at place: Int = 0) -> Bool {
      bytes.count >= place + signature.count
        && signature.indices.allSatisfy { bytes[place + $0] == signature[$0] }
    }
    if begins(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if begins(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if begins(with: Array("RIFF".utf8)), begins(with: Array("WEBP".utf8), at: 8) {
      self = .webp
    } else if begins(with: [0x49, 0x49, 0x2A, 0x00]) || begins(with: [0x4D, 0x4D, 0x00, 0x2A]) {
      self = .tiff
    } else if begins(with: Array("BM".utf8)) {
      self = .bmp
    } else {
      return nil
    }
  }
}
