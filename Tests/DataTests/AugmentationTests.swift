import Data
import Foundation
import System
import Tensors
import TestSupport
import Testing

/// A batch taken apart again: for each picture, where its crop was, whether it was mirrored, and
/// what colour was added, found by trying all places against the plain formula.
@Suite("Augmentation")
struct AugmentationTests {
  static let side = 12
  static let inputSide = 8

  struct Finding: Equatable {
    var place: [Int]
    var isMirrored: Bool
    var shift: [Double]
  }

  @Test("parts of an augmentation can be had one by one")
  func parts() {
    let code = Augmentation.code2012
    #expect(code.keeping(Set(Augmentation.Part.allCases)) == code)
    #expect(code.keeping([]) == Augmentation(crop: .centre, mirror: false, meanPlace: .centre))
    let letters = code.keeping([.crop, .colour])
    #expect(!letters.mirror && letters.crop == .random && letters.colourNoise == 0.1)
    #expect(letters.cropChunk == 32 && letters.colourNoiseEndEpoch == 67)
    #expect(
      Augmentation.paper.keeping([.mirror]) == Augmentation(crop: .centre, mirror: true))
  }

  private func prepared() throws -> Dataset {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 40, "b": 40], side: Self.side)
    try place.prepare { $0.side = Self.side }
    // The files stay open, so that the folder may go.
    return try place.dataset()
  }

  private func batches(
    _ dataset: Dataset, _ augmentation: Augmentation, steps: Int, firstStep: Int = 0,
    seed: UInt64 = 1
  ) throws -> [[Float]] {
    let loader = try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled, augmentation: augmentation,
      inputSide: Self.inputSide, batchSize: 32, firstStep: firstStep, seed: seed, threads: 2)
    return try (0..<steps).flatMap { _ in
      let batch = try loader.next()
      let size = Self.inputSide * Self.inputSide * 3
      return (0..<batch.count).map { Array(batch.input.elements[$0 * size..<($0 + 1) * size]) }
    }
  }

  /// Tries every picture, place and mirror image.
  private func find(
    _ input: [Float], _ dataset: Dataset, _ pictures: [[UInt8]], meanAtCentre: Bool = false,
    divisor: Double = 1
  ) -> Finding? {
    let (side, size) = (Self.side, Self.inputSide)
    var found: [Finding] = []
    for picture in pictures {
      for y0 in 0...side - size {
        for x0 in 0...side - size {
          for isMirrored in [false, true] {
            func rest(_ x: Int, _ y: Int, _ c: Int) -> Double {
              let column = x0 + (isMirrored ? size - 1 - x : x)
              let pixel = Double(picture[((y0 + y) * side + column) * 3 + c])
              let mean =
                meanAtCentre
                ? dataset.mean[((y + (side - size) / 2) * side + x + (side - size) / 2) * 3 + c]
                : dataset.mean[((y0 + y) * side + column) * 3 + c]
              return Double(input[(y * size + x) * 3 + c]) * divisor - (pixel - Double(mean))
            }
            let shift = (0..<3).map { rest(0, 0, $0) }
            // Noise differs by a hundred on average: two pixels are enough to tell most places from
            // others.
            guard abs(rest(1, 0, 0) - shift[0]) < 0.001 else { continue }
            let isConstant = (0..<size * size * 3).allSatisfy {
              abs(rest($0 / 3 % size, $0 / 3 / size, $0 % 3) - shift[$0 % 3]) < 0.001
            }
            if isConstant {
              found.append(Finding(place: [x0, y0], isMirrored: isMirrored, shift: shift))
            }
          }
        }
      }
    }
    #expect(found.count == 1)
    return found.first
  }

  private func pictures(_ dataset: Dataset) throws -> [[UInt8]] {
    try (0..<dataset.count(.train)).map { try dataset.pixels(.train, $0) }
  }

  @Test("without augmentation the input is the centre crop minus the mean")
  func none() throws {
    let dataset = try prepared()
    for input in try batches(dataset, .none, steps: 2) {
      let finding = try #require(find(input, dataset, try pictures(dataset)))
      #expect(finding.place == [2, 2] && !finding.isMirrored)
      #expect(finding.shift.allSatisfy { abs($0) < 1e-4 })
    }
  }

  @Test("paper: each picture has its own crop, mirroring and colour shift")
  func paper() throws {
    let dataset = try prepared()
    let pictures = try pictures(dataset)
    let findings = try batches(dataset, .paper, steps: 12).compactMap {
      find($0, dataset, pictures)
    }
    #expect(findings.count == 384)
    // 25 places, 15 expected at each with deviation 3.8; 192 mirrored with deviation 9.8.
    let counts = Dictionary(grouping: findings, by: \.place).mapValues(\.count)
    #expect(counts.count == 25 && counts.values.allSatisfy { (2...34).contains($0) })
    #expect((140...244).contains(findings.count { $0.isMirrored }))
    check(findings, dataset) { $0 }
  }

  @Test(
    "code2012: 32 pictures share a crop, the mean's centre is subtracted, divided by 1.1"
  )
  func code2012() throws {
    let dataset = try prepared()
    let pictures = try pictures(dataset)
    let findings = try batches(dataset, .code2012, steps: 12)
      .compactMap { find($0, dataset, pictures, meanAtCentre: true, divisor: 1.1) }
    #expect(findings.count == 384)
    var chunks: Set<String> = []
    for chunk in 0..<12 {
      let own = findings[32 * chunk..<32 * (chunk + 1)]
      #expect(
        own.allSatisfy { $0.place == own.first?.place && $0.isMirrored == own.first?.isMirrored })
      chunks.insert("\(own.first?.place ?? []) \(own.first?.isMirrored ?? false)")
    }
    #expect(chunks.count > 6)
    check(findings, dataset) { $0.squareRoot() }
  }

  /// alpha_i, recovered from the shift, has mean 0 and deviation 0.1 along each component,
  /// independently.
  private func check(_ findings: [Finding], _ dataset: Dataset, scale: (Double) -> Double) {
    var alphas: [[Double]] = [[], [], []]
    for finding in findings {
      for i in 0..<3 {
        let vector = dataset.colour.eigenvectors[i]
        let along = (0..<3).reduce(0) { $0 + vector[$1] * finding.shift[$1] / 255 }
        alphas[i].append(along / scale(dataset.colour.eigenvalues[i]))
      }
    }
    let count = Double(findings.count)
    for i in 0..<3 {
      #expect(abs(alphas[i].reduce(0, +) / count) < 0.025)
      for j in 0..<3 {
        let product = zip(alphas[i], alphas[j]).reduce(0) { $0 + $1.0 * $1.1 } / count
        #expect(abs(product - (i == j ? 0.01 : 0)) < 0.003)
      }
    }
  }

  @Test("noise and division end exactly at the start of their epoch")
  func end() throws {
    let dataset = try prepared()
    let pictures = try pictures(dataset)
    var augmentation = Augmentation.code2012
    // Epochs count from 1: the first has noise, the second none.
    augmentation.colourNoiseEndEpoch = 2
    // 72 pictures: the third batch of 32 straddles the end of the first epoch after 8, and is read
    // ahead while the second is used.
    let inputs = try batches(dataset, augmentation, steps: 4)
    // A run that goes on there sees the same.
    #expect(
      try batches(dataset, augmentation, steps: 2, firstStep: 2) == Array(inputs[64...]))
    for (number, input) in inputs.enumerated().dropFirst(48) {
      let isNoisy = number < 72
      let finding = try #require(
        find(input, dataset, pictures, meanAtCentre: true, divisor: isNoisy ? 1.1 : 1))
      #expect(finding.shift.contains { abs($0) > 1e-3 } == isNoisy)
    }
  }

  @Test("augmentation depends on the seed, and presets survive JSON")
  func seeds() throws {
    let dataset = try prepared()
    let first = try batches(dataset, .paper, steps: 3)
    #expect(try batches(dataset, .paper, steps: 3) == first)
    #expect(try batches(dataset, .paper, steps: 3, seed: 2) != first)
    for preset in [Augmentation.paper, .code2012, .none] {
      let back = try JSONDecoder().decode(Augmentation.self, from: try JSONEncoder().encode(preset))
      #expect(back == preset)
    }
  }
}
