import CImages

/// Text drawn by libvips.
package enum TextLine {
  /// The Debian packages of fonts for those texts whose letters no installed font has; such letters
  /// are drawn as boxes.
  package static func missingFonts(for texts: [String]) -> [String] {
    let letters = Set(texts.lazy.flatMap(\.unicodeScalars).filter { !$0.isASCII })
    let missing = letters.filter { alexnet_has_font($0.value) == 0 }
    return Set(
      missing.map { letter in
        switch letter.value {
        case 0x2E80...0x9FFF, 0xAC00...0xD7FF, 0xF900...0xFAFF, 0xFF00...0xFFEF, 0x20000...0x3FFFF:
          "fonts-noto-cjk"
        case 0x1F000...0x1FAFF: "fonts-noto-color-emoji"
        default: "fonts-noto-core"
        }
      }
    ).sorted()
  }

  /// Draws a line of text in black on white into `width * height` grey pixels.
  ///
  /// The text is cut off at the edge; the pixels stay white if the library cannot draw it.
  package static func draw(_ text: String, width: Int, height: Int) -> [UInt8] {
    var pixels = [UInt8](repeating: 255, count: width * height)
    guard !text.isEmpty, (try? SquareScaling.start()) != nil else { return pixels }
    pixels.withUnsafeMutableBufferPointer {
      _ = alexnet_vips_text(text, Int32(width), Int32(height), $0.baseAddress)
    }
    return pixels
  }
}
