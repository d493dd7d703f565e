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
