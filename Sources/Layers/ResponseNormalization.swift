import Kernels
package import Networks
package import System
package import Tensors

/// Local response normalisation across neighbouring maps of a tower (paper, 3.3).
///
/// With d_i = k + s * sum of x_j^2 over the maps j in [i - n/2, i + n/2] that exist, at the same
/// pixel: y_i = x_i d_i^-beta and dx_i = dy_i d_i^-beta - 2 s beta x_i * sum of dy_j x_j
/// d_j^(-beta-1) over the same window. The paper's s is alpha; Krizhevsky's code and Caffe divide
/// it by n.
package final class ResponseNormalization: Layer {
  /// The layer's settings.
  package let traits: ResponseNormalizationSpecification
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// As many maps as it reads.
  package let output: MapShape

  private let shape: NormalizationShape
  private let team: ThreadTeam

  /// Makes the layer.
  /// - Parameters:
  ///   - traits: The layer's settings; n is odd.
  ///   - input: The tower's maps.
  ///   - team: The tower's threads.
  package init(_ traits: ResponseNormalizationSpecification, input: MapShape, team: ThreadTeam) {
    precondition(traits.size % 2 == 1, "The window's size must be odd.")
    self.traits = traits
    inputs = [input]
    output = traits.output(of: input, kernels: 0)
    shape = NormalizationShape(
      maps: input.maps, half: traits.size / 2, constant: Float(traits.constant),
      scale: Float(traits.scale), exponent: Float(traits.exponent))
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

extension ResponseNormalizationSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    ResponseNormalization(self, input: context.shape.inputs[0], team: context.team)
  }
}
