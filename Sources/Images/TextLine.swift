import CImages

/// Text drawn by libvips.
public enum TextLine {
  /// Draws a line of text in black on white into `width * height` gray pixels, cut off where they end;
  /// leaves them white if the library cannot.
  public static func draw(_ text: String, width: Int, height: Int) -> [UInt8] {
    var pixels = [UInt8](repeating: 255, count: width * height)
    guard !text.isEmpty, (try? SquareScaling.start()) != nil else { return pixels }
    pixels.withUnsafeMutableBufferPointer {
      _ = alexnet_vips_text(text, Int32(width), Int32(height), $0.baseAddress)
    }
    return pixels
  }
}
