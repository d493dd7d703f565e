import AlexNet
import Foundation
import Images
import System

/// Pieces of pictures that stand alone as files, in literal colours: not every program that shows
/// SVG files knows the variables of a style sheet.
enum SVG {
  /// Text, and text that matters less.
  static let (ink, quiet) = ("#24292f", "#5c6670")

  /// A file.
  static func file(width: Double, height: Double, title: String, _ body: String) -> String {
    let (width, height) = (number(width), number(height))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \
      width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
      font-family="sans-serif" font-size="13">
      <title>\(HTML.escaped(title))</title>
      <rect width="\(width)" height="\(height)" fill="#ffffff"/>
      \(body)</svg>

      """
  }

  /// A drawing of a page as a file: on white, with the colours of the light theme for the page's
  /// variables.
  static func file(of drawing: String) -> String {
    guard let end = drawing.range(of: ">") else { return drawing }
    let page = "\n<rect width=\"100%\" height=\"100%\" fill=\"var(--card)\"/>"
    var file = "\(drawing[..<end.upperBound])\(page)\(drawing[end.upperBound...])"
    let light = HTML.colours.prefix { $0 != "@" }
    for match in light.matches(of: /--([a-z0-9]+):(#[0-9a-f]+);/) {
      file = file.replacing("var(--\(match.1))", with: match.2)
    }
    return file.replacing("font-family=\"inherit\"", with: "font-family=\"sans-serif\"")
  }

  /// A length, with a digit after the point where it has any.
  static func number(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : String(format: "%.1f", value)
  }

  /// A line of text that starts, or ends, at a place; cut off behind `most` letters.
  static func text(
    _ words: String, x: Double, y: Double, anchor: String = "start", colour: String = ink,
    isBold: Bool = false, most: Int = .max
  ) -> String {
    let shown = words.count > most ? words.prefix(max(1, most - 1)) + "…" : words[...]
    return "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" "
      + "fill=\"\(colour)\"\(isBold ? " font-weight=\"bold\"" : "")>"
      + "\(HTML.escaped(String(shown)))"
      + (shown.count < words.count ? "<title>\(HTML.escaped(words))</title>" : "") + "</text>\n"
  }

  /// A square picture.
  /// - Throws: `Failure` (internal) if it cannot be encoded.
  static func image(
    _ picture: SquarePicture, x: Double, y: Double, side: Double
  ) throws(Failure) -> String {
    "<image x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(side))\" "
      + "height=\"\(number(side))\" xlink:href=\""
      + HTML.dataAddress(try picture.jpeg(), type: "image/jpeg") + "\"/>\n"
  }
}

extension SquarePicture {
  /// The picture with another side.
  /// - Throws: `Failure` (internal) if the library reports an error, which no known picture causes.
  func scaled(to side: Int) throws(Failure) -> SquarePicture {
    do throws(ImageProblem) {
      return try SquarePicture(pixels: pixels, width: self.side, height: self.side, side: side)
    } catch { throw Failure(.internal, "A picture \(error.reason).") }
  }

  /// The picture as JPEG.
  /// - Throws: `Failure` (internal) likewise.
  func jpeg() throws(Failure) -> [UInt8] {
    let encoder = try RecordEncoder(.jpeg, quality: 85, side: side)
    do throws(ImageProblem) {
      return try pixels.withUnsafeBufferPointer { pixels throws(ImageProblem) in
        [UInt8](try encoder.encode(pixels))
      }
    } catch { throw Failure(.internal, "A picture \(error.reason).") }
  }
}
