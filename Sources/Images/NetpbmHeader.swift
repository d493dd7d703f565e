/// The header of a portable pixmap, graymap or bitmap.
enum NetpbmHeader {
  /// The value of white, which libvips assumes to be 255 or 65535 whatever the header says; 0 for a
  /// bitmap, which has none.
  /// - Throws: `ImageProblem` if there is none, or it is too large.
  static func mostValue(_ bytes: UnsafeRawBufferPointer) throws(ImageProblem) -> Int {
    // The header consists of the kind, then width, height and the value, separated by blanks and
    // comments.
    guard bytes.count > 2, bytes[1] != UInt8(ascii: "1"), bytes[1] != UInt8(ascii: "4") else {
      return 0
    }
    var (numbers, place) = ([Int](), 2)
    while numbers.count < 3, place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "#"):
        while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        let digits = bytes[place...].prefix {
          (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        numbers.append(Int(String(decoding: digits.prefix(10), as: UTF8.self)) ?? 0)
        place = digits.endIndex
      default: place += 1
      }
    }
    guard numbers.count == 3, (1...65535).contains(numbers[2]) else {
      throw ImageProblem("has an unreadable PNM header")
    }
    return numbers[2]
  }
}
