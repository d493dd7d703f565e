import Kernels
package import Networks
package import System
package import Tensors

/// Local response normalisation across neighbouring maps of a tower (paper, 3.3).
///
/// With d_i = k + s * sum of x_j^2 over the maps j in [i - n/2, i + n/2] that exist, at the same pixel:
/// y_i = x_i d_i^-beta and dx_i = dy_i d_i^-beta - 2 s beta x_i * sum of dy_j x_j d_j^(-beta-1) over the
/// same window. The paper's s is alpha; Krizhevsky's code and Caffe divide it by n.
package final class ResponseNormalization: Layer {
  /// The layer's name.
  package let name: String
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// As many maps as it reads.
  package var output: MapShape { inputs[0] }

  private let shape: NormalizationShape
  private let team: ThreadTeam

  /// Makes the layer.
  /// - Parameters:
  ///   - name: The layer's name.
  ///   - input: The tower's maps.
  ///   - size: n, odd: the maps that a sum runs over.
  ///   - constant: k.
  ///   - scale: s, the factor of the sum of squares.
  ///   - exponent: beta.
  ///   - team: The tower's threads.
  package init(
    name: String, input: MapShape, size: Int, constant: Double, scale: Double, exponent: Double,
    team: ThreadTeam
  ) {
    precondition(size % 2 == 1, "The window's size must be odd.")
    self.name = name
    inputs = [input]
    shape = NormalizationShape(
      maps: input.maps, half: size / 2, constant: Float(constant), scale: Float(scale),
      exponent: Float(exponent))
    self.team = team
  }

  /// y = x d^-beta.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    team.split(pass.images * output.pixels) { pixels, _ in
      let start = pixels.lowerBound * output.maps
      KernelSet.best.normalize(shape, x.pointer + start, pixels.count, y.pointer + start)
    }
  }

  /// dx = dy d^-beta - 2 s beta x * windowed sum of dy x d^(-beta-1).
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    team.split(pass.images * output.pixels) { pixels, _ in
      let start = pixels.lowerBound * output.maps
      KernelSet.best.normalizationGradient(
        shape, x.pointer + start, dy.pointer + start, pixels.count, dx.pointer + start)
    }
  }
}
