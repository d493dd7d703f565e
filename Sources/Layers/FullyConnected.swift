package import Networks
package import System
package import Tensors

/// A fully-connected layer: y[n,k] = b[k] + sum over slices and their neurons i of w[k,i] x[n,i].
///
/// Feature maps are read as vectors in their order in memory. The products are cut over the tower's
/// threads by kernels (forward, weights) or by inputs (input gradient).
package final class FullyConnected: Layer {
  /// The layer's settings.
  package let traits: FullyConnectedSpecification
  /// The maps or vectors that the layer reads.
  package let inputs: [MapShape]
  /// 1 x 1 x kernels.
  package let output: MapShape
  /// The weights, then the biases.
  package var parameters: [Parameter] { [weight, bias] }
  /// All of them: the weights take longest to fetch.
  package var imagesAtOnce: Int { .max }

  /// Kernels x inputs.
  package let weight: Parameter
  /// One number a kernel.
  package let bias: Parameter

  private let team: ThreadTeam
  /// The weights of each slice in 16 bits; empty where they are in 32.
  private var narrow: [NarrowMatrix] = []

  /// Makes a layer with weights of zero.
  /// - Parameters:
  ///   - traits: The layer's settings.
  ///   - inputs: The shape of each slice.
  ///   - weight: The weights, laid out with the slices' height, width and maps.
  ///   - bias: The biases.
  ///   - team: The tower's threads.
  package init(
    _ traits: FullyConnectedSpecification, inputs: [MapShape], weight: Parameter, bias: Parameter,
    team: ThreadTeam
  ) {
    self.traits = traits
    self.inputs = inputs
    self.weight = weight
    self.bias = bias
    self.team = team
    output = traits.output(of: inputs[0], kernels: weight.layout.kernels)
  }

  /// Rounds the weights to 16 bits, for forward passes alone, and gives the memory of those of 32
  /// bits back.
  /// - Returns: Whether it could: rows must be whole blocks.
  @discardableResult package func keepNarrowWeights() -> Bool {
    guard narrow.isEmpty, inputs.allSatisfy({ $0.count.isMultiple(of: NarrowMatrix.block) }) else {
      return !narrow.isEmpty
    }
    narrow = inputs.enumerated().map { slice, input in
      NarrowMatrix(
        weight.value.pointer + weight.layout.sliceOffset(slice), rows: output.maps,
        columns: input.count, threads: team.count)
    }
    weight.value.discard()
    return true
  }

  /// Adds the slice's products to `y`.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let length = inputs[slice.index].count
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    let beta: Float = slice.isFirst ? 0 : 1
    team.split(output.maps) { kernels, thread in
      if !narrow.isEmpty {
        return narrow[slice.index].multiply(
          kernels, x.pointer, vectors: pass.images, accumulates: !slice.isFirst, into: y.pointer,
          stride: output.maps, thread: thread)
      }
      let (rows, target) = (weights + kernels.lowerBound * length, y.pointer + kernels.lowerBound)
      if pass.images == 1 {
        // A product of matrices would copy every weight first.
        BLAS.multiply(
          rows: kernels.count, columns: length, rows, stride: length, vector: x.pointer, beta: beta,
          into: target)
      } else {
        BLAS.multiply(
          rows: pass.images, columns: kernels.count, inner: length, x.pointer, stride: length,
          rows, .transposed, stride: length, beta: beta, into: target, stride: output.maps)
      }
    }
    if slice.isLast {
      addRow(bias.value.pointer, count: output.maps, toRows: pass.images, of: y.pointer)
    }
  }

  /// dx = dy w.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    let length = inputs[slice.index].count
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    team.split(length) { columns, _ in
      BLAS.multiply(
        rows: pass.images, columns: columns.count, inner: output.maps,
        dy.pointer, stride: output.maps,
        weights + columns.lowerBound, stride: length,
        into: dx.pointer + columns.lowerBound, stride: length)
    }
  }

  /// dw = dy^T x; db = sum of dy over the images, with the first slice.
  package func parameterGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass) {
    let length = inputs[slice.index].count
    let gradient = weight.gradient.pointer + weight.layout.sliceOffset(slice.index)
    team.split(output.maps) { kernels, _ in
      BLAS.multiply(
        rows: kernels.count, columns: length, inner: pass.images,
        dy.pointer + kernels.lowerBound, .transposed, stride: output.maps,
        x.pointer, stride: length,
        into: gradient + kernels.lowerBound * length, stride: length)
    }
    if slice.isFirst {
      bias.gradient.fill(0)
      addRows(dy.pointer, count: output.maps, rows: pass.images, to: bias.gradient.pointer)
    }
  }
}

extension FullyConnectedSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    let (weight, bias) = context.parameters(of: self)
    return FullyConnected(
      self, inputs: context.shape.inputs, weight: weight, bias: bias, team: context.team)
  }
}
