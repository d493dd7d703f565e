import CImages
import Glibc
package import System

/// Converts any picture to the square that training uses, with libvips.
///
/// The picture is turned upright, its shorter side is scaled to `side`, and the centre `side x
/// side` pixels are kept, in 8-bit sRGB (Krizhevsky 2012, section 2); or both sides are squeezed to
/// `side`.
///
/// Larger pictures are reduced with a Lanczos filter, smaller ones enlarged by bicubic
/// interpolation. Either way, pixel centres lie half a pixel from the pixels' edges, as in Pillow
/// and OpenCV.
///
/// Grey becomes RGB, CMYK and 16-bit values are converted, and transparent pictures are drawn on
/// white. Large JPEGs are decoded at a fraction of their size. All methods are thread-safe.
package enum SquareScaling {
  /// The most pixels that a picture may have: 128 million.
  ///
  /// Larger pictures are refused before they are decoded.
  private static let mostPixels = 128_000_000

  /// The longest side that a picture may have, in pixels.
  ///
  /// A JPEG cannot have a longer one. When libvips keeps the middle of a picture, its time grows
  /// with the square of the height, and it holds some hundred rows in memory.
  package static let longestSide = 1 << 16

  /// The most memory in bytes that a decoder may use for a whole picture, if it cannot decode line
  /// by line.
  ///
  /// A camera's 24 million pixels fit in every format but BMP, which may have 16 million; a
  /// progressive JPEG may have 44 million.
  package static let mostMemory = 256 << 20

  /// The most scans of a JPEG, each of which covers the whole picture; encoders make about ten.
  private static let mostScans = 64

  private static let started: Bool = alexnet_vips_start() == 0

  /// The lock that lets only one thread at a time set up or free a reduction.
  private static let planning = Planning()

  private final class Planning: @unchecked Sendable {
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
      mutex.initialize(to: pthread_mutex_t())
      pthread_mutex_init(mutex, nil)
    }
  }

  /// How enlarged pixels are aligned, for those who prepare pictures in advance.
  ///
  /// Earlier programs, which did not record it, shifted them right and down by half a pixel of the
  /// result.
  package static let enlarging = "pixel-centres"

  /// Starts libvips, once per process; called automatically when needed.
  /// - Throws: `Failure` (internal) if the library refuses.
  package static func start() throws(Failure) {
    guard started else {
      throw Failure(.internal, "The image library libvips cannot be started; reinstall libvips42.")
    }
  }

  /// The version of libvips: another version may give other pixels.
  package static var libraryVersion: String { String(cString: vips_version_string()) }

  /// Scales an encoded picture of any readable format into `side * side * 3` RGB bytes, rows from
  /// the top.
  /// - Throws: `ImageProblem` if the bytes are not a picture, or one that is too large or damaged.
  package static func scale(
    encoded bytes: UnsafeRawBufferPointer, side: Int, resizing: Resizing = .crop,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageProblem) {
    _ = try scaleFirstFrame(encoded: bytes, side: side, resizing: resizing, into: output)
  }

  /// Scales like `scale`, and counts the picture's frames.
  /// - Returns: The number of frames or pages, the first of which was used.
  /// - Throws: `ImageProblem` like `scale`.
  package static func scaleFirstFrame(
    encoded bytes: UnsafeRawBufferPointer, side: Int, resizing: Resizing = .crop,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageProblem) -> Int {
    precondition(output.count == side * side * 3, "The pixels must fill the output.")
    guard !bytes.isEmpty else { throw ImageProblem("is an empty file") }
    guard let format = ImageFormat(of: bytes) else {
      throw ImageProblem("does not begin like any known picture format")
    }
    guard started else { throw ImageProblem("cannot be read: libvips does not start") }
    if format == .bmp { try checkBitmapSize(bytes) }
    var header = alexnet_vips_header()
    guard
      alexnet_vips_open(
        bytes.baseAddress, bytes.count, format == .pnm ? 1 : 0, &header) != 0
    else {
      throw ImageProblem(
        canRead(format)
          ? "has an unreadable \(format.name) header"
          : "is a \(format.name) picture, which this libvips cannot read; convert it to JPEG or PNG"
      )
    }
    var (bands, most) = (0, 0)
    do throws(ImageProblem) {
      try check(header, bytes, format)
      switch format {
      case .tiff: bands = try keptBands(header, bytes)
      case .pnm: most = try NetpbmHeader.mostValue(bytes)
      default:
        guard header.bands <= 4 else {
          throw ImageProblem(
            "is a \(format.name) of \(header.bands) channels; save three of them as RGB")
        }
      }
    } catch {
      alexnet_vips_close(header)
      throw error
    }
    let code = alexnet_vips_square_encoded(
      header, bytes.baseAddress, bytes.count, format == .jpeg ? 1 : 0, Int32(bands), Int32(most),
      Int32(side), resizing == .squeeze ? 1 : 0, planning.mutex, output.baseAddress)
    guard code == ALEXNET_IMAGE_FINE else {
      throw ImageProblem("is a truncated or corrupt \(format.name)")
    }
    return Int(header.frames)
  }

  /// Refuses a picture whose header shows that it would take too much memory or time.
  private static func check(
    _ header: alexnet_vips_header, _ bytes: UnsafeRawBufferPointer, _ format: ImageFormat
  ) throws(ImageProblem) {
    let isInterlaced = header.is_interlaced != 0
    let held: (bytesOfPixel: Int, kind: String) =
      switch format {
      // The coefficients of all scans, 16 bits each.
      case .jpeg where isInterlaced: (2 * Int(header.bands), "a progressive JPEG")
      case .png where isInterlaced: (Int(header.pixel_bytes), "an interlaced PNG")
      // libwebp's own pixels with transparency, and a copy.
      case .webp: (8, "WebP")
      // All channels of a frame, and the decoder's own memory.
      case .gif: (8, "GIF")
      case .heif: (8, "HEIC or AVIF")
      case .jxl, .jp2: (16, format.name)
      default: (0, "")
      }
    try check(Int(header.width), Int(header.height), held.bytesOfPixel, held.kind)
    if format == .jpeg, JPEGScans.exceed(mostScans, in: bytes) {
      throw ImageProblem("has more than \(mostScans) scans, which take too much time")
    }
  }

  /// How many of a TIFF's channels to keep; 0 for all.
  private static func keptBands(
    _ header: alexnet_vips_header, _ bytes: UnsafeRawBufferPointer
  ) throws(ImageProblem) -> Int {
    let colours = TIFFColours(bytes)
    guard header.is_integer != 0 else {
      throw ImageProblem(
        "is a TIFF whose values are not whole numbers of 8 or 16 bits, so black and white are "
          + "unknown; convert it to 8 bits")
    }
    guard header.is_lab == 0 else {
      throw ImageProblem("is a TIFF of L*a*b* colours, which is not read; convert it to RGB")
    }
    // libvips would treat them as red, green and blue.
    guard !colours.areYCbCr else {
      throw ImageProblem(
        "is a TIFF of YCbCr colours without JPEG's compression, which is not read; convert it to "
          + "RGB"
      )
    }
    if let problem = colours.problem { throw ImageProblem(problem) }
    return colours.kept ?? 0
  }

  private static func check(
    _ width: Int, _ height: Int, _ bytesOfPixel: Int, _ kind: String
  ) throws(ImageProblem) {
    guard max(width, height) <= longestSide else {
      throw ImageProblem(
        "has \(width)x\(height) pixels; no side may be longer than \(longestSide)")
    }
    let pixels = width * height
    guard pixels <= mostPixels else {
      throw ImageProblem(
        "has \(width)x\(height) pixels, more than the \(mostPixels / 1_000_000) million allowed")
    }
    guard pixels * bytesOfPixel <= mostMemory else {
      throw ImageProblem(
        "has \(width)x\(height) pixels, which take \((pixels * bytesOfPixel) >> 20) MiB of memory "
          + "as \(kind), more than the \(mostMemory >> 20) allowed")
    }
  }

  /// Scales grey (`bands` 1) or RGB (`bands` 3) pixels, rows from the top, into `side * side * 3`
  /// RGB bytes.
  /// - Throws: `ImageProblem` if libvips reports an error.
  package static func scale(
    pixels: UnsafeRawBufferPointer, width: Int, height: Int, bands: Int, side: Int,
    resizing: Resizing = .crop, into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageProblem) {
    precondition(output.count == side * side * 3, "The pixels must fill the output.")
    precondition(bands == 1 || bands == 3, "Pixels must have 1 or 3 bands, not \(bands).")
    precondition(pixels.count == width * height * bands, "The pixels must fill the picture.")
    if width == side && height == side {
      for i in output.indices { output[i] = bands == 3 ? pixels[i] : pixels[i / 3] }
      return
    }
    guard
      started,
      alexnet_vips_square_pixels(
        pixels.baseAddress, pixels.count, Int32(width), Int32(height), Int32(bands), Int32(side),
        resizing == .squeeze ? 1 : 0, planning.mutex, output.baseAddress) == ALEXNET_IMAGE_FINE
    else { throw ImageProblem("cannot be scaled from \(width)x\(height) to \(side)x\(side)") }
  }

  /// Whether this libvips was built with a reader for a format.
  private static func canRead(_ format: ImageFormat) -> Bool {
    let loader: String? =
      switch format {
      case .heif: "heifload_buffer"
      case .jxl: "jxlload_buffer"
      case .jp2: "jp2kload_buffer"
      case .gif: "gifload_buffer"
      case .bmp: "magickload_buffer"
      case .pnm: "ppmload_source"
      default: nil
      }
    return loader.map { vips_type_find("VipsOperation", $0) != 0 } ?? true
  }

  /// Frees what libvips holds for the calling thread; call it before the thread ends.
  package static func finishThread() { vips_thread_shutdown() }

  // ImageMagick, which reads bitmaps for libvips, may allocate all pixels just to count them.
  private static func checkBitmapSize(_ bytes: UnsafeRawBufferPointer) throws(ImageProblem) {
    guard bytes.count >= 26 else { throw ImageProblem("has an unreadable BMP header") }
    func side<Number: FixedWidthInteger>(_ place: Int, _ type: Number.Type) -> Int {
      Int(
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: type)).magnitude)
    }
    // The oldest header, of OS/2 1 and Windows 2, has 12 bytes and 16-bit sides.
    let isOldest = side(14, UInt32.self) == 12
    let width = isOldest ? side(18, UInt16.self) : side(18, Int32.self)
    let height = isOldest ? side(20, UInt16.self) : side(22, Int32.self)
    // Its own pixels with four values, and a copy.
    try check(width, height, 16, "BMP")
  }
}
