import System

/// The number types that a safetensors file may hold.
package enum NumberFormat: String, Sendable, CaseIterable {
  /// 32-bit floating point.
  case float32 = "F32"
  /// 64-bit floating point.
  case float64 = "F64"
  /// 16-bit floating point, IEEE 754.
  case float16 = "F16"
  /// The upper half of a 32-bit floating-point number.
  case bfloat16 = "BF16"
  /// 64-bit integer.
  case int64 = "I64"
  /// 32-bit integer.
  case int32 = "I32"
  /// 16-bit integer.
  case int16 = "I16"
  /// 8-bit integer.
  case int8 = "I8"
  /// 8-bit unsigned integer.
  case uint8 = "U8"
  /// A Boolean in one byte.
  case bool = "BOOL"
  /// Numbers of an unknown type, byte by byte.
  case other = ""

  /// The size of one number in bytes.
  package var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16, .int16: 2
    case .int8, .uint8, .bool, .other: 1
    }
  }

  /// Whether the numbers are floating point, as weights are.
  package var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    case .int64, .int32, .int16, .int8, .uint8, .bool, .other: false
    }
  }

  /// Counts the finite numbers in little-endian 64 bits that `floats` makes infinite; none of the
  /// other types.
  package func countTooLarge(_ bytes: [UInt8]) -> Int {
    guard self == .float64 else { return 0 }
    return bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).count { place in
        let number = Double(
          bitPattern: UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self)))
        return number.isFinite && !Float(number).isFinite
      }
    }
  }

  /// Converts little-endian floating-point numbers of this type to 32 bits; 64-bit numbers are
  /// rounded to nearest.
  package func floats(_ bytes: [UInt8]) -> [Float] {
    precondition(
      isFloatingPoint && bytes.count % byteCount == 0,
      "The bytes must be whole numbers of this floating-point format.")
    return bytes.withUnsafeBytes { bytes in
      func numbers<Bits: FixedWidthInteger>(_: Bits.Type, _ value: (Bits) -> Float) -> [Float] {
        (0..<bytes.count / byteCount).map { place in
          value(
            Bits(
              littleEndian: bytes.loadUnaligned(
                fromByteOffset: place * byteCount, as: Bits.self)))
        }
      }
      return switch self {
      case .float64: numbers(UInt64.self) { Float(Double(bitPattern: $0)) }
      case .float16: numbers(UInt16.self) { Float(Float16(bitPattern: $0)) }
      case .bfloat16: numbers(UInt16.self) { BFloat16.number(of: $0) }
      default: numbers(UInt32.self) { Float(bitPattern: $0) }
      }
    }
  }
}
