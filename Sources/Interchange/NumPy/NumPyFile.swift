import Glibc
import Safetensors
package import System

/// Writes an array of 32-bit numbers as a .npy file, row by row; `numpy.load` reads it.
///
/// The file gets its name when it is complete.
package final class NumPyWriter {
  private let file: WholeFile
  private var missing: Int

  /// Starts a file.
  /// - Parameters:
  ///   - path: The file.
  ///   - shape: The lengths of the dimensions, the slowest first.
  /// - Throws: `Failure` (cannotCreate) if it cannot be created.
  package init(creating path: String, shape: [Int]) throws(Failure) {
    let header = NumPyHeader(.float32, shape: shape)
    file = try WholeFile(path)
    missing = header.count
    try file.write(header.encoded)
  }

  /// Appends numbers in C order, the last dimension fastest.
  /// - Throws: `Failure` (inputOutput) if they cannot be written.
  package func append(_ numbers: UnsafeBufferPointer<Float>) throws(Failure) {
    precondition(numbers.count <= missing, "The numbers must fit into the shape.")
    missing -= numbers.count
    try file.write(UnsafeRawBufferPointer(numbers))
  }

  /// Syncs the file to disk and gives it its name.
  /// - Throws: `Failure` (inputOutput) if that fails.
  package func finish() throws(Failure) {
    precondition(missing == 0, "All numbers of the shape must be written.")
    try file.publish()
  }
}

/// An array read from a .npy file, as 32-bit numbers.
package struct NumPyArray: Equatable, Sendable {
  /// The lengths of the dimensions, the slowest first.
  package let shape: [Int]
  /// The numbers, the last dimension fastest.
  package let values: [Float]

  package init(shape: [Int], values: [Float]) {
    precondition(shape.reduce(1, *) == values.count, "The shape must match the number of elements.")
    self.shape = shape
    self.values = values
  }

  /// Reads a file of 16, 32 or 64-bit floating-point numbers.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is not such an
  ///   array or its length differs from its shape.
  package init(contentsOf path: String) throws(Failure) {
    let file = try RegularFile(path)
    defer { close(file.descriptor) }
    var position = 0
    func read(_ count: Int) throws(Failure) -> [UInt8] {
      let count = min(count, file.length - position)
      var bytes = [UInt8](repeating: 0, count: max(0, count))
      let code = bytes.withUnsafeMutableBytes {
        WholeTransfer.read(into: $0, from: file.descriptor, at: position)
      }
      guard code == 0 else {
        throw .system(.inputOutput, "\(quoted(path)) cannot be read", errno: code)
      }
      position += bytes.count
      return bytes
    }
    let header = try NumPyHeader(quoted(path), read)
    guard header.format.isFloatingPoint else {
      throw Failure(
        .badData,
        "\(quoted(path)) holds whole numbers; only floating point of 16, 32 or 64 bits is read.")
    }
    guard file.length - position == header.count * header.format.byteCount else {
      throw Failure(
        .badData,
        "\(quoted(path)) has \(file.length - position) bytes of numbers, but its shape "
          + "\(header.shape) needs \(header.count * header.format.byteCount).")
    }
    shape = header.shape
    values = header.floats(try read(header.count * header.format.byteCount))
  }
}
