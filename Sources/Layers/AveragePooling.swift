package import Networks
package import System
package import Tensors

/// The mean of each window of a map: y[p,q,c] = sum of x over the window at (p, q) / the pixels
/// that it covers.
///
/// At the edge the mean is over the pixels that exist, as in Krizhevsky's code.
package final class AveragePooling: Layer {
  /// The layer's settings.
  package let traits: AveragePoolingSpecification
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// Places x places x maps.
  package let output: MapShape

  private let window: Window
  private let team: ThreadTeam

  /// Makes the layer.
  package init(_ traits: AveragePoolingSpecification, input: MapShape, team: ThreadTeam) {
    self.traits = traits
    inputs = [input]
    window = traits.window
    self.team = team
    output = traits.output(of: input, kernels: 0)
  }

  /// The means.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    forEachPlace(pass) { offset, pixels, weight in
      let y = y.pointer + offset
      y.update(repeating: 0, count: output.maps)
      pixels { add(x.pointer + $0, count: output.maps, to: y) }
      for map in 0..<output.maps { y[map] *= weight }
    }
  }

  /// Each pixel of a window gets as much of the gradient as the others.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    team.split(pass.images) { images, _ in
      (dx.pointer + images.lowerBound * inputs[0].count)
        .update(repeating: 0, count: images.count * inputs[0].count)
    }
    forEachPlace(pass) { offset, pixels, weight in
      let dy = dy.pointer + offset
      pixels { target in
        let dx = dx.pointer + target
        for map in 0..<output.maps { dx[map] += weight * dy[map] }
      }
    }
  }

  /// Calls `body` for each output pixel with its offset, a loop over its window and 1 / the
  /// window's pixels.
  @inline(__always)
  private func forEachPlace(
    _ pass: Pass,
    _ body: (_ offset: Int, _ pixels: (_ visit: (_ input: Int) -> Void) -> Void, _ weight: Float) ->
      Void
  ) {
    let input = inputs[0]
    team.split(pass.images) { images, _ in
      for image in images {
        for row in 0..<output.height {
          let rows = window.covered(at: row, of: input.height)
          for column in 0..<output.width {
            let columns = window.covered(at: column, of: input.width)
            let offset = ((image * output.height + row) * output.width + column) * output.maps
            body(
              offset,
              { visit in
                for y in rows {
                  for x in columns {
                    visit(((image * input.height + y) * input.width + x) * input.maps)
                  }
                }
              }, 1 / Float(rows.count * columns.count))
          }
        }
      }
    }
  }
}

extension AveragePoolingSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    AveragePooling(self, input: context.shape.inputs[0], team: context.team)
  }
}
