import Glibc
package import System

/// A safetensors file that is open for reading.
package final class SafetensorsFile: Sendable {
  /// The file's path.
  package let path: String
  /// Its tensors and metadata.
  package let header: SafetensorsHeader
  private let descriptor: Int32

  /// Opens a file and checks its header.
  /// - Parameters:
  ///   - name: The file's path, relative to `folder` if given.
  ///   - folder: An open folder.
  /// - Throws: `Failure` (inputMissing) if it cannot be opened, (badData) if it is not complete.
  package convenience init(opening name: String, in folder: HeldFolder? = nil) throws(Failure) {
    try self.init(RegularFile(name, in: folder).descriptor, name: folder?.path(of: name) ?? name)
  }

  /// Takes over a file that is open, and checks its header.
  /// - Parameters:
  ///   - descriptor: The file, which this closes.
  ///   - name: What to call it in messages.
  /// - Throws: `Failure` (badData) if it is not complete.
  package init(_ descriptor: Int32, name: String) throws(Failure) {
    path = name
    self.descriptor = descriptor
    let length = FileStatus(descriptor: descriptor)?.size ?? 0
    // `deinit` closes the file once all members are set; until then this code does.
    do throws(Failure) {
      let start = try Self.read(descriptor, min(8, length), at: 0, path)
      let text = try SafetensorsHeader.headerLength(start, fileLength: length, path: path)
      header = try SafetensorsHeader(
        parsing: try Self.read(descriptor, 8 + text, at: 0, path), fileLength: length,
        path: path)
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// The entry of a tensor.
  /// - Throws: `Failure` (badData) if there is none, or it has another shape or format.
  package func entry(_ name: String, _ format: NumberFormat, shape: [Int]) throws(Failure)
    -> TensorEntry
  {
    guard let entry = header.tensors.first(where: { $0.name == name }) else {
      throw Failure(.badData, "\(quoted(path)) holds no tensor \(quoted(name)).")
    }
    guard entry.shape == shape, entry.format == format else {
      throw Failure(
        .badData,
        "\(quoted(name)) in \(quoted(path)) is \(entry.dtype) \(entry.shape); "
          + "\(format.rawValue) \(shape) is expected.")
    }
    return entry
  }

  /// Reads elements of a tensor.
  /// - Parameters:
  ///   - entry: The tensor.
  ///   - first: The index of the first element.
  ///   - buffer: Memory for the elements to read, in the tensor's format.
  /// - Throws: `Failure` (inputOutput) if the file cannot be read.
  package func read<Number: BitwiseCopyable>(
    _ entry: TensorEntry, from first: Int = 0, into buffer: UnsafeMutableBufferPointer<Number>
  ) throws(Failure) {
    precondition(
      MemoryLayout<Number>.stride == entry.format.byteCount,
      "The number type must match the tensor's format.")
    precondition(
      first >= 0 && first + buffer.count <= entry.count, "The elements must lie within the tensor.")
    try Self.read(
      descriptor, into: UnsafeMutableRawBufferPointer(buffer),
      at: entry.bytes.lowerBound + first * entry.format.byteCount, path)
  }

  /// Reads a whole tensor.
  /// - Throws: `Failure` (inputOutput) if the file cannot be read.
  package func elements<Number: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    of entry: TensorEntry
  ) throws(Failure) -> [Number] {
    var numbers = [Number](repeating: 0, count: entry.count)
    try numbers.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try read(entry, into: buffer)
    }
    return numbers
  }

  /// Gives access to elements of a tensor in the file, which is temporarily mapped into memory:
  /// nothing is read twice or copied.
  /// - Parameters:
  ///   - entry: The tensor.
  ///   - range: The indices of the elements.
  ///   - body: Uses the elements.
  /// - Throws: `Failure` (inputOutput) if the file cannot be mapped or has become shorter, and what
  ///   `body` throws.
  package func withElements<Number: BitwiseCopyable>(
    of entry: TensorEntry, in range: Range<Int>,
    _ body: (UnsafeBufferPointer<Number>) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(
      MemoryLayout<Number>.stride == entry.format.byteCount,
      "The number type must match the tensor's format.")
    precondition(
      range.lowerBound >= 0 && range.upperBound <= entry.count,
      "The elements must lie within the tensor.")
    guard !range.isEmpty else { return }
    let first = entry.bytes.lowerBound + range.lowerBound * entry.format.byteCount
    let length = range.count * entry.format.byteCount
    // A mapping starts at a page of the file. Access beyond the end of the file would kill the
    // process.
    let lead = first % Int(sysconf(Int32(_SC_PAGESIZE)))
    let memory = mmap(
      nil, lead + length, PROT_READ, MAP_PRIVATE, descriptor, off_t(first - lead))
    guard let memory, memory != MAP_FAILED else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be mapped into memory", errno: errno)
    }
    defer { munmap(memory, lead + length) }
    guard let status = FileStatus(descriptor: descriptor), status.size >= first + length else {
      throw Failure(.inputOutput, "\(quoted(path)) has become shorter while it was read.")
    }
    madvise(memory, lead + length, MADV_WILLNEED)
    let start = memory + lead
    guard Int(bitPattern: start) % MemoryLayout<Number>.alignment != 0 else {
      let numbers = start.assumingMemoryBound(to: Number.self)
      return try body(UnsafeBufferPointer(start: numbers, count: range.count))
    }
    // In other programs' files, numbers need not be aligned.
    let copy = UnsafeMutableBufferPointer<Number>.allocate(capacity: range.count)
    defer { copy.deallocate() }
    UnsafeMutableRawBufferPointer(copy).copyMemory(
      from: UnsafeRawBufferPointer(start: start, count: length))
    try body(UnsafeBufferPointer(copy))
  }

  /// Reads the bytes of a whole tensor of any format.
  /// - Throws: `Failure` (inputOutput) if the file cannot be read.
  package func readBytes(
    _ entry: TensorEntry, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(Failure) {
    precondition(
      buffer.count == entry.bytes.count, "The buffer must have as many bytes as the tensor.")
    try Self.read(
      descriptor, into: UnsafeMutableRawBufferPointer(buffer), at: entry.bytes.lowerBound, path)
  }

  private static func read(
    _ descriptor: Int32, _ count: Int, at offset: Int, _ path: String
  ) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try read(descriptor, into: UnsafeMutableRawBufferPointer(buffer), at: offset, path)
    }
    return bytes
  }

  private static func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int, _ path: String
  ) throws(Failure) {
    let code = WholeTransfer.read(into: buffer, from: descriptor, at: offset)
    guard code == 0 else {
      throw .system(
        .inputOutput,
        "\(quoted(path)) cannot be read from byte \(offset) to \(offset + buffer.count)",
        errno: code)
    }
  }
}
