import Kernels
package import Networks
package import System
package import Tensors

/// The rectifier: y = max(0, x), dx = dy where y > 0 and 0 elsewhere.
///
/// In place.
package final class ReLU: Layer {
  /// The layer's settings.
  package let traits: ReLUSpecification
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// As many maps as it reads.
  package let output: MapShape

  private let team: ThreadTeam

  /// Makes a rectifier over maps of one shape.
  package init(_ traits: ReLUSpecification, input: MapShape, team: ThreadTeam) {
    self.traits = traits
    inputs = [input]
    output = traits.output(of: input, kernels: 0)
    self.team = team
  }

  /// Sets negative numbers to zero.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    team.split(pass.images * output.count) { range, _ in
      KernelSet.best.rectify(
        x.pointer + range.lowerBound, range.count, y.pointer + range.lowerBound)
    }
  }

  /// Lets the gradient through where the output is positive.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    team.split(pass.images * output.count) { range, _ in
      KernelSet.best.rectifierGradient(
        x.pointer + range.lowerBound, dy.pointer + range.lowerBound, range.count,
        dx.pointer + range.lowerBound)
    }
  }
}

extension ReLUSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    ReLU(self, input: context.shape.inputs[0], team: context.team)
  }
}
