import Data
public import Images
import Networks
public import System

/// A picture as shown to networks: upright, square, 8-bit sRGB.
public struct SquarePicture: Sendable, Equatable {
  /// Its height and width in pixels.
  public let side: Int
  /// `side * side * 3` RGB values, rows from the top.
  public let pixels: [UInt8]

  /// The largest picture file to read: 256 MiB.
  public static let largestFile = 256 << 20

  /// Makes a picture from pixels that are already square.
  package init(square pixels: [UInt8], side: Int) {
    precondition(pixels.count == side * side * 3, "The pixels must fill the square.")
    self.side = side
    self.pixels = pixels
  }

  /// Reads a picture file of any format that `ImageFormat` knows: JPEG, PNG, WebP, TIFF and more.
  /// - Parameters:
  ///   - path: The file.
  ///   - side: The square's height and width in pixels.
  ///   - resizing: How a non-square picture is made square.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is damaged, a folder
  ///   or not a picture.
  public init(
    contentsOf path: String, side: Int, resizing: Resizing = .crop
  ) throws(Failure) {
    let bytes = try RegularFile.contents(of: path, limit: Self.largestFile)
    do throws(ImageProblem) {
      try self.init(encoded: bytes, side: side, resizing: resizing)
    } catch {
      throw Failure(.badData, "The picture \(quoted(path)) \(error.reason).")
    }
  }

  /// Reads the bytes of a picture file.
  /// - Throws: `ImageProblem` if they are damaged or not a picture.
  public init(
    encoded bytes: [UInt8], side: Int, resizing: Resizing = .crop
  ) throws(ImageProblem) {
    self.side = side
    pixels = try Self.filled(side) { output throws(ImageProblem) in
      try bytes.withUnsafeBufferPointer { bytes throws(ImageProblem) in
        try SquareScaling.scale(
          encoded: UnsafeRawBufferPointer(bytes), side: side, resizing: resizing, into: output)
      }
    }
  }

  /// Scales pixels, rows from the top: grey if `bands` is 1, RGB if it is 3.
  /// - Throws: `ImageProblem` if they cannot be scaled.
  public init(
    pixels: [UInt8], width: Int, height: Int, bands: Int = 3, side: Int
  ) throws(ImageProblem) {
    self.side = side
    self.pixels = try Self.filled(side) { output throws(ImageProblem) in
      try pixels.withUnsafeBufferPointer { pixels throws(ImageProblem) in
        try SquareScaling.scale(
          pixels: UnsafeRawBufferPointer(pixels), width: width, height: height, bands: bands,
          side: side, into: output)
      }
    }
  }

  private static func filled(
    _ side: Int,
    _ fill: (UnsafeMutableBufferPointer<UInt8>) throws(ImageProblem) -> Void
  ) throws(ImageProblem) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    try pixels.withUnsafeMutableBufferPointer { buffer throws(ImageProblem) in try fill(buffer) }
    return pixels
  }
}
