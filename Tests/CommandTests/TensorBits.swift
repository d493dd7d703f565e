import Safetensors
import Testing

extension SafetensorsFile {
  /// The 32-bit numbers of a tensor, as their bits.
  func bits(_ name: String) throws -> [UInt32] {
    let entry = try #require(header.tensors.first { $0.name == name })
    var bits = [UInt32](repeating: 0, count: entry.count)
    try bits.withUnsafeMutableBufferPointer { try read(entry, into: $0) }
    return bits
  }
}
