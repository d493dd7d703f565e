import CImages
package import System

/// Writes PNG files.
package enum PNGFile {
  /// Encodes RGB bytes, rows from the top, as PNG.
  package static func encoded(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    guard let bytes = encode(pixels, width: width, height: height) else {
      preconditionFailure("libpng could not encode the picture.")
    }
    return bytes
  }

  /// The file's bytes; nil where libpng cannot encode it.
  private static func encode(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8]? {
    precondition(pixels.count == width * height * 3, "The pixels must fill the picture.")
    var length = alexnet_png_room(Int32(width), Int32(height), 3)
    var code = Int32(ALEXNET_IMAGE_FINE)
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { memory, count in
      code = alexnet_png_encode(
        pixels, Int32(width), Int32(height), 3, memory.baseAddress, &length)
      count = code == Int32(ALEXNET_IMAGE_FINE) ? length : 0
    }
    return code == Int32(ALEXNET_IMAGE_FINE) ? bytes : nil
  }

  /// Writes RGB bytes, rows from the top, to a PNG file, which gets its name when it is complete.
  /// - Throws: `Failure` (cannot create, input/output) that names the path.
  package static func write(
    _ pixels: [UInt8], width: Int, height: Int, to path: String
  ) throws(Failure) {
    guard let bytes = encode(pixels, width: width, height: height) else {
      throw Failure(.internal, "The picture for \(quoted(path)) cannot be encoded as PNG.")
    }
    let file = try WholeFile(path)
    try bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
      try file.write(UnsafeRawBufferPointer(bytes))
    }
    try file.publish()
  }
}
