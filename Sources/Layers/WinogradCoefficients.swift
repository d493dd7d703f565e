import Tensors

/// The matrices of Winograd's algorithm (Cook-Toom) for one tile size and kernel size.
///
/// With n = outputs + kernel - 1 points a_0 ... a_(n-2) and infinity, the outputs of a tile are y =
/// A^T [(G g G^T) . (B^T x B)] A, with A^T_ij = a_j^i, G_jk = a_j^k / N_j for N_j the product of
/// a_j - a_l over the other points, and row j of B^T the coefficients of the product of (z - a_l)
/// over the other points; the point at infinity picks the highest power. (Lavin and Gray, Fast
/// algorithms for convolutional neural networks, 2016; Winograd 1980.) The points are 0 for even n,
/// and pairs +-a, so that rows come in pairs of which each is half computed by the other.
struct WinogradCoefficients {
  /// Numbers along each axis of a tile, n.
  let size: Int
  /// Outputs along each axis of a tile.
  let outputs: Int
  /// B^T in the order that the kernels read (`TileSize.toPoints`): the row of 0, for each pair the
  /// powers that its two rows share and those that differ in sign, the row of infinity.
  let input: Tensor
  /// The power i of each pair's point, by i: what is left of A.
  let output: Tensor
  /// G, size x kernel, row by row.
  let kernel: Tensor

  /// The tile sizes that the inner loops know, with their outputs for a kernel of `kernelSize`.
  static func available(kernelSize: Int) -> [(size: Int, outputs: Int)] {
    guard kernelSize == 3 || kernelSize == 5 else { return [] }
    // Larger ones are faster still, but F(7,5) has an error of 4e-5: among two nearly equal numbers
    // of a pool it takes the other one more often than single precision has to.
    return (6...(kernelSize == 3 ? 9 : 8)).map { ($0, $0 - kernelSize + 1) }
  }

  /// The positive points of each pair, by a tile's size: of the fractions that single precision
  /// holds exactly, those with the least error where several were tried.
  private static func magnitudes(size: Int) -> [Double] {
    switch size {
    case 6: [1, 2]
    case 7, 8: [1, 2, 1 / 2]
    default: [1 / 4, 5 / 8, 5 / 4, 2]
    }
  }

  init(size: Int, outputs: Int) {
    self.size = size
    self.outputs = outputs
    let hasZero = size % 2 == 0
    let pairs = (size - 1) / 2
    let magnitudes = Self.magnitudes(size: size)
    var points: [Double] = hasZero ? [0] : []
    for magnitude in magnitudes { points += [magnitude, -magnitude] }
    let kernelSize = size - outputs + 1

    var rows: [[Double]] = []
    var kernel: [[Double]] = []
    for (j, point) in points.enumerated() {
      let others = points.enumerated().filter { $0.offset != j }.map(\.element)
      let scale = others.reduce(1) { $0 * (point - $1) }
      rows.append(Self.product(of: others))
      kernel.append((0..<kernelSize).map { Self.power(point, $0) / scale })
    }
    rows.append(Self.product(of: points))
    kernel.append((0..<kernelSize).map { $0 == kernelSize - 1 ? 1 : 0 })
    Self.balance(&rows, &kernel)
    self.kernel = Tensor(size, kernelSize)
    for (i, number) in kernel.joined().enumerated() { self.kernel.pointer[i] = Float(number) }

    // Even powers of a pair's rows are equal with a zero among the points, odd ones without.
    let first = hasZero ? 1 : 0
    var order: [Double] =
      hasZero ? (0...pairs).map { rows[0][2 * $0] } : .init(repeating: 0, count: pairs + 1)
    for pair in 0..<pairs {
      let row = rows[first + 2 * pair]
      order += (0..<pairs).map { row[2 * $0 + first + 1] }
      order += (0..<pairs).map { row[2 * $0 + first] }
    }
    order += (0...pairs).map { rows[size - 1][2 * $0 + first] }
    input = Tensor(order.count)
    for (i, number) in order.enumerated() { input.pointer[i] = Float(number) }
    output = Tensor(outputs * pairs)
    for i in 0..<outputs {
      for (pair, point) in magnitudes.enumerated() {
        output.pointer[i * pairs + pair] = Float(Self.power(point, i))
      }
    }
  }

  /// The coefficients of the product of (z - root), the lowest power first, filled up to two more
  /// than the number of roots where a point is missing.
  private static func product(of roots: [Double]) -> [Double] {
    var coefficients = [1.0]
    for root in roots {
      var next = [0.0] + coefficients
      for (i, coefficient) in coefficients.enumerated() { next[i] -= root * coefficient }
      coefficients = next
    }
    return coefficients + [0]
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }

  /// Moves powers of two between B^T and G until the rows of both are about equally large.
  ///
  /// Single precision then loses least. The two rows of a pair are moved alike.
  private static func balance(_ rows: inout [[Double]], _ kernel: inout [[Double]]) {
    func largest(_ row: [Double]) -> Double { row.map(abs).max() ?? 1 }
    for j in rows.indices {
      var ratio = largest(kernel[j]) / largest(rows[j])
      var scale = 1.0
      while ratio > 2 { (ratio, scale) = (ratio / 4, scale * 2) }
      while ratio < 0.5 { (ratio, scale) = (ratio * 4, scale / 2) }
      rows[j] = rows[j].map { $0 * scale }
      kernel[j] = kernel[j].map { $0 / scale }
    }
  }
}
