public import Tensors
public import Threads

/// Local response normalisation across neighbouring maps of the own tower (paper, 3.3).
///
/// With d_i = k + s * sum of x_j^2 over the maps j in [i - n/2, i + n/2] that exist, at the same pixel:
/// y_i = x_i d_i^-beta and dx_i = dy_i d_i^-beta - 2 s beta x_i * sum of dy_j x_j d_j^(-beta-1) over the
/// same window. The paper's s is alpha; Krizhevsky's code and Caffe divide it by n.
public final class ResponseNormalization: Layer {
  /// The layer's name.
  public let name: String
  /// The maps that the layer reads.
  public let inputs: [MapShape]
  /// As many maps as it reads.
  public var output: MapShape { inputs[0] }

  private let size: Int
  private let constant: Float
  private let scale: Float
  private let exponent: Float
  private let team: ThreadTeam
  private let scratch: [Tensor]
  private let stride: Int

  /// Makes the layer.
  /// - Parameters:
  ///   - name: The layer's name.
  ///   - input: The tower's maps.
  ///   - size: n, odd: the maps that a sum runs over.
  ///   - constant: k.
  ///   - scale: s, the factor of the sum of squares.
  ///   - exponent: beta.
  ///   - team: The tower's threads.
  public init(
    name: String, input: MapShape, size: Int, constant: Double, scale: Double, exponent: Double,
    team: ThreadTeam
  ) {
    precondition(size % 2 == 1, "A window that is centred on a map has an odd size.")
    self.name = name
    inputs = [input]
    self.size = size
    self.constant = Float(constant)
    self.scale = Float(scale)
    self.exponent = Float(exponent)
    self.team = team
    // One pixel's maps, rounded up to whole vectors, between margins of zeros for the window.
    let half = size / 2
    let padded = (input.maps + 7) / 8 * 8
    let stride = padded + 2 * half + 8
    self.stride = stride
    scratch = (0..<team.count).map { _ in Tensor(5, stride) }
  }

  /// y = x d^-beta.
  public func forward(_ x: Tensor, _ share: Share, into y: Tensor, _ pass: Pass) {
    let maps = output.maps
    let half = size / 2
    team.split(pass.images * output.pixels) { pixels, member in
      let square = scratch[member].pointer + half
      let value = scratch[member].pointer + stride
      let result = scratch[member].pointer + 2 * stride
      for pixel in pixels {
        let source = x.pointer + pixel * maps
        value.update(from: source, count: maps)
        for i in 0..<maps { square[i] = source[i] * source[i] }
        var map = 0
        while map < maps {
          let factor = inversePower(denominator(square + map), exponent)
          store8(load8(value + map) * factor, result + map)
          map += 8
        }
        (y.pointer + pixel * maps).update(from: result, count: maps)
      }
    }
  }

  /// dx = dy d^-beta - 2 s beta x * windowed sum of dy x d^(-beta-1).
  public func inputGradient(_ dy: Tensor, x: Tensor, _ share: Share, into dx: Tensor, _ pass: Pass)
  {
    let maps = output.maps
    let half = size / 2
    let factor = -2 * scale * exponent
    team.split(pass.images * output.pixels) { pixels, member in
      let square = scratch[member].pointer + half
      let value = scratch[member].pointer + stride
      let direct = scratch[member].pointer + 2 * stride
      let ratio = scratch[member].pointer + 3 * stride + half
      let gradient = scratch[member].pointer + 4 * stride
      for pixel in pixels {
        let source = x.pointer + pixel * maps
        value.update(from: source, count: maps)
        gradient.update(from: dy.pointer + pixel * maps, count: maps)
        for i in 0..<maps { square[i] = source[i] * source[i] }
        var map = 0
        while map < maps {
          let d = denominator(square + map)
          let direct8 = load8(gradient + map) * inversePower(d, exponent)
          store8(direct8, direct + map)
          store8(direct8 * load8(value + map) / d, ratio + map)
          map += 8
        }
        // The vector past the last map wrote into the margin, which must stay zero.
        for i in maps..<(maps + half) { ratio[i] = 0 }
        map = 0
        while map < maps {
          let sum = windowSum(ratio + map)
          store8(load8(direct + map) + factor * load8(value + map) * sum, direct + map)
          map += 8
        }
        (dx.pointer + pixel * maps).update(from: direct, count: maps)
      }
    }
  }

  @inline(__always)
  private func denominator(_ square: UnsafePointer<Float>) -> SIMD8<Float> {
    constant + scale * windowSum(square)
  }

  @inline(__always)
  private func windowSum(_ centre: UnsafePointer<Float>) -> SIMD8<Float> {
    let half = size / 2
    var sum = SIMD8<Float>()
    for offset in -half...half { sum += load8(centre + offset) }
    return sum
  }
}
