import CImages
package import System

/// Writes PNG files.
package enum PNGFile {
  /// Encodes RGB bytes, rows from the top, as PNG.
  package static func encoded(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    precondition(pixels.count == width * height * 3, "The pixels must fill the picture.")
    var length = alexnet_png_room(Int32(width), Int32(height), 3)
    return [UInt8](unsafeUninitializedCapacity: length) { memory, count in
      let code = alexnet_png_encode(
        pixels, Int32(width), Int32(height), 3, memory.baseAddress, &length)
      precondition(code == ALEXNET_IMAGE_FINE, "libpng could not encode the picture.")
      count = length
    }
  }

  /// Writes RGB bytes, rows from the top, to a PNG file, which gets its name when it is complete.
  /// - Throws: `Failure` (cannot create, input/output) that names the path.
  package static func write(
    _ pixels: [UInt8], width: Int, height: Int, to path: String
  ) throws(Failure) {
    let bytes = encoded(pixels, width: width, height: height)
    let file = try WholeFile(path)
    try bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
      try file.write(UnsafeRawBufferPointer(bytes))
    }
    try file.publish()
  }
}
