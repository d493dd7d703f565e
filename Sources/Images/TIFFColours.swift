/// What a TIFF's first directory says about its channels, which libvips does not report.
struct TIFFColours {
  /// The meaning of the first channels: 0 and 1 grey, 2 RGB, 3 a palette, 5 CMYK, 6 YCbCr, 8
  /// L*a*b*.
  private var photometric = 0
  private var compression = 1
  private var channels = 1
  /// The meaning of the first channel after the colours: 1 and 2 transparency, 0 anything; nil if
  /// not given.
  private var extra: Int?

  /// Reads the first directory; for a damaged one, which the decoder will refuse, nothing is known.
  init(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 16 else { return }
    let isLittle = bytes[0] == UInt8(ascii: "I")
    func number(_ place: Int, _ length: Int) -> Int? {
      guard place >= 0, place <= bytes.count - length else { return nil }
      let part = (0..<length).map { UInt64(bytes[place + (isLittle ? length - 1 - $0 : $0)]) }
      return Int(exactly: part.reduce(0) { $0 << 8 | $1 })
    }
    let isBig = number(2, 2) == 43
    guard let directory = isBig ? number(8, 8) : number(4, 4),
      let count = number(directory, isBig ? 8 : 2)
    else { return }
    let (countLength, entryLength, valuePlace) = isBig ? (8, 20, 12) : (2, 12, 8)
    for entry in 0..<min(count, 4096) {
      let place = directory + countLength + entryLength * entry
      guard let tag = number(place, 2), let values = number(place + 4, isBig ? 8 : 4) else {
        return
      }
      // Values that do not fit into the entry are elsewhere in the file.
      var value = place + valuePlace
      if tag == 338, values > (isBig ? 4 : 2) {
        guard let elsewhere = number(value, isBig ? 8 : 4) else { return }
        value = elsewhere
      }
      switch tag {
      case 259: compression = number(value, 2) ?? compression
      case 262: photometric = number(value, 2) ?? photometric
      case 277: channels = number(value, 2) ?? channels
      case 338: extra = number(value, 2)
      default: break
      }
    }
  }

  /// Whether the values are luminance and chrominance outside a JPEG, whose decoder would convert
  /// them to RGB.
  var areYCbCr: Bool { photometric == 6 && compression != 7 }

  /// Why the channels cannot be used, as a phrase; nil if they can.
  var problem: String? {
    let others = channels - colours
    guard others > (isTransparent ? 1 : 0), colours == 1 else { return nil }
    return
      "is a TIFF of \(channels) channels, none of them marked as red, green or blue; save three of "
      + "them as RGB"
  }

  /// The number of first channels to keep; nil if all are colours and transparency.
  ///
  /// What follows red, green and blue may be anything, near infrared for example.
  var kept: Int? {
    let meant = colours + (isTransparent ? 1 : 0)
    return channels > meant && colours > 1 ? meant : nil
  }

  private var colours: Int {
    switch photometric {
    case 2, 6, 8: 3
    case 5: 4
    default: 1
    }
  }

  private var isTransparent: Bool { channels > colours && (extra ?? 1) != 0 }
}
