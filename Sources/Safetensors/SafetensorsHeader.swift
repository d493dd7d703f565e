import Foundation
import JSON
package import System

/// The header of a safetensors file: an eight-byte length, then JSON that gives every tensor's name
/// and position.
///
/// The format is that of https://github.com/huggingface/safetensors: the tensors' bytes follow the
/// header without gaps or overlaps.
package struct SafetensorsHeader: Sendable, Equatable {
  /// Strings by name, the `__metadata__` of the file.
  package let metadata: [String: String]
  /// The tensors in the order of their bytes.
  package let tensors: [TensorEntry]

  /// The longest header to read, in bytes.
  ///
  /// The longest in use are our own, which hold the class names: 22,000 of them take about two
  /// megabytes.
  package static let longest = 16 << 20

  /// The limits for a header.
  ///
  /// Its levels are the object, a tensor in it and the shape; some more are allowed, as other
  /// programs may add members. A tensor takes ten values, and the largest networks have some
  /// thousand tensors. Parsed, a value takes two hundred bytes, while it may have two in the file.
  private static let bounds = JSONText.Bounds(depth: 8, values: 1 << 17)

  /// The size of the whole file in bytes.
  package var fileLength: Int { tensors.last?.bytes.upperBound ?? encoded.count }

  /// The header's bytes at the start of the file.
  package let encoded: [UInt8]

  /// Makes the header of a new file.
  /// - Parameters:
  ///   - metadata: The metadata strings.
  ///   - tensors: Names, formats and shapes, in the order of their bytes. Names must differ.
  package init(
    metadata: [String: String], tensors: [(name: String, format: NumberFormat, shape: [Int])]
  ) {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map {
        "\(JSONText.quotedText($0.key)):\(JSONText.quotedText($0.value))"
      }
      members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    var offset = 0
    var places: [Range<Int>] = []
    for tensor in tensors {
      let end = offset + tensor.shape.reduce(1, *) * tensor.format.byteCount
      members.append(
        "\(JSONText.quotedText(tensor.name)):{\"dtype\":\"\(tensor.format.rawValue)\","
          + "\"shape\":\(tensor.shape),\"data_offsets\":[\(offset),\(end)]}")
      places.append(offset..<end)
      offset = end
    }
    var text = Array("{\(members.joined(separator: ","))}".utf8)
    // Aligned, so that a memory-mapped file can be read as numbers.
    while text.count % 64 != 56 { text.append(UInt8(ascii: " ")) }
    encoded = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
    let start = encoded.count
    self.metadata = metadata
    self.tensors = zip(tensors, places).map {
      TensorEntry(
        name: $0.name, format: $0.format, shape: $0.shape,
        bytes: ($1.lowerBound + start)..<($1.upperBound + start))
    }
  }

  /// Reads a header and checks that its tensors fill the file exactly.
  /// - Parameters:
  ///   - bytes: The file's first bytes, with at least the whole header.
  ///   - fileLength: The size of the whole file in bytes.
  ///   - path: The file's name, for messages.
  /// - Throws: `Failure` (badData) that says what is wrong.
  package init(parsing bytes: [UInt8], fileLength: Int, path: String) throws(Failure) {
    func wrong(_ what: String) -> Failure {
      Failure(.badData, "\(quoted(path)) is not a whole safetensors file: \(what).")
    }
    let length = try Self.headerLength(bytes, fileLength: fileLength, path: path)
    let text = bytes[8..<(8 + length)]
    if let problem = JSONText.problem(in: text, Self.bounds) {
      throw wrong("its header \(problem)")
    }
    guard text.first == UInt8(ascii: "{"), let object = JSONText.object(checked: text) else {
      throw wrong("its header is not a JSON object")
    }
    var metadata: [String: String] = [:]
    var entries: [TensorEntry] = []
    for (name, value) in object {
      if name == "__metadata__" {
        guard let texts = value as? [String: String] else {
          throw wrong("its metadata are not strings")
        }
        metadata = texts
        continue
      }
      entries.append(try Self.entry(name, value, start: 8 + length, fileLength: fileLength, wrong))
    }
    entries.sort {
      ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
    }
    var end = 8 + length
    for entry in entries {
      guard entry.bytes.lowerBound == end else {
        throw wrong("the bytes of \(quoted(entry.name)) leave a hole or overlap")
      }
      end = entry.bytes.upperBound
    }
    guard end == fileLength else {
      throw wrong("it has \(fileLength) bytes, but its tensors end at \(end)")
    }
    self.metadata = metadata
    tensors = entries
    encoded = Array(bytes[..<(8 + length)])
  }

  /// The length of the JSON text, from the first eight bytes.
  static func headerLength(_ bytes: [UInt8], fileLength: Int, path: String) throws(Failure) -> Int {
    var length: UInt64 = 0
    if bytes.count >= 8 { for i in 0..<8 { length |= UInt64(bytes[i]) << (8 * UInt64(i)) } }
    guard bytes.count >= 8, length <= UInt64(longest), Int(length) <= fileLength - 8 else {
      throw Failure(
        .badData,
        "\(quoted(path)) is not a whole safetensors file: it has \(fileLength) bytes and says that "
          + "its header has \(length); at most \(longest) are read.")
    }
    return Int(length)
  }

  private static func entry(
    _ name: String, _ value: Any, start: Int, fileLength: Int, _ wrong: (String) -> Failure
  ) throws(Failure) -> TensorEntry {
    guard let fields = value as? [String: Any], let dtype = fields["dtype"] as? String,
      let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int],
      offsets.count == 2
    else { throw wrong("the entry of \(quoted(name)) lacks a dtype, a shape or its data_offsets") }
    // An unknown type only matters to code that needs the tensor.
    let format = NumberFormat(rawValue: dtype) ?? .other
    var size = format.byteCount
    for length in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: length)
      guard length >= 0, !overflow else {
        throw wrong("the shape of \(quoted(name)) is impossible")
      }
      size = product
    }
    let room = fileLength - start
    guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= room,
      format == .other || offsets[1] - offsets[0] == size
    else {
      throw wrong("\(quoted(name)) with shape \(shape) does not fit its data_offsets \(offsets)")
    }
    return TensorEntry(
      name: name, format: format, dtype: dtype, shape: shape,
      bytes: (start + offsets[0])..<(start + offsets[1]))
  }
}
