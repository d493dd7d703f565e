import Safetensors
import System

/// The statistics of a training set as a safetensors file, which Python reads through
/// `safetensors`.
///
/// Tensors: `covariance` [3, 3], `eigenvalues` [3], `eigenvectors` [3, 3] (one vector per row), all
/// F64 and of pixels scaled to [0, 1]; `mean` [side, side, 3] F32, 0 to 255.
struct StatisticsFile {
  var mean: [Float]
  var covariance: [[Double]]
  var colour: ColourComponents

  // The doubles come first so that they are aligned for any side.
  private static func tensors(side: Int) -> [(name: String, format: NumberFormat, shape: [Int])] {
    [
      ("covariance", .float64, [3, 3]), ("eigenvalues", .float64, [3]),
      ("eigenvectors", .float64, [3, 3]), ("mean", .float32, [side, side, 3]),
    ]
  }

  /// The bytes of the file.
  func encoded(side: Int) -> [UInt8] {
    var bytes = SafetensorsHeader(metadata: [:], tensors: Self.tensors(side: side)).encoded
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
      "\(quoted(path)) does not hold the statistics of \(side)x\(side) pictures; prepare the "
        + "dataset again."
    )
    guard
      let header = try? SafetensorsHeader(parsing: bytes, fileLength: bytes.count, path: path),
      header.tensors.map(\.name) == Self.tensors(side: side).map(\.name),
      header.tensors.map(\.format) == Self.tensors(side: side).map(\.format),
      header.tensors.map(\.shape) == Self.tensors(side: side).map(\.shape)
    else { throw wrong }
    let start = header.tensors[0].bytes.lowerBound
    let doubles = (0..<21).map { Double(bitPattern: bytes.number(UInt64.self, at: start + 8 * $0)) }
    let pixels = header.tensors[3].bytes.lowerBound
    mean = (0..<side * side * 3).map {
      Float(bitPattern: bytes.number(UInt32.self, at: pixels + 4 * $0))
    }
    guard doubles.allSatisfy(\.isFinite), mean.allSatisfy(\.isFinite) else { throw wrong }
    covariance = (0..<3).map { Array(doubles[3 * $0..<3 * $0 + 3]) }
    colour = ColourComponents(
      eigenvalues: Array(doubles[9..<12]),
      eigenvectors: (0..<3).map { Array(doubles[12 + 3 * $0..<15 + 3 * $0]) })
  }
}
