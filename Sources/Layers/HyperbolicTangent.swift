import Glibc
package import Networks
package import System
package import Tensors

/// The saturating unit that the paper's figure 1 compares with: y = tanh x, dx = (1 - y^2) dy.
///
/// In place.
package final class HyperbolicTangent: Layer {
  /// The layer's settings.
  package let traits: TanhSpecification
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// As many maps as it reads.
  package let output: MapShape

  private let team: ThreadTeam

  /// Makes the units over maps of one shape.
  package init(_ traits: TanhSpecification, input: MapShape, team: ThreadTeam) {
    self.traits = traits
    inputs = [input]
    output = traits.output(of: input, kernels: 0)
    self.team = team
  }

  /// y = tanh x.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    team.split(pass.images * output.count) { range, _ in
      for i in range { y.pointer[i] = tanhf(x.pointer[i]) }
    }
  }

  /// dx = (1 - y^2) dy.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    team.split(pass.images * output.count) { range, _ in
      let y = x.pointer + range.lowerBound
      let dy = dy.pointer + range.lowerBound
      let dx = dx.pointer + range.lowerBound
      for i in 0..<range.count { dx[i] = (1 - y[i] * y[i]) * dy[i] }
    }
  }
}

extension TanhSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    HyperbolicTangent(self, input: context.shape.inputs[0], team: context.team)
  }
}
