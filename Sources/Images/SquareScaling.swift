import CImages
public import Failures

/// Makes the picture that training sees out of any picture, by libvips: upright, the shorter side
/// scaled to `side`, the centre `side x side` of it, in 8-bit sRGB (Krizhevsky 2012, section 2).
///
/// Gray becomes RGB, CMYK and 16-bit values are converted, white stands behind what is transparent.
/// Big JPEGs are decoded at a fraction of their size. Every method may be called from any number of
/// threads.
public enum SquareScaling {
  /// The most pixels that a picture may have: 128 million.
  ///
  /// A larger one is refused before it is decoded.
  public static let mostPixels = 128_000_000

  private static let started: Bool = alexnet_vips_start() == 0

  /// Starts libvips; done once a process, and by itself when first needed.
  /// - Throws: `Failure` (internal) if the library refuses.
  public static func start() throws(Failure) {
    guard started else {
      throw Failure(.internal, "The image library libvips cannot be started; reinstall libvips42.")
    }
  }

  /// The version of libvips: another one may scale to other pixels.
  public static var libraryVersion: String { String(cString: vips_version_string()) }

  /// Scales an encoded picture of any readable format into `side * side * 3` RGB bytes, rows from
  /// the top.
  /// - Throws: `ImageProblem` when the bytes are not a picture, too large a one or a damaged one.
  public static func scale(
    encoded bytes: UnsafeRawBufferPointer, side: Int, into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageProblem) {
    precondition(output.count == side * side * 3, "The output holds side x side RGB pixels.")
    guard !bytes.isEmpty else { throw ImageProblem("is an empty file") }
    guard let format = ImageFormat(of: bytes) else {
      throw ImageProblem("is not a JPEG, PNG, WebP, TIFF or BMP picture")
    }
    guard started else { throw ImageProblem("cannot be read: libvips does not start") }
    if format == .bmp { try checkBitmapSize(bytes) }
    var width: Int32 = 0
    var height: Int32 = 0
    let code = alexnet_vips_square_encoded(
      bytes.baseAddress, bytes.count, format == .jpeg ? 1 : 0, Int32(side), Int64(mostPixels),
      &width,
      &height, output.baseAddress)
    switch Int(code) {
    case ALEXNET_IMAGE_FINE: return
    case ALEXNET_IMAGE_UNREADABLE: throw ImageProblem("has an unreadable \(format.name) header")
    case ALEXNET_IMAGE_TOO_LARGE: throw tooLarge(Int(width), Int(height))
    default: throw ImageProblem("is a truncated or corrupt \(format.name)")
    }
  }

  /// Scales gray (`bands` 1) or RGB (`bands` 3) pixels, rows from the top, into `side * side * 3`
  /// RGB bytes.
  /// - Throws: `ImageProblem` when libvips refuses.
  public static func scale(
    pixels: UnsafeRawBufferPointer, width: Int, height: Int, bands: Int, side: Int,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageProblem) {
    precondition(output.count == side * side * 3, "The output holds side x side RGB pixels.")
    precondition(bands == 1 || bands == 3, "Pixels are gray or RGB.")
    precondition(pixels.count == width * height * bands, "The pixels do not fill the picture.")
    if width == side && height == side {
      for i in output.indices { output[i] = bands == 3 ? pixels[i] : pixels[i / 3] }
      return
    }
    guard
      started,
      alexnet_vips_square_pixels(
        pixels.baseAddress, pixels.count, Int32(width), Int32(height), Int32(bands), Int32(side),
        output.baseAddress) == ALEXNET_IMAGE_FINE
    else { throw ImageProblem("cannot be scaled from \(width)x\(height) to \(side)x\(side)") }
  }

  /// Gives back what libvips holds for the calling thread; call it before the thread ends.
  public static func finishThread() { vips_thread_shutdown() }

  // ImageMagick, which reads bitmaps for libvips, may allocate all pixels to learn their number.
  private static func checkBitmapSize(_ bytes: UnsafeRawBufferPointer) throws(ImageProblem) {
    guard bytes.count >= 26 else { throw ImageProblem("has an unreadable BMP header") }
    let width = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 18, as: Int32.self))
    let height = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 22, as: Int32.self))
    let (columns, rows) = (Int(width.magnitude), Int(height.magnitude))
    if columns * rows > mostPixels { throw tooLarge(columns, rows) }
  }

  private static func tooLarge(_ width: Int, _ height: Int) -> ImageProblem {
    ImageProblem(
      "has \(width)x\(height) pixels, more than the \(mostPixels / 1_000_000) million allowed")
  }
}

extension ImageFormat {
  fileprivate var name: String { self == .webp ? "WebP" : rawValue.uppercased() }
}
