import Kernels
package import Networks
package import System
package import Tensors

/// The largest number of each window of a map; windows overlap where the stride is less than the
/// size.
///
/// y[p,q,c] = max of x[r,s,c] over the window at (p, q), and the gradient goes to the first pixel
/// that reached it. What lies beyond the map's edge does not count.
package final class MaxPooling: Layer {
  /// The layer's settings.
  package let traits: MaxPoolingSpecification
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// Places x places x maps.
  package let output: MapShape

  private let grid: PoolGrid
  private let team: ThreadTeam
  /// For each output, which pixel of its window was the largest.
  private let winner: UnsafeMutableBufferPointer<UInt8>

  /// Makes the layer; a window of at most 15 x 15 pixels.
  package init(
    _ traits: MaxPoolingSpecification, input: MapShape, batchSize: Int, team: ThreadTeam
  ) {
    let window = traits.window
    precondition(
      window.size * window.size <= 255, "A window must have at most 255 pixels.")
    self.traits = traits
    inputs = [input]
    self.team = team
    output = traits.output(of: input, kernels: 0)
    grid = PoolGrid(
      height: input.height, width: input.width, outputHeight: output.height,
      outputWidth: output.width, maps: input.maps, size: window.size, stride: window.stride,
      padding: window.padding)
    winner = .allocate(capacity: batchSize * traits.rememberedBytes(of: output))
    winner.initialize(repeating: 0)
  }

  deinit { winner.deallocate() }

  /// The largest numbers.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    team.split(pass.images) { images, _ in
      for image in images {
        let offset = image * output.count
        KernelSet.best.maximum(
          grid, x.pointer + image * inputs[0].count, y.pointer + offset,
          winner.baseAddress.unsafelyUnwrapped + pass.firstRow * output.count + offset)
      }
    }
  }

  /// Each gradient goes to the pixel that won.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    team.split(pass.images) { images, _ in
      for image in images {
        let offset = image * output.count
        KernelSet.best.maximumGradient(
          grid, dy.pointer + offset,
          winner.baseAddress.unsafelyUnwrapped + pass.firstRow * output.count + offset,
          dx.pointer + image * inputs[0].count)
      }
    }
  }
}

extension MaxPoolingSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    MaxPooling(
      self, input: context.shape.inputs[0], batchSize: context.batchSize, team: context.team)
  }
}
