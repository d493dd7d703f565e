import Kernels
package import Networks
package import System
package import Tensors

/// Response normalisation over neighbouring pixels of the same map, which Krizhevsky's code has
/// between norm2 and pool2 and the paper does not mention.
///
/// With d_p = 1 + s * sum of x_q^2 over the pixels q of the n x n window around p that exist, in
/// the same map: y_p = x_p d_p^-beta, and dx_p = dy_p d_p^-beta - 2 s beta x_p * sum of dy_q x_q
/// d_q^(-beta-1) over that window.
package final class SpatialNormalization: Layer {
  /// The layer's settings.
  package let traits: SpatialNormalizationSpecification
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// As many maps as it reads.
  package let output: MapShape

  private let size: Int
  private let constant: Float
  private let scale: Float
  private let exponent: Float
  private let team: ThreadTeam
  private let scratch: [(first: Tensor, second: Tensor, rows: Tensor)]

  /// Makes the layer.
  /// - Parameters:
  ///   - traits: The layer's settings; n is odd.
  ///   - input: The tower's maps.
  ///   - team: The tower's threads.
  package init(_ traits: SpatialNormalizationSpecification, input: MapShape, team: ThreadTeam) {
    precondition(traits.size % 2 == 1, "The window's size must be odd.")
    self.traits = traits
    inputs = [input]
    output = traits.output(of: input, kernels: 0)
    size = traits.size
    constant = Float(traits.constant)
    scale = Float(traits.scale)
    exponent = Float(traits.exponent)
    self.team = team
    scratch = (0..<team.count).map { _ in
      (Tensor(input.count), Tensor(input.count + 8), Tensor(input.count))
    }
  }

  /// y = x d^-beta.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let count = output.count
    team.split(pass.images) { images, member in
      let (square, sum, rows) = pointers(member)
      for image in images {
        let (x, y) = (x.pointer + image * count, y.pointer + image * count)
        for i in 0..<count { square[i] = x[i] * x[i] }
        sumOverWindows(square, rows, into: sum)
        forEachVector(count) { i, lanes in
          let factor = inversePower(constant + scale * load8(sum + i), exponent)
          for lane in 0..<lanes { y[i + lane] = x[i + lane] * factor[lane] }
        }
      }
    }
  }

  /// dx = dy d^-beta - 2 s beta x * windowed sum of dy x d^(-beta-1).
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    let count = output.count
    let outer = -2 * scale * exponent
    team.split(pass.images) { images, member in
      let (first, sum, rows) = pointers(member)
      for image in images {
        let (x, dy) = (x.pointer + image * count, dy.pointer + image * count)
        let dx = dx.pointer + image * count
        for i in 0..<count { first[i] = x[i] * x[i] }
        sumOverWindows(first, rows, into: sum)
        forEachVector(count) { i, lanes in
          let d = constant + scale * load8(sum + i)
          let factor = inversePower(d, exponent)
          for lane in 0..<lanes {
            let direct = dy[i + lane] * factor[lane]
            dx[i + lane] = direct
            first[i + lane] = direct * x[i + lane] / d[lane]
          }
        }
        sumOverWindows(first, rows, into: sum)
        for i in 0..<count { dx[i] += outer * x[i] * sum[i] }
      }
    }
  }

  private func pointers(_ member: Int) -> (
    UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>
  ) {
    let memory = scratch[member]
    return (memory.first.pointer, memory.second.pointer, memory.rows.pointer)
  }

  @inline(__always)
  private func forEachVector(_ count: Int, _ body: (_ start: Int, _ lanes: Int) -> Void) {
    for start in stride(from: 0, to: count, by: 8) { body(start, min(8, count - start)) }
  }

  /// Sums along the columns first, then along the rows: 2n additions a pixel instead of n^2.
  private func sumOverWindows(
    _ x: UnsafePointer<Float>, _ columns: UnsafeMutablePointer<Float>,
    into sum: UnsafeMutablePointer<Float>
  ) {
    let half = size / 2
    let (height, maps) = (output.height, output.maps)
    let line = output.width * maps
    columns.update(repeating: 0, count: height * line)
    for row in 0..<height {
      for near in max(0, row - half)..<min(height, row + half + 1) {
        add(x + near * line, count: line, to: columns + row * line)
      }
    }
    sum.update(repeating: 0, count: height * line)
    for row in 0..<height {
      let (from, to) = (columns + row * line, sum + row * line)
      for offset in -half...half where abs(offset) < output.width {
        let shift = abs(offset) * maps
        if offset < 0 {
          add(from, count: line - shift, to: to + shift)
        } else {
          add(from + shift, count: line - shift, to: to)
        }
      }
    }
  }
}

extension SpatialNormalizationSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    SpatialNormalization(self, input: context.shape.inputs[0], team: context.team)
  }
}
