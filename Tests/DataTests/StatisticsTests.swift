import Data
import Foundation
import TestSupport
import Testing

@Suite("Mean image and colour components")
struct StatisticsTests {
  @Test("statistics are computed from the decoded training pictures", arguments: [8, 66])
  func exact(side: Int) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 12, "b": 9], side: side)
    try place.prepare { $0.side = side }
    let dataset = try place.dataset()
    let count = dataset.count(.train)
    let pictures = try (0..<count).map { try dataset.pixels(.train, $0) }
    for value in dataset.mean.indices {
      let sum = pictures.reduce(0) { $0 + Int($1[value]) }
      #expect(dataset.mean[value] == Float(Double(sum) / Double(count)))
    }
    // Two passes in Double, on pixels in [0, 1].
    let pixels = pictures.flatMap { picture in
      (0..<side * side).map { i in (0..<3).map { Double(picture[3 * i + $0]) / 255 } }
    }
    let mean = (0..<3).map { c in pixels.reduce(0) { $0 + $1[c] } / Double(pixels.count) }
    for x in 0..<3 {
      for y in 0..<3 {
        let sum = pixels.reduce(0) { $0 + ($1[x] - mean[x]) * ($1[y] - mean[y]) }
        #expect(abs(dataset.covariance[x][y] - sum / Double(pixels.count)) < 1e-12)
      }
    }
  }

  @Test("the components of a diagonal matrix are the axes")
  func diagonal() {
    let colour = ColourComponents(covariance: [[2, 0, 0], [0, 5, 0], [0, 0, 1]])
    #expect(colour.eigenvalues == [5, 2, 1])
    #expect(colour.eigenvectors == [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
  }

  @Test("the components of a matrix worked by hand are right")
  func byHand() {
    // (1, 1, 0) / sqrt 2 with 3, (0, 0, 1) with 2, (1, -1, 0) / sqrt 2 with 1.
    let colour = ColourComponents(covariance: [[2, 1, 0], [1, 2, 0], [0, 0, 2]])
    let root = 0.5.squareRoot()
    for (found, expected) in zip(colour.eigenvalues, [3.0, 2, 1]) {
      #expect(abs(found - expected) < 1e-14)
    }
    #expect(
      abs(colour.eigenvectors[0][0] - root) < 1e-14 && abs(colour.eigenvectors[0][1] - root) < 1e-14
    )
    #expect(colour.eigenvectors[1] == [0, 0, 1])
    #expect(abs(abs(colour.eigenvectors[2][0]) - root) < 1e-14)
  }

  @Test("A v = lambda v, and the components are orthonormal")
  func definition() {
    let matrix = [[0.0716, 0.0641, 0.0552], [0.0641, 0.0683, 0.0623], [0.0552, 0.0623, 0.0741]]
    let colour = ColourComponents(covariance: matrix)
    for i in 0..<3 {
      let vector = colour.eigenvectors[i]
      for row in 0..<3 {
        let product = (0..<3).reduce(0) { $0 + matrix[row][$1] * vector[$1] }
        #expect(abs(product - colour.eigenvalues[i] * vector[row]) < 1e-15)
      }
      for j in 0..<3 {
        let product = (0..<3).reduce(0) { $0 + vector[$1] * colour.eigenvectors[j][$1] }
        #expect(abs(product - (i == j ? 1 : 0)) < 1e-14)
      }
      #expect((vector.max { abs($0) < abs($1) } ?? 0) > 0)
    }
    #expect(
      colour.eigenvalues[0] > colour.eigenvalues[1] && colour.eigenvalues[1] > colour.eigenvalues[2]
    )
  }

  @Test("the statistics file follows the safetensors format")
  func safetensors() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3])
    try place.prepare()
    let bytes = try place.read("dataset/statistics.safetensors")
    let size = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    let header = try JSONSerialization.jsonObject(with: Foundation.Data(bytes[8..<8 + size]))
    let tensors = try #require(header as? [String: [String: Any]])
    #expect(Set(tensors.keys) == ["mean", "covariance", "eigenvalues", "eigenvectors"])
    let mean = try #require(tensors["mean"])
    #expect(mean["dtype"] as? String == "F32" && mean["shape"] as? [Int] == [8, 8, 3])
    let offsets = try #require(mean["data_offsets"] as? [Int])
    #expect(bytes.count == 8 + size + offsets[1])
    let start = 8 + size + offsets[0]
    let values = (0..<192).map { i in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + 4 * i + $1]) << (8 * $1) })
    }
    #expect(try place.dataset().mean == values)
  }
}
