import CArchive
import Glibc
import Images
import System

/// A regular file in a tar archive.
struct TarMember {
  /// Its name in the archive, which is never used as a path.
  let name: [UInt8]
  /// The range of its bytes in the archive's file.
  let place: Range<UInt64>

  /// The last component of the name.
  var baseName: ArraySlice<UInt8> { name.lastComponent }
}

/// Finds the regular files in a tar archive with libarchive, without reading or unpacking them.
///
/// The files can then be read from any thread and in any order. The archive itself may be a member
/// of another one.
final class TarReader {
  private let file: InputFile
  private let range: Range<UInt64>
  /// The archive's name in messages.
  private let title: String
  private let archive: OpaquePointer?
  private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 16)
  // The position of the next block. libarchive is given one block at a time and asks for no more
  // than it needs, so after a header this is where the member's bytes begin.
  private var position: UInt64
  /// Where the last member ends, if known.
  private var end: UInt64?

  /// Opens the archive in a part of a file.
  /// - Throws: `Failure` (bad data) if it is not an archive.
  init(_ file: InputFile, _ range: Range<UInt64>? = nil, title: String? = nil) throws(Failure) {
    self.file = file
    self.range = range ?? 0..<file.size
    self.title = title ?? file.path
    position = self.range.lowerBound
    end = position
    archive = archive_read_new()
    archive_read_support_filter_none(archive)
    archive_read_support_format_tar(archive)
    archive_read_support_format_empty(archive)
    let code = archive_read_open2(
      archive, Unmanaged.passUnretained(self).toOpaque(), nil,
      { _, context, memory in
        guard let context else { return -1 }
        return Unmanaged<TarReader>.fromOpaque(context).takeUnretainedValue().read(memory)
      },
      { _, context, count in
        guard let context else { return 0 }
        return Unmanaged<TarReader>.fromOpaque(context).takeUnretainedValue().skip(count)
      }, nil)
    guard code == ARCHIVE_OK else { throw damaged }
  }

  deinit {
    archive_read_free(archive)
    block.deallocate()
  }

  /// The next regular file, or nil at the end; folders, links and devices are skipped.
  /// - Throws: `Failure` (bad data) for a damaged or truncated archive.
  func next() throws(Failure) -> TarMember? {
    while true {
      var entry: OpaquePointer?
      let code = archive_read_next_header(archive, &entry)
      if code == ARCHIVE_EOF { return nil }
      let padded = (UInt64(max(0, archive_entry_size(entry))) + 511) / 512 * 512
      end = archive_entry_sparse_count(entry) > 0 || end == nil ? nil : position &+ padded
      // Warnings are about names in another character set; names are treated as bytes here anyway.
      guard code == ARCHIVE_OK || code == ARCHIVE_WARN else { throw damaged }
      guard archive_entry_filetype(entry) == S_IFREG, archive_entry_hardlink(entry) == nil,
        archive_entry_sparse_count(entry) == 0,
        // Names in UTF-8 whatever the locale; others byte by byte.
        let name = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry)
      else { continue }
      let bytes = Array(UnsafeBufferPointer(start: name, count: strlen(name))).map {
        UInt8(bitPattern: $0)
      }
      let size = archive_entry_size(entry)
      guard size >= 0, UInt64(size) <= range.upperBound - position else {
        throw Failure(
          .badData,
          "\(quoted(title)) is truncated: its member "
            + "\(quoted(String(decoding: bytes, as: UTF8.self))) of \(size) bytes is incomplete; "
            + "download it again.")
      }
      return TarMember(name: bytes, place: position..<position + UInt64(size))
    }
  }

  // tar writes blocks of 10 KiB, the last one padded with zeros, and at least two blocks of zeros.
  private static let (leastZeros, mostZeros) = (UInt64(1024), UInt64(10240 + 1024))

  /// Checks, after the last member, that the archive is complete: its end mark exists, and nothing
  /// follows it.
  ///
  /// Otherwise an archive that was cut off between two members, or ends in zeros because a download
  /// stopped, would read as a shorter one.
  /// - Throws: `Failure` (bad data) that says what is wrong.
  func checkEnd() throws(Failure) {
    guard range.upperBound > range.lowerBound else {
      throw Failure(.badData, "\(quoted(title)) is empty; download it again.")
    }
    guard let end else { return }
    guard end <= range.upperBound, range.upperBound - end >= Self.leastZeros else {
      throw Failure(
        .badData,
        "\(quoted(title)) has no end mark: it was cut off after a member; download it again.")
    }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { memory.deallocate() }
    var place = end
    while place < range.upperBound {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: memory[..<Int(min(UInt64(memory.count), range.upperBound - place))])
      guard file.read(at: place, into: part) else { throw damaged }
      guard part.allSatisfy({ $0 == 0 }) else {
        throw Failure(
          .badData,
          "\(quoted(title)) continues after its end mark: a part of it was overwritten with zeros, "
            + "or archives were joined; download it again.")
      }
      place += UInt64(part.count)
    }
    guard range.upperBound - end <= Self.mostZeros else {
      throw Failure(
        .badData,
        "\(quoted(title)) ends in \(range.upperBound - end) zero bytes, and a tar has at most "
          + "10240: if its end was lost, download it again; if it was made with larger blocks (tar "
          + "-b), add --skip-corrupt."
      )
    }
  }

  /// All regular files; their names must differ.
  /// - Throws: `Failure` (bad data) for a damaged or truncated archive, and one that holds a name
  ///   twice.
  func all() throws(Failure) -> [TarMember] {
    var members: [TarMember] = []
    var names: Set<[UInt8]> = []
    while let member = try next() {
      guard names.insert(member.name).inserted else { throw duplicate(member.name) }
      members.append(member)
    }
    try checkEnd()
    return members
  }

  /// The error for an archive that holds a name twice: it is unclear which copy is meant, and one
  /// could get into training and the other into validation.
  func duplicate(_ name: [UInt8]) -> Failure {
    Failure(
      .badData,
      "\(quoted(title)) holds \(quoted(String(decoding: name, as: UTF8.self))) twice; remove one "
        + "and make the archive again.")
  }

  private func read(_ memory: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
    let count = Int(min(UInt64(block.count), range.upperBound - position))
    let part = UnsafeMutableRawBufferPointer(rebasing: block[..<count])
    guard file.read(at: position, into: part) else { return -1 }
    memory?.pointee = UnsafeRawPointer(block.baseAddress)
    position += UInt64(count)
    return count
  }

  private func skip(_ count: Int64) -> Int64 {
    let possible = min(UInt64(max(0, count)), range.upperBound - position)
    position += possible
    return Int64(possible)
  }

  private var damaged: Failure {
    var start = [UInt8](repeating: 0, count: 4)
    let isThere = start.withUnsafeMutableBytes { file.read(at: range.lowerBound, into: $0) }
    if isThere,
      [[0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, 0x37, 0x7A, 0x58], [0x42, 0x5A, 0x68]]
        .contains(where: { start.starts(with: $0) })
    {
      return Failure(
        .badData,
        "\(quoted(title)) is compressed, although its name does not say so: unpack it to a plain "
          + "tar archive with gzip, zstd, xz or bzip2 -d.")
    }
    let text = archive_error_string(archive).map { String(cString: $0) } ?? "unknown error"
    return Failure(
      .badData, "\(quoted(title)) is not an intact tar archive: \(text); download it again.")
  }
}

extension InputFile {
  /// Reads the part of an archive that an item names.
  func readMember(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) {
    try PictureFiles.checkLength(item.length)
    buffer.resize(Int(item.length))
    guard read(at: item.place, into: buffer.bytes) else {
      throw ImageProblem("cannot be read from its archive")
    }
  }
}
