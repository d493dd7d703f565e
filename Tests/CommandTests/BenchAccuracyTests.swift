import TestSupport
import Testing

/// `alexnet bench --accuracy`, run as a user runs it: a small network's convolutions at their real
/// shapes, for two images.
@Suite struct BenchAccuracyTests {
  @Test func everyConvolutionIsComparedForEachAlgorithm() throws {
    let outcome = try Program.alexnet("bench", "--network", "cifar-four-layer", "--accuracy")
    #expect(outcome.code == 0, "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines.first
        == "cifar-four-layer: relative norm of the error against double precision, 2 images.")
    let rows = lines.dropFirst(2).map { $0.split(separator: " ").map(String.init) }
    #expect(rows.allSatisfy { $0.count == 5 }, "\(outcome.output)")
    #expect(
      rows.compactMap(\.first) == ["conv1", "conv1", "conv2", "conv2", "conv3", "conv3"],
      "\(outcome.output)")
    for (number, row) in rows.enumerated() where row.count == 5 {
      // What is chosen automatically comes first: few maps are convolved directly, others in tiles.
      let isPatches = !number.isMultiple(of: 2)
      let title = isPatches ? "patches" : row[0] == "conv1" ? "direct" : "F("
      #expect(row[1].hasPrefix(title), "\(row)")
      // Nothing asks for a gradient by the image.
      #expect((row[3] == "-") == (row[0] == "conv1"), "\(row)")
      // Single precision has 24 bits, of which products of patches lose few; no error at all would
      // be that of a comparison with itself.
      let limit = isPatches ? 1e-6 : 1e-5
      for word in row.dropFirst(2) where word != "-" {
        let error = Double(word) ?? .nan
        #expect(error > 1e-9 && error < limit, "\(row)")
      }
    }
  }
}
