import CImages
package import System

/// Encodes square RGB pictures, one after the other, into its own memory; each thread has its own.
///
/// JPEG uses libjpeg-turbo with colour at half resolution (4:2:0) and the accurate transform, so
/// the same pixels give the same bytes on every processor. A picture without colour is stored in
/// grey, and reads back as RGB.
package final class RecordEncoder {
  private let encoding: RecordEncoding
  private let quality: Int
  private let side: Int
  private let compressor: tjhandle?
  private let room: Int
  private let output: UnsafeMutablePointer<UInt8>
  private let gray: UnsafeMutableBufferPointer<UInt8>

  /// Makes an encoder for pictures of `side` x `side`.
  /// - Parameters:
  ///   - encoding: The encoding of the records.
  ///   - quality: The JPEG quality, 1 to 100.
  ///   - side: The pictures' width and height in pixels.
  /// - Throws: `Failure` (internal) when libjpeg-turbo does not start.
  package init(_ encoding: RecordEncoding, quality: Int, side: Int) throws(Failure) {
    precondition((1...100).contains(quality), "JPEG quality must be from 1 to 100, not \(quality).")
    self.encoding = encoding
    self.quality = quality
    self.side = side
    compressor = encoding == .jpeg ? tjInitCompress() : nil
    room =
      switch encoding {
      case .jpeg: Int(tjBufSize(Int32(side), Int32(side), Int32(TJSAMP_444.rawValue)))
      case .png: alexnet_png_room(Int32(side), Int32(side), 3)
      case .raw: 1
      }
    output = .allocate(capacity: room)
    gray = .allocate(capacity: side * side)
    if encoding == .jpeg && compressor == nil { throw Failure.noJPEGLibrary }
  }

  deinit {
    if let compressor { tjDestroy(compressor) }
    output.deallocate()
    gray.deallocate()
  }

  /// Encodes `side * side * 3` RGB bytes; the result is valid until the next call, and as long as
  /// the pixels are.
  /// - Throws: `ImageProblem` if the library reports an error, which no known picture causes.
  package func encode(_ pixels: UnsafeBufferPointer<UInt8>) throws(ImageProblem)
    -> UnsafeRawBufferPointer
  {
    precondition(pixels.count == side * side * 3, "The pixels must fill the picture.")
    if encoding == .raw { return UnsafeRawBufferPointer(pixels) }
    let isGray = copyGray(pixels)
    var length = room
    let code: Int32
    switch encoding {
    case .raw: code = 0
    case .png:
      code = alexnet_png_encode(
        isGray ? UnsafePointer(gray.baseAddress) : pixels.baseAddress, Int32(side), Int32(side),
        isGray ? 1 : 3,
        output, &length)
    case .jpeg:
      var size = UInt(room)
      var target: UnsafeMutablePointer<UInt8>? = output
      code = tjCompress2(
        compressor, isGray ? UnsafePointer(gray.baseAddress) : pixels.baseAddress, Int32(side), 0,
        Int32(side), Int32((isGray ? TJPF_GRAY : TJPF_RGB).rawValue), &target, &size,
        Int32((isGray ? TJSAMP_GRAY : TJSAMP_420).rawValue), Int32(quality),
        TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT)
      length = Int(size)
    }
    guard code == 0 else { throw ImageProblem("cannot be encoded as \(encoding.rawValue)") }
    return UnsafeRawBufferPointer(start: output, count: length)
  }

  /// Copies one channel and returns whether the other two equal it.
  private func copyGray(_ pixels: UnsafeBufferPointer<UInt8>) -> Bool {
    for row in 0..<side {
      var difference: UInt8 = 0
      for i in row * side..<(row + 1) * side {
        let red = pixels[3 * i]
        gray[i] = red
        difference |= (red ^ pixels[3 * i + 1]) | (red ^ pixels[3 * i + 2])
      }
      if difference != 0 { return false }
    }
    return true
  }
}
