import CProtobuf
import Foundation
import Glibc
import Safetensors
import System

/// A constant of an ONNX graph.
struct ONNXTensor {
  let shape: [Int]
  /// Why its numbers cannot be weights; nil if they can.
  let problem: String?

  /// ONNX's number of the type of its numbers.
  var type: Int32 { tensor.data_type }

  private let tensor: Onnx__Tensor
  private let name: String
  private let count: Int

  /// Reads a constant's description; the numbers stay in the message.
  /// - Throws: `Failure` (badData) if the number of values differs from the shape.
  init(_ tensor: Onnx__Tensor, _ name: String, _ path: String) throws(Failure) {
    self.tensor = tensor
    self.name = name
    let lengths = list(tensor.dims, min(tensor.n_dims, 33))
    let count = elementCount(lengths)
    self.count = count ?? 0
    shape = lengths.map { Int($0) }
    guard let format = Self.format(tensor.data_type) else {
      problem = "its numbers are of ONNX's type \(tensor.data_type); only floating point is read"
      return
    }
    problem = nil
    let isOutside = tensor.data_location == 1
    // All in one field; `values` would read past the end of the shorter of two.
    let fields = [
      tensor.has_raw_data != 0 ? tensor.raw_data.len / format.byteCount : 0,
      tensor.n_float_data, tensor.n_double_data,
      // Each 16-bit float is stored in an integer; others are not.
      format.byteCount == 2 ? tensor.n_int32_data : 0,
    ]
    let found = fields.max() ?? 0
    guard let count, lengths.count <= 32, isOutside || found == count,
      fields.count(where: { $0 > 0 }) <= 1,
      tensor.has_raw_data == 0 || tensor.raw_data.len == count * format.byteCount
    else {
      throw Failure(
        .badData,
        "\(quoted(name)) in \(quoted(path)) has the shape \(lengths) and \(found) numbers; the "
          + "file is damaged."
      )
    }
  }

  /// Whether a type of ONNX is one of floating point, by its number.
  static func isFloatingPoint(_ type: Int) -> Bool {
    Int32(exactly: type).map { format($0) != nil } ?? false
  }

  private static func format(_ type: Int32) -> NumberFormat? {
    switch ONNXElementType(rawValue: type) {
    case .float32: .float32
    case .float16: .float16
    case .float64: .float64
    case .bfloat16: .bfloat16
    default: nil
    }
  }

  /// The truth value of a constant; nil if it is none.
  static func truth(_ tensor: Onnx__Tensor) -> Bool? {
    guard ONNXElementType(rawValue: tensor.data_type) == .truth, tensor.data_location != 1 else {
      return nil
    }
    if tensor.has_raw_data != 0 {
      return tensor.raw_data.len == 1 ? tensor.raw_data.data[0] != 0 : nil
    }
    return tensor.n_int32_data == 1 ? tensor.int32_data[0] != 0 : nil
  }

  /// The integers of a constant that holds a shape; nil if it holds none.
  static func integers(_ tensor: Onnx__Tensor) -> [Int]? {
    guard ONNXElementType(rawValue: tensor.data_type) == .int64, tensor.data_location != 1 else {
      return nil
    }
    guard tensor.has_raw_data != 0 else {
      return list(tensor.int64_data, min(tensor.n_int64_data, 64)).map { Int($0) }
    }
    let bytes = UnsafeRawBufferPointer(start: tensor.raw_data.data, count: tensor.raw_data.len)
    return (0..<min(64, bytes.count / 8)).map {
      Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)))
    }
  }

  /// The numbers as 32-bit floats.
  /// - Parameter path: The model's path; an external file with numbers is next to it.
  /// - Returns: The numbers in C order.
  /// - Throws: `Failure` (inputMissing, badData, inputOutput) if that file cannot be read.
  func values(beside path: String) throws(Failure) -> [Float] {
    guard let format = Self.format(tensor.data_type) else { return [] }
    if tensor.data_location == 1 { return format.floats(try outside(path, format)) }
    if tensor.has_raw_data != 0 {
      return format.floats(list(tensor.raw_data.data, count * format.byteCount))
    }
    if tensor.n_double_data > 0 { return list(tensor.double_data, count).map { Float($0) } }
    if tensor.n_float_data > 0 { return list(tensor.float_data, count) }
    let halves = list(tensor.int32_data, count).map { UInt16(truncatingIfNeeded: $0) }
    return format.floats(halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] })
  }

  /// How many of the numbers 32 bits cannot hold.
  /// - Throws: `Failure` (inputMissing, badData, inputOutput) if a file with them cannot be read.
  func countTooLarge(beside path: String) throws(Failure) -> Int {
    guard let format = Self.format(tensor.data_type) else { return 0 }
    if tensor.data_location == 1 { return format.countTooLarge(try outside(path, format)) }
    if tensor.has_raw_data != 0 {
      return format.countTooLarge(list(tensor.raw_data.data, count * format.byteCount))
    }
    return list(tensor.double_data, tensor.n_double_data).count {
      $0.isFinite && !Float($0).isFinite
    }
  }

  /// The bytes in the external file that `external_data` names.
  private func outside(_ path: String, _ format: NumberFormat) throws(Failure) -> [UInt8] {
    var settings: [String: String] = [:]
    for entry in list(tensor.external_data, min(tensor.n_external_data, 64)) {
      settings[text(entry.key)] = text(entry.value)
    }
    let location = settings["location"] ?? ""
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !parts.contains(""), !parts.contains(".."), !location.contains("\0")
    else {
      throw Failure(
        .badData,
        "\(quoted(name)) in \(quoted(path)) has its numbers in \(quoted(location)), which is not a "
          + "file next to it.")
    }
    let other = URL(fileURLWithPath: path).deletingLastPathComponent()
      .appendingPathComponent(location).path
    let file = try RegularFile(other)
    defer { close(file.descriptor) }
    let length = count * format.byteCount
    let start = settings["offset"].map { Int($0) ?? -1 } ?? 0
    guard start >= 0, start <= file.length, length <= file.length - start,
      settings["length"].map({ Int($0) == length }) ?? true
    else {
      throw Failure(
        .badData,
        "\(quoted(other)) has \(file.length) bytes, but \(quoted(name)) in \(quoted(path)) needs "
          + "\(length) from byte \(start) on.")
    }
    var bytes = [UInt8](repeating: 0, count: length)
    let code = bytes.withUnsafeMutableBytes {
      WholeTransfer.read(into: $0, from: file.descriptor, at: start)
    }
    guard code == 0 else {
      throw .system(.inputOutput, "\(quoted(other)) cannot be read", errno: code)
    }
    return bytes
  }
}
