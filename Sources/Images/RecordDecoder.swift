import CImages
package import System

/// Decodes the records of a dataset, JPEG with libjpeg-turbo and PNG with libpng; each thread has
/// its own.
///
/// The size in the header is checked before anything is decoded, so a record never takes more
/// memory or time than the expected square.
package final class RecordDecoder {
  private var decompressor: tjhandle?

  /// - Throws: `Failure` (internal) if libjpeg-turbo does not start.
  package init() throws(Failure) {
    decompressor = tjInitDecompress()
    if decompressor == nil { throw Failure.noJPEGLibrary }
  }

  deinit { end() }

  private func end() {
    if let decompressor { tjDestroy(decompressor) }
  }

  /// Decodes a picture of exactly `side` x `side` pixels into `side * side * 3` RGB bytes, rows
  /// from the top.
  ///
  /// JPEG and PNG are recognised by their first bytes; `encoding` says whether a record is raw
  /// instead.
  /// - Throws: `ImageProblem` if it has another size or format, or is damaged.
  package func decode(
    _ bytes: UnsafeRawBufferPointer, as encoding: RecordEncoding = .jpeg, side: Int,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageProblem) {
    precondition(output.count == side * side * 3, "The pixels must fill the output.")
    guard encoding != .raw else {
      guard bytes.count == output.count else {
        throw ImageProblem("has \(bytes.count) bytes, which are not \(side)x\(side) RGB pixels")
      }
      UnsafeMutableRawBufferPointer(output).copyMemory(from: bytes)
      return
    }
    switch ImageFormat(of: bytes) {
    case .jpeg:
      do throws(ImageProblem) {
        try decodeJPEG(bytes, side: side, into: output)
      } catch {
        // An error jumps out of the middle of a header, and libjpeg-turbo would treat the next
        // picture as its continuation.
        end()
        decompressor = tjInitDecompress()
        throw error
      }
    case .png:
      guard
        alexnet_png_decode(bytes.baseAddress, bytes.count, Int32(side), output.baseAddress)
          == ALEXNET_IMAGE_FINE
      else { throw ImageProblem("is not an intact PNG of \(side)x\(side) pixels") }
    default: throw ImageProblem("is neither a JPEG nor a PNG")
    }
  }

  private func decodeJPEG(
    _ bytes: UnsafeRawBufferPointer, side: Int, into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(ImageProblem) {
    guard let decompressor else {
      throw ImageProblem("cannot be read: libjpeg-turbo does not start")
    }
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    var width: Int32 = 0
    var height: Int32 = 0
    var sampling: Int32 = 0
    var space: Int32 = 0
    guard
      tjDecompressHeader3(
        decompressor, start, UInt(bytes.count), &width, &height, &sampling, &space) == 0
    else { throw ImageProblem("has an unreadable JPEG header") }
    guard width == side, height == side else {
      throw ImageProblem("has \(width)x\(height) pixels, not \(side)x\(side)")
    }
    // A progressive file with thousands of scans would keep a thread busy for minutes.
    guard
      tjDecompress2(
        decompressor, start, UInt(bytes.count), output.baseAddress, width, 0, height,
        Int32(TJPF_RGB.rawValue), TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING) == 0
    else { throw ImageProblem("is a truncated or corrupt JPEG") }
  }
}

extension Failure {
  /// What is said where libjpeg-turbo does not start.
  static let noJPEGLibrary = Failure(
    .internal, "libjpeg-turbo cannot be started; reinstall libturbojpeg0.")
}
