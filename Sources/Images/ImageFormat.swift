/// The picture formats that are supported, recognised by their first bytes and never by a file's
/// name.
package enum ImageFormat: String, Sendable, CaseIterable {
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
  /// Graphics Interchange Format; only the first frame of an animation is used.
  case gif
  /// HEIC and AVIF, the High Efficiency Image File Format.
  case heif
  /// JPEG XL.
  case jxl
  /// JPEG 2000.
  case jp2
  /// Portable pixmaps, graymaps and bitmaps of Netpbm.
  case pnm

  /// The file extensions of pictures, in lower case.
  package static let fileExtensions: Set<String> = [
    "jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "png", "webp", "tif", "tiff", "bmp", "dib",
    "gif",
    "heic", "heif", "hif", "avif", "jxl", "jp2", "j2k", "jpf", "jpx", "j2c", "ppm", "pgm", "pbm",
    "pnm",
  ]

  /// Recognises a format, or returns nil.
  package init?(of bytes: UnsafeRawBufferPointer) {
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
    } else if begins(with: [0x49, 0x49, 0x2A, 0x00]) || begins(with: [0x4D, 0x4D, 0x00, 0x2A])
      || begins(with: [0x49, 0x49, 0x2B, 0x00]) || begins(with: [0x4D, 0x4D, 0x00, 0x2B])
    {
      self = .tiff
    } else if begins(with: Array("GIF8".utf8)) {
      self = .gif
    } else if begins(with: Array("ftyp".utf8), at: 4),
      Self.heifBrands.contains(where: { begins(with: Array($0.utf8), at: 8) })
    {
      self = .heif
    } else if begins(with: [0xFF, 0x0A])
      || begins(with: [0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A])
    {
      self = .jxl
    } else if begins(with: [0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A])
      || begins(with: [0xFF, 0x4F, 0xFF, 0x51])
    {
      self = .jp2
    } else if bytes.count > 3, bytes[0] == UInt8(ascii: "P"),
      (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(bytes[1]), bytes[2] <= UInt8(ascii: " ")
    {
      self = .pnm
    } else if begins(with: Array("BM".utf8)) {
      self = .bmp
    } else {
      return nil
    }
  }

  private static let heifBrands = [
    "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "mif2", "msf1", "avif", "avis", "miaf",
  ]

  /// Recognises the format of a file without a picture's name.
  ///
  /// This needs more than the first two letters, since some texts start with the same ones.
  package init?(unnamed bytes: UnsafeRawBufferPointer) {
    guard let format = ImageFormat(of: bytes) else { return nil }
    switch format {
    case .bmp:
      // The size of the second header.
      guard bytes.count > 18, [12, 40, 52, 56, 64, 108, 124].contains(bytes[14]),
        bytes[15] | bytes[16] | bytes[17] == 0
      else { return nil }
    case .pnm:
      let digit = bytes.dropFirst(2).first { $0 > UInt8(ascii: " ") }
      guard let digit,
        digit == UInt8(ascii: "#") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
      else { return nil }
    case .jxl where bytes[0] == 0xFF:
      // A UTF-16 text may start like this.
      guard bytes.count > 8, bytes[2] != 0 || bytes[3] != 0 else { return nil }
    default: break
    }
    self = format
  }

  /// The format's display name.
  package var name: String {
    switch self {
    case .webp: "WebP"
    case .heif: "HEIC or AVIF"
    case .jxl: "JPEG XL"
    case .jp2: "JPEG 2000"
    case .pnm: "PNM"
    default: rawValue.uppercased()
    }
  }
}
