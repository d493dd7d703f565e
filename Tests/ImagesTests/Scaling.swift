import Foundation
import Images
import TestSupport

/// A picture scaled to a square.
func scaled(_ bytes: [UInt8], side: Int) throws(ImageProblem) -> [UInt8] {
  var output = [UInt8](repeating: 7, count: side * side * 3)
  var problem: ImageProblem?
  bytes.withUnsafeBytes { bytes in
    output.withUnsafeMutableBufferPointer { output in
      do throws(ImageProblem) {
        try SquareScaling.scale(encoded: bytes, side: side, into: output)
      } catch { problem = error }
    }
  }
  if let problem { throw problem }
  return output
}

/// A PNG file of one colour, or of one colour with noise.
func png(width: Int, height: Int, colour: [UInt8], isNoisy: Bool = false) throws -> [UInt8] {
  var state: UInt32 = 1
  let pixels = (0..<width * height * 3).map { place -> UInt8 in
    guard isNoisy else { return colour[place % 3] }
    state = state &* 1_664_525 &+ 1_013_904_223
    return UInt8(state >> 24)
  }
  let folder = TemporaryFolder()
  try PNGFile.write(pixels, width: width, height: height, to: folder.file("a.png"))
  return try folder.read("a.png")
}

/// A JPEG file of a gradient with detail.
func jpeg(side: Int) throws -> [UInt8] {
  let encoder = try RecordEncoder(.jpeg, quality: 95, side: side)
  return try gradient(side: side).withUnsafeBufferPointer { Array(try encoder.encode($0)) }
}

/// Pixels that rise from left to right in red, from top to bottom in green.
func gradient(side: Int) -> [UInt8] {
  (0..<side * side).flatMap { pixel -> [UInt8] in
    let (x, y) = (pixel % side, pixel / side)
    return [UInt8(255 * x / side), UInt8(255 * y / side), 100]
  }
}
