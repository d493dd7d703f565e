import System

/// An array of bytes with its dimensions, as the MNIST family of datasets stores it: two zero
/// bytes, the type (8 for bytes), the number of dimensions, each dimension (32 bits, big-endian),
/// the values.
struct IDXFile {
  let dimensions: [Int]
  let values: [UInt8]

  // Unpacked at most 1 GiB (EMNIST by class has half of that); uncompressed files at most 8 GiB.
  private static let (mostUnpacked, mostPlain) = (1 << 30, 1 << 33)

  /// Reads a file, plain or compressed with gzip.
  /// - Parameters:
  ///   - path: The file.
  ///   - dimensionCount: The number of dimensions it must have.
  ///   - bytesOfValue: 1, or 4 for big-endian integers, whose bytes become the values.
  ///   - check: Refuses unsuitable dimensions before any value is unpacked.
  /// - Throws: `Failure` (input missing, bad data) that names the path, and what `check` throws.
  init(
    reading path: String, dimensionCount: Int, bytesOfValue: Int = 1,
    check: (_ dimensions: [Int]) throws(Failure) -> Void = { _ in }
  ) throws(Failure) {
    let file = try CompressedFile(opening: path)
    let header = try Self.read(4 + 4 * dimensionCount, from: file)
    guard header.count == 4 + 4 * dimensionCount, header[0...1] == [0, 0],
      header[2] == (bytesOfValue == 1 ? 8 : 12), Int(header[3]) == dimensionCount
    else {
      throw Failure(
        .badData,
        "\(quoted(path)) is not an IDX file of \(bytesOfValue == 1 ? "bytes" : "whole numbers") "
          + "with \(dimensionCount) dimensions; download it again."
      )
    }
    dimensions = (1...dimensionCount).map { place in
      header[4 * place..<4 * place + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let length = FileStatus(path)?.size ?? 0
    let most = max(Self.mostUnpacked, min(length, Self.mostPlain))
    var count = bytesOfValue
    for dimension in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard dimension > 0, !overflow, product <= most else {
        throw Failure(
          .badData,
          "\(quoted(path)) says that its dimensions are \(dimensions), more than the \(most >> 20) "
            + "MiB that are read from it; if they are right, unpack it with gunzip.")
      }
      count = product
    }
    try check(dimensions)
    values = try Self.read(count, from: file)
    guard values.count == count else {
      throw Failure(
        .badData,
        "\(quoted(path)) ends after \(values.count) of \(count) values; download it again.")
    }
    guard try Self.read(1, from: file).isEmpty else {
      throw Failure(.badData, "\(quoted(path)) is longer than its dimensions \(dimensions) say.")
    }
  }

  // Read in pieces, so that memory is allocated only for data that exists, whatever the header
  // claims.
  private static func read(_ count: Int, from file: CompressedFile) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(count, 1 << 20), alignment: 16)
    defer { piece.deallocate() }
    while bytes.count < count {
      let wanted = UnsafeMutableRawBufferPointer(
        rebasing: piece[..<min(piece.count, count - bytes.count)])
      let read = try file.read(into: wanted)
      bytes.append(contentsOf: wanted[..<read])
      if read < wanted.count { break }
    }
    return bytes
  }
}
