import Glibc
package import System

/// A TensorBoard event file, to which events are appended.
///
/// Each event is a record of TensorFlow's TFRecord format: the length (64 bits), the masked CRC-32C
/// of the length, the message, and the masked CRC-32C of the message, all little-endian; a CRC c is
/// masked as (c rotated right by 15) + 0xA282EAD8. (tensorflow/core/lib/io/record_writer.h.)
package final class EventFile {
  /// The file's path.
  package let path: String
  /// The file descriptor.
  package let descriptor: Int32

  /// Creates a file in a folder, with a name that TensorBoard recognises.
  /// - Parameters:
  ///   - folder: The folder, which is created if missing.
  ///   - firstStep: The number of steps done before; TensorBoard then ignores later steps in older
  ///     files.
  /// - Throws: `Failure` (cannotCreate) if the file cannot be created.
  package init(in folder: String, firstStep: Int) throws(Failure) {
    if mkdir(folder, 0o700) != 0 && errno != EEXIST {
      throw .system(.cannotCreate, "\(quoted(folder)) cannot be created", errno: errno)
    }
    var (path, descriptor, time) = ("", Int32(-1), Int(Glibc.time(nil)))
    // A run that is resumed within the same second uses the next second's name.
    repeat {
      path = "\(folder)/events.out.tfevents.\(time).\(Machine.hostName)"
      descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
      time += 1
    } while descriptor < 0 && errno == EEXIST
    guard descriptor >= 0 else {
      throw .system(.cannotCreate, "\(quoted(path)) cannot be created", errno: errno)
    }
    self.path = path
    self.descriptor = descriptor
    try append(Event.version())
    if firstStep > 0 { try restart(after: firstStep) }
  }

  /// Makes TensorBoard ignore what is recorded of later steps up to here, in this file and older
  /// ones.
  /// - Throws: `Failure` (inputOutput) if the file cannot be written.
  package func restart(after step: Int) throws(Failure) { try append(Event.start(step: step + 1)) }

  deinit { close(descriptor) }

  /// Appends the values recorded after a step.
  /// - Throws: `Failure` (inputOutput) if the file cannot be written.
  package func write(_ values: [Summary], step: Int) throws(Failure) {
    try append(Event.summary(values, step: step))
  }

  private func append(_ event: [UInt8]) throws(Failure) {
    let record = Self.record(event)
    let code = record.withUnsafeBytes { WholeTransfer.write($0, to: descriptor) }
    guard code == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be written", errno: code)
    }
  }

  /// The record of a message.
  package static func record(_ message: [UInt8]) -> [UInt8] {
    func little(_ number: UInt64, _ bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }
    func masked(_ bytes: [UInt8]) -> [UInt8] {
      let sum = CRC32C.checksum(of: bytes)
      return little(UInt64((sum >> 15 | sum << 17) &+ 0xA282_EAD8), 4)
    }
    let length = little(UInt64(message.count), 8)
    return length + masked(length) + message + masked(message)
  }
}

/// CRC-32 with Castagnoli's polynomial (RFC 3720), reflected 0x82F63B78; zlib's CRC-32 has another
/// polynomial.
package enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in
      sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1
    }
  }

  /// The checksum of bytes.
  package static func checksum(of bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { sum, byte in sum >> 8 ^ table[Int((sum ^ UInt32(byte)) & 0xFF)] }
  }
}
