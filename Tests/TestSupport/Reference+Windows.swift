import Glibc

extension Reference {
  /// A pooling window.
  package struct Pool: Sendable {
    /// Pixels along each axis.
    package var size: Int
    /// Pixels between places.
    package var stride: Int
    /// Pixels that do not exist, to the left and at the top.
    package var padding: Int
    /// Whether the last window may run over the edge.
    package var roundsUp: Bool

    /// Makes a window.
    package init(size: Int, stride: Int, padding: Int = 0, roundsUp: Bool = true) {
      self.size = size
      self.stride = stride
      self.padding = padding
      self.roundsUp = roundsUp
    }

    fileprivate func output(over x: FeatureMaps) -> FeatureMaps {
      func places(_ length: Int) -> Int {
        Reference.places(
          length: length, size: size, stride: stride, padding: padding, roundsUp: roundsUp)
      }
      return FeatureMaps(
        images: x.images, maps: x.maps, height: places(x.height), width: places(x.width))
    }

    /// The pixels of a map that exist under a window, row by row.
    fileprivate func pixels(_ row: Int, _ column: Int, of x: FeatureMaps) -> [(Int, Int)] {
      var result: [(Int, Int)] = []
      for r in 0..<size {
        for s in 0..<size {
          let (y, x1) = (row * stride - padding + r, column * stride - padding + s)
          if y >= 0 && y < x.height && x1 >= 0 && x1 < x.width { result.append((y, x1)) }
        }
      }
      return result
    }
  }

  private static func forEachPixel(
    _ maps: FeatureMaps, _ body: (_ image: Int, _ map: Int, _ row: Int, _ column: Int) -> Void
  ) {
    for image in 0..<maps.images {
      for map in 0..<maps.maps {
        for row in 0..<maps.height {
          for column in 0..<maps.width { body(image, map, row, column) }
        }
      }
    }
  }

  /// The largest number of each window.
  package static func maxPooling(_ x: FeatureMaps, _ pool: Pool) -> FeatureMaps {
    var y = pool.output(over: x)
    forEachPixel(y) { n, c, row, column in
      y[n, c, row, column] =
        pool.pixels(row, column, of: x).map { x[n, c, $0.0, $0.1] }.max() ?? 0
    }
    return y
  }

  /// The gradient goes to the first of the largest.
  package static func maxPoolingGradient(
    _ dy: FeatureMaps, x: FeatureMaps, _ pool: Pool
  ) -> FeatureMaps {
    var dx = FeatureMaps(like: x)
    forEachPixel(dy) { n, c, row, column in
      let pixels = pool.pixels(row, column, of: x)
      let largest = pixels.map { x[n, c, $0.0, $0.1] }.max()
      if let winner = pixels.first(where: { x[n, c, $0.0, $0.1] == largest }) {
        dx[n, c, winner.0, winner.1] += dy[n, c, row, column]
      }
    }
    return dx
  }

  /// The mean of the pixels that exist.
  package static func averagePooling(_ x: FeatureMaps, _ pool: Pool) -> FeatureMaps {
    var y = pool.output(over: x)
    forEachPixel(y) { n, c, row, column in
      let pixels = pool.pixels(row, column, of: x)
      y[n, c, row, column] =
        pixels.reduce(0) { $0 + x[n, c, $1.0, $1.1] } / Double(pixels.count)
    }
    return y
  }

  /// An equal part to each pixel.
  package static func averagePoolingGradient(
    _ dy: FeatureMaps, x: FeatureMaps, _ pool: Pool
  ) -> FeatureMaps {
    var dx = FeatureMaps(like: x)
    forEachPixel(dy) { n, c, row, column in
      let pixels = pool.pixels(row, column, of: x)
      for (r, s) in pixels { dx[n, c, r, s] += dy[n, c, row, column] / Double(pixels.count) }
    }
    return dx
  }

  /// A normalisation y = x (constant + scale * sum of squares over neighbours)^-exponent.
  package struct Normalization: Sendable {
    /// Neighbours along an axis, the number itself included.
    package var size: Int
    /// What the sum is added to.
    package var constant: Double
    /// The factor of the sum.
    package var scale: Double
    /// The exponent.
    package var exponent: Double
    /// Neighbours are pixels of the same map rather than maps at the same pixel.
    package var isSpatial: Bool
    /// Parts that the maps fall into, each normalised by itself: the towers.
    package var parts: Int

    /// Makes a normalisation.
    package init(
      size: Int, constant: Double, scale: Double, exponent: Double, isSpatial: Bool = false,
      parts: Int = 1
    ) {
      self.size = size
      self.constant = constant
      self.scale = scale
      self.exponent = exponent
      self.isSpatial = isSpatial
      self.parts = parts
    }

    @inline(__always)
    fileprivate func forEachNeighbour(
      of x: FeatureMaps, _ map: Int, _ row: Int, _ column: Int,
      _ body: (_ map: Int, _ row: Int, _ column: Int) -> Void
    ) {
      let half = size / 2
      if isSpatial {
        for y in max(0, row - half)...min(x.height - 1, row + half) {
          for x1 in max(0, column - half)...min(x.width - 1, column + half) { body(map, y, x1) }
        }
      } else {
        let part = x.maps / parts
        let first = map / part * part
        for other in max(first, map - half)...min(first + part - 1, map + half) {
          body(other, row, column)
        }
      }
    }

    fileprivate func denominators(_ x: FeatureMaps) -> FeatureMaps {
      var d = FeatureMaps(like: x)
      forEachPixel(x) { n, c, row, column in
        var sum = 0.0
        forEachNeighbour(of: x, c, row, column) { c, row, column in
          let value = x[n, c, row, column]
          sum += value * value
        }
        d[n, c, row, column] = constant + scale * sum
      }
      return d
    }
  }

  /// y = x d^-exponent.
  package static func normalization(_ x: FeatureMaps, _ norm: Normalization) -> FeatureMaps {
    x.combined(norm.denominators(x)) { $0 * pow($1, -norm.exponent) }
  }

  /// The sum over outputs j of dy_j times dy_j/dx_i, which is d_i^-e for j = i, and for every
  /// neighbour j of i less 2 scale e x_j x_i d_j^(-e-1).
  package static func normalizationGradient(
    _ dy: FeatureMaps, x: FeatureMaps, _ norm: Normalization
  ) -> FeatureMaps {
    let d = norm.denominators(x)
    var dx = dy.combined(d) { $0 * pow($1, -norm.exponent) }
    let terms = dy.combined(x) { $0 * $1 }.combined(d) { $0 * pow($1, -norm.exponent - 1) }
    forEachPixel(x) { n, c, row, column in
      var sum = 0.0
      norm.forEachNeighbour(of: x, c, row, column) { sum += terms[n, $0, $1, $2] }
      dx[n, c, row, column] -= 2 * norm.scale * norm.exponent * x[n, c, row, column] * sum
    }
    return dx
  }
}
