import CArchive
package import Checkpoints
import Glibc
import JSON
import Networks
import Safetensors
package import System

/// The arrays of a .npz file with 16, 32 or 64-bit floating-point numbers; others are ignored.
package final class NumPyArchive: WeightSource {
  /// The array of bytes that holds the metadata strings of an exported file, a JSON object, as in
  /// safetensors.
  static let metadataName = "__metadata__"
  /// The largest metadata to read, as in safetensors.
  private static let longestMetadata = 16 << 20

  /// The file's path.
  package let path: String
  /// Names and shapes, in the order of the file.
  package let tensors: [WeightTensor]
  /// Why other members of the archive cannot be read, by name.
  package let unreadable: [String: String]
  /// What the file says about the network, if it is one of ours.
  private let texts: [String: String]?

  /// Opens a file and reads the arrays' headers.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is not such an
  ///   archive or has an array twice.
  package init(opening path: String) throws(Failure) {
    self.path = path
    var tensors: [WeightTensor] = []
    var unreadable: [String: String] = [:]
    var names: Set<String> = []
    var texts: [String: String]?
    let reader = try NumPyArchiveReader(path)
    while let (name, member) = try reader.next() {
      guard names.insert(name).inserted else {
        throw Failure(.badData, "\(quoted(path)) holds two arrays \(quoted(name)); save it again.")
      }
      guard names.count <= 10_000 else {
        throw Failure(
          .badData, "\(quoted(path)) holds more than 10000 arrays, so it is not a file of weights.")
      }
      switch member {
      case .success(let header) where header.format.isFloatingPoint:
        tensors.append(WeightTensor(name: name, shape: header.shape))
      case .success(let header):
        if name == Self.metadataName { texts = try Self.texts(header, reader, path) }
        unreadable[name] = "its numbers are bytes; only floating point is read"
      case .failure(let reason): unreadable[name] = reason.text
      }
    }
    guard !tensors.isEmpty else {
      let first = unreadable.min { $0.key < $1.key }
      throw Failure(
        .badData,
        "\(quoted(path)) holds no array of NumPy that can be read, or is not an .npz file"
          + (first.map { ": in \(quoted($0.key)), \($0.value)." } ?? "."))
    }
    self.tensors = tensors
    self.unreadable = unreadable
    self.texts = texts
  }

  /// Reads an exported file's metadata about its network; nil if an array of this name holds
  /// something else.
  private static func texts(
    _ header: NumPyHeader, _ reader: NumPyArchiveReader, _ path: String
  ) throws(Failure) -> [String: String]? {
    guard header.count <= longestMetadata else { return nil }
    let bytes = try reader.read(header.count)
    guard let text = String(validating: bytes, as: UTF8.self),
      let texts = try? JSONText.decode([String: String].self, text, from: path),
      DescribedNetwork.isDescribed(by: texts)
    else { return nil }
    try DescribedNetwork.checkFormat(texts, of: path)
    return texts
  }

  /// What the file says about the network of its weights.
  /// - Throws: `Failure` (badData) if that is invalid or inconsistent.
  package func described() throws(Failure) -> DescribedNetwork? {
    guard let texts else { return nil }
    return try DescribedNetwork(texts, from: path) { network throws(Failure) in
      let side = network.imageSide
      guard let mean = tensors.first(where: { $0.name == DescribedNetwork.meanName }) else {
        return nil
      }
      guard mean.shape == [side, side, 3] else {
        throw Failure(
          .badData,
          "\(quoted(mean.name)) in \(quoted(path)) has the shape \(mean.shape); \([side, side, 3]) "
            + "is expected."
        )
      }
      return try read(mean)
    }
  }

  /// Reads the numbers of an array.
  /// - Throws: `Failure` (badData) if there is no array with this name or it is damaged.
  package func read(_ tensor: WeightTensor) throws(Failure) -> [Float] {
    let (header, bytes) = try bytes(of: tensor)
    return header.floats(bytes)
  }

  /// Counts the numbers of an array that 32 bits cannot hold.
  package func countTooLarge(_ tensor: WeightTensor) throws(Failure) -> Int {
    let (header, bytes) = try bytes(of: tensor)
    return header.format.countTooLarge(bytes)
  }

  private func bytes(
    of tensor: WeightTensor
  ) throws(Failure) -> (header: NumPyHeader, bytes: [UInt8]) {
    let reader = try NumPyArchiveReader(path)
    while let (name, member) = try reader.next() {
      guard name == tensor.name, case .success(let header) = member, header.shape == tensor.shape
      else { continue }
      let bytes = try reader.read(header.count * header.format.byteCount)
      guard bytes.count == header.count * header.format.byteCount, try reader.read(1).isEmpty else {
        throw Failure(
          .badData, "The array \(quoted(name)) in \(quoted(path)) is not as long as its shape says."
        )
      }
      return (header, bytes)
    }
    throw Failure(.badData, "\(quoted(path)) holds no array \(quoted(tensor.name)).")
  }
}

/// Reads the members of a .npz file in order.
private final class NumPyArchiveReader {
  private let path: String
  private let file: RegularFile
  private let archive: OpaquePointer?

  init(_ path: String) throws(Failure) {
    self.path = path
    file = try RegularFile(path)
    archive = archive_read_new()
    // By the directory at the end of the file, as numpy does: a file that was cut off has none.
    archive_read_support_format_zip_seekable(archive)
    guard archive_read_open_fd(archive, file.descriptor, 1 << 18) == ARCHIVE_OK else {
      throw failure
    }
  }

  deinit {
    archive_read_free(archive)
    close(file.descriptor)
  }

  /// The next member with its header, or the reason why the header cannot be read; nil at the end.
  func next() throws(Failure) -> (
    name: String, header: Result<NumPyHeader, NumPyHeader.Problem>
  )? {
    var entry: OpaquePointer?
    let code = archive_read_next_header(archive, &entry)
    if code == ARCHIVE_EOF { return nil }
    guard code == ARCHIVE_OK || code == ARCHIVE_WARN,
      let member = archive_entry_pathname(entry).map({ String(cString: $0) })
    else { throw failure }
    let name = member.hasSuffix(".npy") ? String(member.dropLast(4)) : member
    return (name, try NumPyHeader.read(read))
  }

  /// The next bytes of the member; fewer at its end.
  ///
  /// Memory is allocated only for data that exists, whatever a header claims.
  func read(_ count: Int) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: min(count, 1 << 20))
    while bytes.count < count {
      let got = archive_read_data(archive, &piece, min(piece.count, count - bytes.count))
      guard got >= 0 else { throw failure }
      if got == 0 { break }
      bytes.append(contentsOf: piece[..<got])
    }
    return bytes
  }

  private var failure: Failure {
    Failure(.badData, "\(quoted(path)) is not a complete .npz file: \(archiveError(archive)).")
  }
}

/// What libarchive says of what it could not do.
func archiveError(_ archive: OpaquePointer?) -> String {
  archive_error_string(archive).map { String(cString: $0) } ?? "it is damaged"
}
