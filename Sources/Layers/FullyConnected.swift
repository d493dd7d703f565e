import Kernels
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

  let team: ThreadTeam
  let workspace: Workspace
  /// The numbers that passes are computed with.
  private let precision: Precision
  /// The weights of each slice in 16 bits; empty where they are in 32.
  private(set) var narrowWeights: [NarrowMatrix] = []

  /// Makes a layer that computes with weights and biases.
  /// - Parameters:
  ///   - traits: The layer's settings.
  ///   - inputs: The shape of each slice.
  ///   - weight: The weights, laid out with the slices' height, width and maps.
  ///   - bias: The biases.
  ///   - images: The most images that are computed together.
  ///   - precision: The numbers that passes are computed with; `canBeTrained` must hold.
  ///   - team: The tower's threads.
  ///   - workspace: The tower's memory for what its layers keep while they compute; nil for one of
  ///     its own.
  package init(
    _ traits: FullyConnectedSpecification, inputs: [MapShape], weight: Parameter, bias: Parameter,
    images: Int, precision: Precision = .fp32, team: ThreadTeam, workspace: Workspace? = nil
  ) {
    self.precision = precision
    self.workspace = workspace ?? Workspace(threads: team.count)
    self.traits = traits
    self.inputs = inputs
    self.weight = weight
    self.bias = bias
    self.team = team
    output = traits.output(of: inputs[0], kernels: weight.layout.kernels)
    let room = Self.room(precision, inputs: inputs, output: output, images: images)
    self.workspace.reserve(room.threads)
    self.workspace.reserveCommon(room.common)
  }

  /// Floats for each thread, and for the images' maps or gradients as columns and what they are
  /// multiplied to.
  static func room(
    _ precision: Precision, inputs: [MapShape], output: MapShape, images: Int
  ) -> (threads: Int, common: Int) {
    switch precision {
    case .fp32: (0, images * ((inputs.map(\.count).max() ?? 0) + output.count))
    case .bf16: (narrowRoom, narrowCommonRoom(inputs: inputs, output: output, images: images))
    }
  }

  /// Rounds the weights to 16 bits, for forward passes alone, and gives the memory of those of 32
  /// bits back.
  /// - Returns: Whether it could: rows must be whole blocks.
  @discardableResult package func keepNarrowWeights() -> Bool {
    guard narrowWeights.isEmpty, inputs.allSatisfy({ $0.count.isMultiple(of: NarrowMatrix.block) })
    else {
      return !narrowWeights.isEmpty
    }
    narrowWeights = inputs.enumerated().map { slice, input in
      NarrowMatrix(
        weight.value.pointer + weight.layout.sliceOffset(slice), rows: output.maps,
        columns: input.count, threads: team.count)
    }
    weight.value.discard()
    return true
  }

  // Products read the weights where they lie, once: OpenBLAS would copy them into an order of its
  // own first, which takes long for the few images of a batch.

  /// From so many images on, they fill the vectors of products that have them as columns.
  private static let fewestForColumns = 32
  /// Rows of a matrix that is too large for a core's cache that are multiplied together.
  private static let innerBlock = 512
  /// Columns of a gradient that are written together: long enough for the memory to be quick.
  private static let gradientColumns = 256

  /// Adds the slice's products to `y`.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let isFew = pass.images < Self.fewestForColumns
    if !narrowWeights.isEmpty && (isFew || !NarrowProduct.isAvailable) {
      multiplyNarrowRows(x, slice, into: y, pass)
    } else if !narrowWeights.isEmpty || precision == .bf16 {
      multiplyNarrowColumns(x, slice, into: y, pass)
    } else if isFew {
      multiplyRows(x, slice, into: y, pass)
    } else {
      multiplyColumns(x, slice, into: y, pass)
    }
    if slice.isLast {
      addRow(bias.value.pointer, count: output.maps, toRows: pass.images, of: y.pointer)
    }
  }

  /// Products of rows of weights with each image.
  private func multiplyRows(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let length = inputs[slice.index].count
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    team.split(output.maps) { kernels, _ in
      KernelSet.best.rowProducts(
        weights + kernels.lowerBound * length, kernels.count, length, x.pointer, pass.images,
        !slice.isFirst, y.pointer + kernels.lowerBound, output.maps)
    }
  }

  /// The same for weights of 16 bits.
  private func multiplyNarrowRows(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let length = inputs[slice.index].count
    let rounded = workspace.common
    team.split(pass.images) { images, _ in
      for image in images {
        NarrowMatrix.arrange(x.pointer + image * length, length, into: rounded + image * length)
      }
    }
    team.split(output.maps) { kernels, thread in
      narrowWeights[slice.index].multiply(
        kernels, rounded, vectors: pass.images, accumulates: !slice.isFirst, into: y.pointer,
        stride: output.maps, thread: thread)
    }
  }

  /// Products of rows of weights with the images as columns.
  private func multiplyColumns(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let (length, images) = (inputs[slice.index].count, pass.images)
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    let columns = workspace.common
    let products = columns + images * length
    team.split(length) { range, _ in
      UnpackedProduct.transpose(
        rows: images, columns: range.count, x.pointer + range.lowerBound, stride: length,
        into: columns + range.lowerBound * images, stride: images)
    }
    team.split(output.maps) { kernels, _ in
      UnpackedProduct(
        rows: kernels.count, columns: images, inner: length, aStride: length, bStride: images,
        cStride: images, innerBlock: Self.innerBlock
      ).multiply(
        weights + kernels.lowerBound * length, columns,
        into: products + kernels.lowerBound * images)
      turn(products, kernels, slice, into: y, pass)
    }
  }

  /// Adds products, kernels x images, to some kernels' outputs.
  func turn(
    _ products: UnsafePointer<Float>, _ kernels: Range<Int>, _ slice: InputSlice, into y: Tensor,
    _ pass: Pass
  ) {
    for image in 0..<pass.images {
      let row = y.pointer + image * output.maps
      for kernel in kernels {
        row[kernel] = (slice.isFirst ? 0 : row[kernel]) + products[kernel * pass.images + image]
      }
    }
  }

  /// dx = dy w.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    if precision == .bf16 { return narrowInputGradient(dy, slice, into: dx, pass) }
    let length = inputs[slice.index].count
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    team.split(length) { columns, _ in
      UnpackedProduct(
        rows: pass.images, columns: columns.count, inner: output.maps, aStride: output.maps,
        bStride: length, cStride: length, innerBlock: Self.innerBlock
      ).multiply(dy.pointer, weights + columns.lowerBound, into: dx.pointer + columns.lowerBound)
    }
  }

  /// dw = dy^T x; db = sum of dy over the images, with the first slice.
  package func parameterGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass) {
    switch precision {
    case .fp32: weightGradient(dy, x: x, slice, pass)
    case .bf16: narrowWeightGradient(dy, x: x, slice, pass)
    }
    if slice.isFirst {
      bias.gradient.fill(0)
      addRows(dy.pointer, count: output.maps, rows: pass.images, to: bias.gradient.pointer)
    }
  }

  private func weightGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass) {
    let (length, images) = (inputs[slice.index].count, pass.images)
    let gradient = weight.gradient.pointer + weight.layout.sliceOffset(slice.index)
    let rows = workspace.common
    team.split(output.maps) { kernels, _ in
      UnpackedProduct.transpose(
        rows: images, columns: kernels.count, dy.pointer + kernels.lowerBound, stride: output.maps,
        into: rows + kernels.lowerBound * images, stride: images)
      UnpackedProduct(
        rows: kernels.count, columns: length, inner: images, aStride: images, bStride: length,
        cStride: length, columnBlock: Self.gradientColumns, innerBlock: Self.innerBlock
      ).multiply(
        rows + kernels.lowerBound * images, x.pointer,
        into: gradient + kernels.lowerBound * length)
    }
  }
}

extension FullyConnectedSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    let (weight, bias) = context.parameters(of: self)
    return FullyConnected(
      self, inputs: context.shape.inputs, weight: weight, bias: bias, images: context.batchSize,
      precision: context.precision, team: context.team, workspace: context.workspace)
  }
  /// The images' maps, or their gradients, as columns.
  package func workspace(
    _ shape: LayerShape, threads: Int, images: Int, _ precision: Precision
  ) -> WorkspaceBytes {
    let room = FullyConnected.room(
      precision, inputs: shape.inputs, output: shape.output, images: images)
    let float = MemoryLayout<Float>.stride
    return WorkspaceBytes(threads: float * room.threads * threads, common: float * room.common)
  }
}
