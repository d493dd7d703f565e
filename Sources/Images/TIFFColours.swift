/// What a TIFF's first directory says of its colours, which libvips does not tell.
enum TIFFColours {
  /// Whether the values are luminance and chrominance, and not within a JPEG, whose decoder would turn them into RGB.
  static func areYCbCr(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= 16 else { return false }
    let isLittle = bytes[0] == UInt8(ascii: "I")
    func number(_ place: Int, _ length: Int) -> Int? {
      guard place >= 0, place <= bytes.count - length else { return nil }
      let part = (0..<length).map { UInt64(bytes[place + (isLittle ? length - 1 - $0 : $0)]) }
      return Int(exactly: part.reduce(0) { $0 << 8 | $1 })
    }
    let isBig = number(2, 2) == 43
    guard let directory = isBig ? number(8, 8) : number(4, 4),
      let count = number(directory, isBig ? 8 : 2)
    else { return false }
    var (colours, compression) = (0, 1)
    for entry in 0..<min(count, 4096) {
      let place = directory + (isBig ? 8 + 20 * entry : 2 + 12 * entry)
      guard let tag = number(place, 2), let value = number(place + (isBig ? 12 : 8), 2) else {
        return false
      }
      if tag == 262 { colours = value }
      if tag == 259 { compression = value }
    }
    return colours == 6 && compression != 7
  }
}
