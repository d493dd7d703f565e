/// The types of numbers that a safetensors file may hold here.
public enum NumberFormat: String, Sendable {
  /// 32-bit floating point.
  case float32 = "F32"
  /// 64-bit floating point.
  case float64 = "F64"

  /// Bytes of one number.
  public var byteCount: Int { self == .float32 ? 4 : 8 }
}

/// One tensor of a safetensors file: its name, format, shape and place.
public struct TensorEntry: Sendable, Equatable {
  /// The tensor's name.
  public let name: String
  /// The format of its numbers.
  public let format: NumberFormat
  /// The lengths of its dimensions, the slowest first.
  public let shape: [Int]
  /// Its bytes, counted from the start of the file.
  public let bytes: Range<Int>

  /// The number of its elements.
  public var count: Int { bytes.count / format.byteCount }
}
