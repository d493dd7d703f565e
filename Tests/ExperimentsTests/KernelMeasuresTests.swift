import Experiments
import Foundation
import Testing

@Suite struct KernelMeasuresTests {
  private static let side = 8

  /// A kernel as 3 x side x side weights.
  private func kernel(_ weight: (_ colour: Int, _ x: Int, _ y: Int) -> Double) -> [Float] {
    (0..<3).flatMap { colour in
      (0..<Self.side).flatMap { y in
        (0..<Self.side).map { x in Float(weight(colour, x, y)) }
      }
    }
  }

  private func grating(_ x: Int, _ y: Int) -> Double { cos(2 * .pi * 2 * Double(x) / 8) }

  @Test func colourAndOrientationOfKernelsWorkedByHand() {
    let spot = { (x: Int, y: Int) in
      exp(-(pow(Double(x) - 4, 2) + pow(Double(y) - 4, 2)) / 2)
    }
    let kernels = KernelMeasures(
      weights: [
        // Grey, one direction.
        kernel { _, x, y in grating(x, y) },
        // Grey, two directions at a right angle.
        kernel { _, x, y in grating(x, y) + grating(y, x) },
        // Red against green: no grey.
        kernel { colour, x, y in [1, -1, 0][colour] * spot(x, y) },
        // Red alone: grey is a third, and 2/3 of the squares are beside it.
        kernel { colour, x, y in colour == 0 ? grating(x, y) : 0 },
      ].flatMap { $0 }, side: Self.side, towers: 2)
    #expect(kernels.towers == [0..<2, 2..<4])
    let colours = kernels.colourShares
    for (share, expected) in zip(colours, [0, 0, 1, 2.0 / 3]) {
      #expect(abs(share - expected) < 1e-6, "\(colours)")
    }
    let directions = kernels.orientations
    #expect(abs(directions[0] - 1) < 1e-6 && abs(directions[3] - 1) < 1e-6, "\(directions)")
    #expect(directions[1] < 1e-6 && directions[2] < 1e-3, "\(directions)")
    #expect(abs(kernels.distance(colours) - 5.0 / 6) < 1e-6)
  }

  @Test func chanceIsTheShareOfAllDivisions() {
    let kernels = KernelMeasures(
      weights: [Float](repeating: 0, count: 6 * 3), side: 1, towers: 2)
    // Of the 20 ways to choose three of six, two are as far apart: the three largest here or there.
    let apart = [0.0, 1, 2, 10, 11, 12]
    let divisions = kernels.divisions(apart)
    #expect(abs(divisions.chance - 0.1) < 0.02)
    // |sum of three - sum of the others| / 3, over the ten ways: 30 once, and nine times the sum of
    // two small and a large one: 36 - 2 (x + y + z) with x + y in 1, 2, 3 and z in 10, 11, 12.
    var sum = 10.0
    for x in [1.0, 2, 3] {
      for z in [10.0, 11, 12] { sum += abs(36 - 2 * (x + z)) / 3 }
    }
    #expect(abs(divisions.mean - sum / 10) < 0.1)
    // Equal kernels: every division is as far apart, not at all.
    #expect(kernels.divisions([1, 1, 1, 1, 1, 1]).chance == 1)
    // None is ever as far apart, but for the one that there is.
    let many = KernelMeasures(weights: [Float](repeating: 0, count: 40 * 3), side: 1, towers: 2)
    #expect(many.divisions((0..<40).map { $0 < 20 ? 0 : 1 }, count: 99).chance == 0.01)
  }
}
