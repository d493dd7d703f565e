import AlexNet
import Layers
import Networks
import TestSupport
import Testing
import Towers

/// The first layer's kernels as a picture, against pixels worked out by hand.
@Suite struct KernelPictureTests {
  /// A kernel of 2 x 2 pixels: its weights, and what 127.5 + 127.5 w / max |w| makes of them, reds
  /// first, then greens and blues, row by row.
  private struct Kernel {
    var weights: [Float]
    var shades: [UInt8]
  }

  private static let kernels: [Kernel] = [
    Kernel(
      weights: [1, -1, 0.5, 0, 0, 0, 0, 0, -0.5, 0, 0, 1],
      shades: [255, 0, 191, 128, 128, 128, 128, 128, 64, 128, 128, 255]),
    // Each is scaled by itself: a quarter of the largest weight is 31.875 shades.
    Kernel(
      weights: [-4, 2, 1, 0, 3, -1, -2, -3, 0, 0, 0, 4],
      shades: [0, 191, 159, 128, 223, 96, 64, 32, 128, 128, 128, 255]),
    // Nothing is grey.
    Kernel(
      weights: [Float](repeating: 0, count: 12), shades: [UInt8](repeating: 128, count: 12)),
    Kernel(
      weights: [-0.125, -0.125, -0.125, -0.125, 0.125, 0.125, 0.125, 0.125, 0, 0, 0, 0],
      shades: [0, 0, 0, 0, 255, 255, 255, 255, 128, 128, 128, 128]),
  ]

  /// The first pixel that is not as expected; nil for none.
  ///
  /// Kernels of 2 x 2 pixels are enlarged 16 times, and stand at their upper left corners.
  private func difference(
    _ picture: KernelPicture, _ kernels: [Kernel], at corners: [(x: Int, y: Int)],
    width: Int, height: Int, background: UInt8 = 255
  ) -> String? {
    guard picture.width == width, picture.height == height,
      picture.pixels.count == width * height * 3
    else { return "\(picture.width) x \(picture.height), \(picture.pixels.count) values" }
    for y in 0..<height {
      for x in 0..<width {
        let number = corners.firstIndex {
          ($0.x..<$0.x + 32).contains(x) && ($0.y..<$0.y + 32).contains(y)
        }
        for colour in 0..<3 {
          var expected = background
          if let number {
            let (column, row) = ((x - corners[number].x) / 16, (y - corners[number].y) / 16)
            expected = kernels[number].shades[4 * colour + 2 * row + column]
          }
          let shade = picture.pixels[(y * width + x) * 3 + colour]
          if shade != expected { return "\(shade), not \(expected), at \(x), \(y), \(colour)" }
        }
      }
    }
    return nil
  }

  private func weights(_ kernels: some Sequence<Kernel>) -> [Float] { kernels.flatMap(\.weights) }

