import Kernels
import Layers
import TestSupport
import Testing

/// The same source compiled for each instruction set computes the same: what differs is that a
/// fused multiplication and addition is rounded once.
@Suite struct InstructionSetTests {
  private let plain = KernelSet.available[0]

  /// Whether there is a set to compare the baseline with.
  static let hasOthers = KernelSet.available.count > 1
  private static let baselineAlone: Comment = "this processor has the baseline's instructions alone"

  private func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var random = SmallRandom(seed)
    return random.uniforms(count)
  }

  private func expectClose(_ a: [Float], _ b: [Float], _ name: String) {
    #expect(relativeError(a, b) < 1e-6, "\(name)")
  }

  @Test func theBaselineSetIsAlwaysAvailable() {
    #expect(plain.name == "baseline")
    #expect(KernelSet.best.name == KernelSet.available.last?.name)
  }

  @Test(.enabled(if: hasOthers, baselineAlone), arguments: [5, 48, 70])
  func normalizationAgrees(maps: Int) {
    let shape = NormalizationShape(maps: maps, half: 2, constant: 2, scale: 0.5, exponent: 0.75)
    let pixels = 21
    let (x, dy) = (numbers(pixels * maps, seed: 1), numbers(pixels * maps, seed: 2))
    func run(_ set: KernelSet) -> ([Float], [Float]) {
      var (y, dx) = (x, x)
      set.normalize(shape, x, pixels, &y)
      set.normalizationGradient(shape, x, dy, pixels, &dx)
      return (y, dx)
    }
    let expected = run(plain)
    for set in KernelSet.available.dropFirst() {
      let actual = run(set)
      expectClose(actual.0, expected.0, set.name)
      expectClose(actual.1, expected.1, set.name)
    }
  }

  @Test(arguments: [1, 8, 19], [(3, 1), (16, 2), (45, 4), (33, 15)])
  func rowProductsAreSums(rows: Int, _ x: (length: Int, vectors: Int)) {
    let (length, vectors, stride) = (x.length, x.vectors, rows + 2)
    let (w, x) = (numbers(rows * length, seed: 5), numbers(vectors * length, seed: 6))
    for set in KernelSet.available {
      for accumulates in [false, true] {
        var y = numbers(vectors * stride, seed: 7)
        let before = y
        set.rowProducts(w, rows, length, x, vectors, accumulates, &y, stride)
        for vector in 0..<vectors {
          for row in 0..<stride {
            let place = vector * stride + row
            guard row < rows else {
              #expect(y[place] == before[place])
              continue
            }
            let sum = (0..<length).reduce(accumulates ? Double(before[place]) : 0) {
              $0 + Double(w[row * length + $1]) * Double(x[vector * length + $1])
            }
            #expect(abs(Double(y[place]) - sum) < 1e-5, "\(set.name), row \(row)")
          }
        }
      }
    }
  }

  /// Worked by hand: ties go to the even number, and what is no number stays none.
  @Test(arguments: [1, 3, 16, 100]) func numbersAreRoundedTo16Bits(count: Int) {
    let cases: [(Float, UInt16)] = [
      (1, 0x3F80), (-2, 0xC000), (0, 0), (-0.0, 0x8000), (.infinity, 0x7F80),
      (Float(bitPattern: 0x3F80_7FFF), 0x3F80), (Float(bitPattern: 0x3F80_8000), 0x3F80),
      (Float(bitPattern: 0x3F80_8001), 0x3F81), (Float(bitPattern: 0x3F81_8000), 0x3F82),
      (Float(bitPattern: 0x7FFF_FFFF), 0x7FFF), (Float(bitPattern: 0xFF80_0001), 0xFFC0),
      (Float(bitPattern: 0x7F7F_FFFF), 0x7F80), (Float(bitPattern: 1), 0),
    ]
    let low = (0..<count).map { cases[$0 % cases.count] }
    let high = (0..<count).map { cases[($0 * 5 + 2) % cases.count] }
    for set in KernelSet.available {
      var halves = [UInt16](repeating: 7, count: count + 1)
      set.narrow(low.map(\.0), count, &halves)
      #expect(halves == low.map(\.1) + [7], "\(set.name)")
      var words = [UInt32](repeating: 7, count: count + 1)
      set.narrowPairs(low.map(\.0), high.map(\.0), count, &words)
      #expect(
        words == zip(low, high).map { UInt32($1.1) << 16 | UInt32($0.1) } + [7], "\(set.name)")
      set.narrowPairs(low.map(\.0), nil, count, &words)
      #expect(words == low.map { UInt32($0.1) } + [7], "\(set.name)")
    }
  }

  @Test(arguments: [1, 5, 8, 19]) func narrowProductsAgree(rows: Int) {
    let blocks = 3
    let pairs = numbers(rows * blocks * 16, seed: 5).map { number -> UInt32 in
      let bits = number.bitPattern
      return bits & 0xFFFF_0000 | (bits &* 0x9E37) >> 20 | 0x3F00
    }
    let x = numbers(blocks * 32, seed: 6)
    func run(_ set: KernelSet) -> ([Float], [Float]) {
      var (y, wide) = (numbers(rows, seed: 7), [Float](repeating: 0, count: 2 * pairs.count))
      set.narrowProducts(pairs, rows, blocks, x, true, &y)
      set.widen(pairs, rows * blocks, &wide)
      return (y, wide)
    }
    let expected = run(plain)
    let first = pairs[0]
    #expect(expected.1[0] == Float(bitPattern: first << 16))
    #expect(expected.1[16] == Float(bitPattern: first & 0xFFFF_0000))
    for row in 0..<rows {
      let sum = (0..<blocks * 32).reduce(Double(numbers(rows, seed: 7)[row])) {
        $0 + Double(expected.1[row * blocks * 32 + $1]) * Double(x[$1])
      }
      #expect(abs(Double(expected.0[row]) - sum) < 1e-4)
    }
    for set in KernelSet.available.dropFirst() {
      expectClose(run(set).0, expected.0, set.name)
      #expect(run(set).1 == expected.1)
    }
  }

  @Test(.enabled(if: hasOthers, baselineAlone), arguments: [3, 16, 50])
  func poolsAndRectifiersAreEqual(maps: Int) {
    let grid = PoolGrid(
      height: 9, width: 8, outputHeight: 4, outputWidth: 4, maps: maps, size: 3, stride: 2,
      padding: 0)
    let x = numbers(9 * 8 * maps, seed: 3)
    let dy = numbers(16 * maps, seed: 4)
    func run(_ set: KernelSet) -> [[Float]] {
      var y = [Float](repeating: 0, count: 16 * maps)
      var winner = [UInt8](repeating: 0, count: y.count)
      var (dx, positive, gradient) = (x, x, x)
      set.maximum(grid, x, &y, &winner)
      set.maximumGradient(grid, dy, winner, &dx)
      set.rectify(x, x.count, &positive)
      set.rectifierGradient(positive, x, x.count, &gradient)
      return [y, winner.map { Float($0) }, dx, positive, gradient]
    }
    let expected = run(plain)
    for set in KernelSet.available.dropFirst() { #expect(run(set) == expected, "\(set.name)") }
  }

  @Test(.enabled(if: hasOthers, baselineAlone)) func directConvolutionsAgree() {
    let grid = DirectGrid(
      outputHeight: 3, outputWidth: 8, kernels: 32, size: 3, stride: 2, maps: 3, rowLength: 51)
    let x = numbers(7 * 51, seed: 10)
    let (weights, bias) = (numbers(grid.taps * 32, seed: 11), numbers(32, seed: 12))
    let dy = numbers(3 * 8 * 32, seed: 13)
    func run(_ set: KernelSet) -> ([Float], [Float]) {
      var (y, gradient) = (dy, weights)
      set.directForward(grid, x, weights, bias, &y)
      set.directWeightGradient(grid, x, dy, &gradient)
      return (y, gradient)
    }
    let expected = run(plain)
    for set in KernelSet.available.dropFirst() {
      let actual = run(set)
      expectClose(actual.0, expected.0, set.name)
      expectClose(actual.1, expected.1, set.name)
    }
  }

  @Test(
    .enabled(if: hasOthers, baselineAlone),
    arguments: [(6, 2), (6, 4), (7, 3), (7, 5), (8, 4), (8, 6), (9, 7)])
  func tilesAgree(size: Int, outputs: Int) {
    let maps = 32
    let kernel = size - outputs + 1
    let grid = TileGrid(
      height: 11, width: 13, outputHeight: 11 + 2 - kernel + 1, outputWidth: 13 + 2 - kernel + 1,
      padding: 1, size: size, outputs: outputs)
    let x = numbers(11 * 13 * maps, seed: 5)
    let dy = numbers(grid.outputHeight * grid.outputWidth * maps, seed: 6)
    let bias = numbers(maps, seed: 7)
    let (c, a) = (numbers(64, seed: 8), numbers(64, seed: 9))
    func run(_ set: KernelSet) -> [[Float]] {
      var v = [Float](repeating: 0, count: grid.points * grid.tiles * maps)
      var (m, y, dx) = (v, dy, x)
      func storage(_ start: UnsafeMutablePointer<Float>) -> TileStorage {
        TileStorage(start: start, pointStride: grid.tiles * maps, maps: maps)
      }
      v.withUnsafeMutableBufferPointer { v in
        m.withUnsafeMutableBufferPointer { m in
          guard let v = v.baseAddress, let m = m.baseAddress else { return }
          set.tilesFromInput(grid, x, c, storage(v))
          set.outputFromTiles(grid, storage(v), a, bias, true, &y)
          set.tilesFromOutput(grid, dy, a, storage(m))
          set.inputFromTiles(grid, storage(m), c, &dx)
        }
      }
      return [v, m, y, dx]
    }
    let expected = run(plain)
    for set in KernelSet.available.dropFirst() {
      for (actual, expected) in zip(run(set), expected) { expectClose(actual, expected, set.name) }
    }
  }
}
