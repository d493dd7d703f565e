/// One tensor of a safetensors file: its name, format, shape and position.
package struct TensorEntry: Sendable, Equatable {
  /// The tensor's name.
  package let name: String
  /// The format of its numbers.
  package let format: NumberFormat
  /// The file's name for the format.
  package let dtype: String
  /// The lengths of its dimensions, the slowest first.
  package let shape: [Int]
  /// The range of its bytes, counted from the start of the file.
  package let bytes: Range<Int>

  init(
    name: String, format: NumberFormat, dtype: String? = nil, shape: [Int], bytes: Range<Int>
  ) {
    self.name = name
    self.format = format
    self.dtype = dtype ?? format.rawValue
    self.shape = shape
    self.bytes = bytes
  }

  /// The number of its elements; of its bytes if the format is unknown.
  package var count: Int { bytes.count / format.byteCount }
}
