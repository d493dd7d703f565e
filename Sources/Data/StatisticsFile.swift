import Failures
import Foundation

/// The statistics of a training set as a safetensors file, which numpy reads through `safetensors`.
///
/// Tensors: `covariance` [3, 3], `eigenvalues` [3], `eigenvectors` [3, 3] (a row a vector), all F64 and of
/// pixels scaled to [0, 1]; `mean` [side, side, 3] F32, 0 to 255. The file: the header's length (64 bits,
/// little-endian), the header in JSON, the tensors' bytes without gaps.
struct StatisticsFile {
  var mean: [Float]
  var covariance: [[Double]]
  var colour: ColourComponents

  private struct Header: Decodable {
    struct Entry: Decodable, Equatable {
      let dtype: String
      let shape: [Int]
      let data_offsets: [Int]
    }
    let covariance: Entry
    let eigenvalues: Entry
    let eigenvectors: Entry
    let mean: Entry
  }

  // The doubles come first: they stay aligned whatever the side is.
  private static func entries(side: Int) -> [(name: String, entry: Header.Entry)] {
    [
      ("covariance", .init(dtype: "F64", shape: [3, 3], data_offsets: [0, 72])),
      ("eigenvalues", .init(dtype: "F64", shape: [3], data_offsets: [72, 96])),
      ("eigenvectors", .init(dtype: "F64", shape: [3, 3], data_offsets: [96, 168])),
      (
        "mean",
        .init(dtype: "F32", shape: [side, side, 3], data_offsets: [168, 168 + side * side * 12])
      ),
    ]
  }

  /// The bytes of the file.
  func encoded(side: Int) -> [UInt8] {
    let fields = Self.entries(side: side).map { name, entry in
      "\"\(name)\":{\"dtype\":\"\(entry.dtype)\",\"shape\":\(entry.shape),"
        + "\"data_offsets\":\(entry.data_offsets)}"
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8.filter { $0 != UInt8(ascii: " ") })
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    var bytes: [UInt8] = []
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += header
    let doubles =
      covariance.flatMap { $0 } + colour.eigenvalues + colour.eigenvectors.flatMap { $0 }
    for number in doubles {
      withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    for number in mean {
      withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  init(mean: [Float], covariance: [[Double]], colour: ColourComponents) {
    self.mean = mean
    self.covariance = covariance
    self.colour = colour
  }

  /// Reads the bytes of a file whose mean image has `side * side` pixels.
  /// - Throws: `Failure` (bad data) that names the path.
  init(_ bytes: [UInt8], side: Int, path: String) throws(Failure) {
    let wrong = Failure(
      .badData,
      "\(quoted(path)) does not hold the statistics of \(side)x\(side) pictures; prepare the dataset again."
    )
    guard bytes.count >= 8 else { throw wrong }
    let headerSize = bytes.number(UInt64.self, at: 0)
    guard headerSize <= 1 << 20, headerSize <= UInt64(bytes.count - 8) else { throw wrong }
    let start = 8 + Int(headerSize)
    let header: Header
    do {
      header = try JSONDecoder().decode(Header.self, from: Foundation.Data(bytes[8..<start]))
    } catch { throw wrong }
    let found = [header.covariance, header.eigenvalues, header.eigenvectors, header.mean]
    guard found == Self.entries(side: side).map(\.entry),
      bytes.count - start == header.mean.data_offsets[1]
    else { throw wrong }
    let doubles = (0..<21).map { Double(bitPattern: bytes.number(UInt64.self, at: start + 8 * $0)) }
    mean = (0..<side * side * 3).map {
      Float(bitPattern: bytes.number(UInt32.self, at: start + 168 + 4 * $0))
    }
    guard doubles.allSatisfy(\.isFinite), mean.allSatisfy(\.isFinite) else { throw wrong }
    covariance = (0..<3).map { Array(doubles[3 * $0..<3 * $0 + 3]) }
    colour = ColourComponents(
      eigenvalues: Array(doubles[9..<12]),
      eigenvectors: (0..<3).map { Array(doubles[12 + 3 * $0..<15 + 3 * $0]) })
  }
}