  /// 3 pixels lie around each kernel, 9 more between the towers.
  @Test func twoTowersOfTwoKernelsAreTwoBlocks() {
    let picture = KernelPicture(weights(Self.kernels), side: 2, towers: 2)
    #expect(
      difference(
        picture, Self.kernels, at: [(3, 3), (38, 3), (3, 47), (38, 47)], width: 73, height: 82)
        == nil)
  }

  @Test func rowsEndAfterSoManyColumnsInEachTower() {
    let picture = KernelPicture(
      weights(Self.kernels), side: 2, towers: 2, columns: 1, background: 7)
    #expect(
      difference(
        picture, Self.kernels, at: [(3, 3), (3, 38), (3, 82), (3, 117)], width: 38, height: 152,
        background: 7) == nil)
  }

  @Test func aTowerWithFewerKernelsLeavesRoom() {
    let three = Array(Self.kernels.prefix(3))
    let picture = KernelPicture(weights(three), side: 2, towers: 2)
    #expect(
      difference(picture, three, at: [(3, 3), (38, 3), (3, 47)], width: 73, height: 82) == nil)
  }

  /// The paper's kernels of 11 x 11 pixels are enlarged three times; large ones are not.
  @Test(arguments: [(2, 38), (11, 39), (16, 38), (17, 23), (33, 39), (40, 46)])
  func smallKernelsAreEnlarged(_ side: Int, _ length: Int) {
    let picture = KernelPicture(
      [Float](repeating: 1, count: 3 * side * side), side: side, towers: 1)
    #expect(picture.width == length && picture.height == length)
  }

  /// A diverged network is drawn, too: what is no number is black, and does not count.
  @Test func weightsThatAreNotFiniteAreBlack() {
    let kernels: [Kernel] = [
      Kernel(
        weights: [.nan, 2, -2, 1, -1, 0, .nan, 0, 0, 0, 0, 0],
        shades: [0, 255, 0, 191, 64, 128, 0, 128, 128, 128, 128, 128]),
      // Beside an infinite weight every other is nothing.
      Kernel(
        weights: [.infinity, 2, -2, 1, -.infinity, 0, .nan, 0, 0, 0, 0, 0],
        shades: [0, 128, 128, 128, 0, 128, 0, 128, 128, 128, 128, 128]),
    ]
    let picture = KernelPicture(weights(kernels), side: 2, towers: 1)
    #expect(difference(picture, kernels, at: [(3, 3), (38, 3)], width: 73, height: 38) == nil)
  }

  // MARK: A network's

  /// Kernels lie in memory as rows x columns x colours; pictures read colours x rows x columns.
  @Test func aNetworksKernelsAreThoseOfAllItsTowers() throws {
    let bench = try NetworkBench(SmallNetworks.alexNetLike(), images: 1)
    let kernels = try #require(FirstKernels(of: bench.network))
    let towers = bench.parameters(bench.network.specification.layers[0], .weight)
    var expected: [Float] = []
    for stored in towers.map({ $0.value.values() }) {
      for kernel in 0..<12 {
        for colour in 0..<3 {
          for pixel in 0..<25 { expected.append(stored[(kernel * 25 + pixel) * 3 + colour]) }
        }
      }
    }
    #expect(towers.count == 2 && kernels.side == 5 && kernels.weights == expected)
    #expect(kernels.owners == [Float](repeating: 1, count: 24))
    #expect(kernels.picture(towers: 2) == KernelPicture(expected, side: 5, towers: 2))
  }

  @Test func aNetworkThatBeginsOtherwiseHasNone() throws {
    for name in ["linear", "units first"] {
      let network = try #require(SmallNetworks.all.first { $0.name == name })
      let bench = try NetworkBench(network, images: 1)
      #expect(FirstKernels(of: bench.network)?.side == nil, "\(name)")
    }
  }

  /// Ranks add up what they own: each a tower, or all of them the same, or both.
  @Test func kernelsThatSeveralRanksOwnAreDrawnAsThoseOfOne() throws {
    let bench = try NetworkBench(SmallNetworks.alexNetLike(), images: 1)
    let whole = try #require(FirstKernels(of: bench.network))
    let length = 3 * 5 * 5
    /// What a rank with these kernels alone has.
    func owning(_ own: Range<Int>) -> FirstKernels {
      var part = whole
      for kernel in 0..<24 where !own.contains(kernel) {
        part.owners[kernel] = 0
        for i in kernel * length..<(kernel + 1) * length { part.weights[i] = 0 }
      }
      return part
    }
    func summed(_ parts: [FirstKernels]) -> FirstKernels {
      var sum = parts[0]
      for part in parts.dropFirst() {
        sum.weights = zip(sum.weights, part.weights).map { $0 + $1 }
        sum.owners = zip(sum.owners, part.owners).map { $0 + $1 }
      }
      return sum
    }
    let (picture, halves) = (whole.picture(towers: 2), [owning(0..<12), owning(12..<24)])
    #expect(summed(halves).picture(towers: 2) == picture)
    #expect(summed([whole, whole]).picture(towers: 2) == picture)
    #expect(summed(halves + halves + [whole]).picture(towers: 2) == picture)
    // A rank alone has only greys for the rest.
    let own = halves[0].picture(towers: 2)
    let half = own.pixels.count / 2
    #expect(own.pixels.prefix(half).elementsEqual(picture.pixels.prefix(half)))
    #expect(own.pixels.suffix(half).allSatisfy { $0 == 128 || $0 == 255 })
  }
}
