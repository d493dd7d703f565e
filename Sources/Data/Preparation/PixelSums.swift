/// The integer sums from which the mean image and the colour covariance are computed.
///
/// Integers add up the same in any order. So the statistics do not depend on the number of threads
/// or machines, and only the last division rounds.
final class PixelSums {
  private let side: Int
  /// The number of pictures added.
  private(set) var count: UInt64 = 0
  private var sums: [UInt64]
  // 255 times 2^24 fits 32 bits, and 32-bit sums are twice as fast.
  private var recent: [UInt32]
  private var recentCount = 0
  private var channels: [UInt64] = [0, 0, 0]
  // Sums of RR, RG, RB, GG, GB, BB.
  private var products: [UInt64] = [0, 0, 0, 0, 0, 0]

  init(side: Int) {
    // Row sums of products are kept in 32 bits.
    precondition(
      side > 0 && side <= 65_536, "The side must be from 1 to 65536 pixels, not \(side).")
    self.side = side
    sums = Array(repeating: 0, count: side * side * 3)
    recent = Array(repeating: 0, count: side * side * 3)
  }

  /// Adds a picture of `side * side` RGB pixels.
  func add(_ pixels: UnsafeBufferPointer<UInt8>) {
    precondition(pixels.count == sums.count, "All pictures must have the same size.")
    recent.withUnsafeMutableBufferPointer { recent in
      for i in recent.indices { recent[i] &+= UInt32(pixels[i]) }
    }
    for row in 0..<side {
      var (r1, g1, b1): (UInt32, UInt32, UInt32) = (0, 0, 0)
      var (rr, rg, rb, gg, gb, bb): (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0, 0, 0, 0, 0, 0
      )
      for i in row * side..<(row + 1) * side {
        let (r, g, b) = (
          UInt32(pixels[3 * i]), UInt32(pixels[3 * i + 1]), UInt32(pixels[3 * i + 2])
        )
        r1 &+= r
        g1 &+= g
        b1 &+= b
        rr &+= r &* r
        rg &+= r &* g
        rb &+= r &* b
        gg &+= g &* g
        gb &+= g &* b
        bb &+= b &* b
      }
      for (i, sum) in [r1, g1, b1].enumerated() { channels[i] += UInt64(sum) }
      for (i, sum) in [rr, rg, rb, gg, gb, bb].enumerated() { products[i] += UInt64(sum) }
    }
    count += 1
    recentCount += 1
    if recentCount == 1 << 24 { settle() }
  }

  /// Adds the sums of another object.
  func add(_ other: PixelSums) {
    other.settle()
    for i in sums.indices { sums[i] += other.sums[i] }
    for i in channels.indices { channels[i] += other.channels[i] }
    for i in products.indices { products[i] += other.products[i] }
    count += other.count
  }

  /// All sums in one list, for adding to those of other processes.
  var numbers: [UInt64] {
    get {
      settle()
      return sums + channels + products + [count]
    }
    set {
      precondition(
        newValue.count == sums.count + 10, "The sums must be of pictures of the same size.")
      settle()
      let rest = newValue[sums.count...]
      sums = Array(newValue[..<sums.count])
      channels = Array(rest.prefix(3))
      products = Array(rest.dropFirst(3).prefix(6))
      count = newValue[newValue.count - 1]
    }
  }

  /// The mean of each value of each pixel, 0 to 255, rows from the top, RGB.
  func mean() -> [Float] {
    settle()
    return sums.map { Float(Double($0) / Double(max(1, count))) }
  }

  /// The covariance of R, G and B over all pixels of all pictures, on a scale where white is 1.
  ///
  /// cov(x, y) = (n sum(xy) - sum(x) sum(y)) / n^2, the numerator exact.
  func covariance() -> [[Double]] {
    let n = UInt128(count) * UInt128(side * side)
    guard n > 0 else { return [[0, 0, 0], [0, 0, 0], [0, 0, 0]] }
    let order = [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
    return (0..<3).map { x in
      (0..<3).map { y in
        let numerator =
          Int128(n * UInt128(products[order[x][y]]))
          - Int128(UInt128(channels[x]) * UInt128(channels[y]))
        return Double(numerator) / (Double(n) * Double(n)) / (255 * 255)
      }
    }
  }

  private func settle() {
    for i in sums.indices {
      sums[i] += UInt64(recent[i])
      recent[i] = 0
    }
    recentCount = 0
  }
}
