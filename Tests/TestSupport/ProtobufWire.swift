/// Writes protobuf's wire format by hand (https://protobuf.dev/programming-guides/encoding): the
/// counterpart of the library that reads it.
package struct ProtobufWire {
  /// The bytes so far.
  package private(set) var bytes: [UInt8] = []

  /// An empty message.
  package init() {}

  /// A number in groups of seven bits, the lowest first.
  package static func varint(_ number: UInt64) -> [UInt8] {
    var rest = number
    var bytes: [UInt8] = []
    repeat {
      bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }

  /// A field of an integer.
  package mutating func add(_ field: Int, _ number: Int) {
    bytes += Self.varint(UInt64(field) << 3) + Self.varint(UInt64(bitPattern: Int64(number)))
  }

  /// A field of bytes: a text, a message, a packed list.
  package mutating func add(_ field: Int, _ value: [UInt8]) {
    bytes += Self.varint(UInt64(field) << 3 | 2) + Self.varint(UInt64(value.count)) + value
  }

  /// A field of a text.
  package mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  /// A field of numbers, packed or each with its own key.
  package mutating func add(_ field: Int, _ numbers: [Float], isPacked: Bool = true) {
    let values = numbers.map { number in
      (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
    }
    if isPacked { return add(field, values.flatMap { $0 }) }
    for value in values { bytes += Self.varint(UInt64(field) << 3 | 5) + value }
  }
}
