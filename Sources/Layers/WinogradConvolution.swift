import Kernels
import Networks
import System
import Tensors

/// Convolution by Winograd's algorithm: a tile of outputs costs n^2 products a kernel and map
/// instead of outputs^2 x size^2.
///
/// The tiles of a few images (a *round*) are transformed to points, each point is one product of
/// matrices, tiles x maps by maps x kernels, and the products are transformed to outputs. The
/// backward functions are the transposes of these steps with the same transformed kernels, and
/// share the transform of the output gradient: dM = A dy A^T; dU += dM^T V with V = B^T x B; dV =
/// dM U; dx += B dV B^T; at last dw = G^T dU G.
final class WinogradConvolution: ConvolutionAlgorithm {
  private let plan: WinogradPlan
  private let output: MapShape
  private let weight: Parameter
  private let bias: Parameter
  private let team: ThreadTeam
  private let coefficients: WinogradCoefficients
  private let kernelSet: KernelSet
  /// For each slice the kernels at the tiles' points, in the order of `transformedFor`.
  private let transformed: [Tensor]
  private var transformedVersion = -1
  private var transformedFor = Direction.forward
  /// The kernels in squares, where the stride is rearranged away.
  private let rearrangedKernels: Tensor?
  private let workspace: Workspace

  /// Rows of blocks of the gradient by transformed kernels (measured).
  private static let gradientRows = 96

  /// Each direction multiplies by the transformed kernels as they lie.
  private enum Direction {
    /// Point x block of kernels x map x kernel.
    case forward
    /// Point x block of maps x kernel x map.
    case backward
  }

  /// What one thread needs for itself, in its part of the workspace.
  private struct Scratch {
    let input: UnsafeMutablePointer<Float>
    let output: UnsafeMutablePointer<Float>
    let squares: UnsafeMutablePointer<Float>
    /// The gradient by the transformed kernels of a slice.
    let gradient: UnsafeMutablePointer<Float>
    let biasSum: UnsafeMutablePointer<Float>

    /// All counts are multiples of sixteen, so that each part begins with a cache line.
    init(_ plan: WinogradPlan, at start: UnsafeMutablePointer<Float>) {
      input = start
      output = input + plan.inputCount
      squares = output + plan.outputCount
      biasSum = squares + plan.squareCount
      gradient = biasSum + plan.output.maps
    }
  }

  init(
    _ plan: WinogradPlan, weight: Parameter, bias: Parameter, workspace: Workspace, team: ThreadTeam
  ) {
    self.plan = plan
    self.workspace = workspace
    output = plan.output
    self.weight = weight
    self.bias = bias
    self.team = team
    kernelSet = KernelSet.best
    coefficients = WinogradCoefficients(size: plan.grid.size, outputs: plan.grid.outputs)
    transformed = plan.slices.indices.map { Tensor(plan.kernelCount($0)) }
    rearrangedKernels = plan.rearrangement.map { _ in Tensor(plan.rearrangedKernelCount) }
    workspace.reserve(plan.scratchCount(isTrained: weight.gradient.count > 0))
  }

  /// Winograd's F(outputs, kernel).
  var title: String { "F(\(plan.grid.outputs),\(plan.kernelSize))" }

  /// A round's.
  var imagesAtOnce: Int { plan.round }

  // MARK: Forward

  func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    transformKernels(for: .forward)
    let maps = plan.slices[slice.index].maps
    let kernels = transformed[slice.index].pointer
    let starts = workspace.starts
    team.split(pass.images) { images, member in
      let memory = Scratch(plan, at: starts[member])
      forEachRound(images) { images in
        let tiles = images.count * plan.grid.tiles
        transformInput(x, images, slice, memory)
        let product = UnpackedProduct(
          rows: tiles, columns: output.maps, inner: maps, aStride: maps, bIsInBlocks: true,
          cStride: output.maps)
        for point in 0..<plan.grid.points {
          product.multiply(
            memory.input + point * tiles * maps, kernels + point * output.maps * maps,
            into: memory.output + point * tiles * output.maps)
        }
        for (i, image) in images.enumerated() {
          kernelSet.outputFromTiles(
            plan.grid, storage(memory.output, image: i, tiles: tiles, maps: output.maps),
            coefficients.output.pointer, slice.isLast ? UnsafePointer(bias.value.pointer) : nil,
            !slice.isFirst, y.pointer + image * output.count)
        }
      }
    }
  }

  private func transformInput(
    _ x: Tensor, _ images: Range<Int>, _ slice: InputSlice, _ memory: Scratch
  ) {
    let shape = plan.slices[slice.index]
    let tiles = images.count * plan.grid.tiles
    for (i, image) in images.enumerated() {
      var source = UnsafePointer(x.pointer + image * shape.count)
      if let rearrangement = plan.rearrangement {
        let squares = memory.squares
        rearrangement.rearrange(x.pointer + image * rearrangement.input.count, into: squares)
        source = UnsafePointer(squares)
      }
      kernelSet.tilesFromInput(
        plan.grid, source, coefficients.input.pointer,
        storage(memory.input, image: i, tiles: tiles, maps: shape.maps))
    }
  }

  private func storage(
    _ start: UnsafeMutablePointer<Float>, image: Int, tiles: Int, maps: Int
  ) -> TileStorage {
    TileStorage(
      start: start + image * plan.grid.tiles * maps, pointStride: tiles * maps, maps: maps)
  }

  private func forEachRound(_ images: Range<Int>, _ body: (Range<Int>) -> Void) {
    // Rounds of about equal size: a small rest would cost nearly as much as a whole round.
    let rounds = (images.count + plan.round - 1) / plan.round
    for round in 0..<rounds {
      let some = evenSplit(images.count, part: round, of: rounds)
      body(images.lowerBound + some.lowerBound..<images.lowerBound + some.upperBound)
    }
  }

  // MARK: Backward

  func backward(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, learns: Bool, _ pass: Pass
  ) {
    if dx != nil { transformKernels(for: .backward) }
    let shape = plan.slices[slice.index]
    let kernels = transformed[slice.index].pointer
    let starts = workspace.starts
    team.split(pass.images) { images, member in
      let memory = Scratch(plan, at: starts[member])
      var isFirstRound = true
      if learns && slice.isFirst { memory.biasSum.update(repeating: 0, count: output.maps) }
      forEachRound(images) { images in
        let tiles = images.count * plan.grid.tiles
        for (i, image) in images.enumerated() {
          kernelSet.tilesFromOutput(
            plan.grid, dy.pointer + image * output.count, coefficients.output.pointer,
            storage(memory.output, image: i, tiles: tiles, maps: output.maps))
        }
        if learns {
          transformInput(x, images, slice, memory)
          let product = UnpackedProduct(
            rows: output.maps, columns: shape.maps, inner: tiles, aIsTransposed: true,
            aStride: output.maps, bStride: shape.maps, cStride: shape.maps,
            accumulates: !isFirstRound, rowBlock: Self.gradientRows)
          for point in 0..<plan.grid.points {
            product.multiply(
              memory.output + point * tiles * output.maps,
              memory.input + point * tiles * shape.maps,
              into: memory.gradient + point * output.maps * shape.maps)
          }
          isFirstRound = false
          if slice.isFirst {
            for image in images {
              addRows(
                dy.pointer + image * output.count, count: output.maps, rows: output.pixels,
                to: memory.biasSum)
            }
          }
        }
        guard let dx else { return }
        let product = UnpackedProduct(
          rows: tiles, columns: shape.maps, inner: output.maps, aStride: output.maps,
          bIsInBlocks: true,
          cStride: shape.maps)
        for point in 0..<plan.grid.points {
          product.multiply(
            memory.output + point * tiles * output.maps,
            kernels + point * output.maps * shape.maps,
            into: memory.input + point * tiles * shape.maps)
        }
        for (i, image) in images.enumerated() {
          let target =
            plan.rearrangement == nil ? dx.pointer + image * shape.count : memory.squares
          target.update(repeating: 0, count: shape.count)
          kernelSet.inputFromTiles(
            plan.grid, storage(memory.input, image: i, tiles: tiles, maps: shape.maps),
            coefficients.input.pointer, target)
          if let rearrangement = plan.rearrangement {
            rearrangement.restore(target, into: dx.pointer + image * rearrangement.input.count)
          }
        }
      }
    }
    if learns { sumGradients(slice, pass) }
  }

  /// Adds the threads' sums, always in the same order, and transforms them back.
  private func sumGradients(_ slice: InputSlice, _ pass: Pass) {
    let shape = plan.slices[slice.index]
    let scratch = workspace.starts.map { Scratch(plan, at: $0) }
    let first = scratch[0].gradient
    let count = plan.kernelCount(slice.index)
    let working = (0..<team.count).filter {
      !evenSplit(pass.images, part: $0, of: team.count).isEmpty
    }
    if working.first != 0 { first.update(repeating: 0, count: count) }
    for member in working where member > 0 {
      let sum = scratch[member].gradient
      team.split(count) { range, _ in
        add(sum + range.lowerBound, count: range.count, to: first + range.lowerBound)
      }
    }
    if slice.isFirst {
      bias.gradient.fill(0)
      for member in working {
        add(scratch[member].biasSum, count: output.maps, to: bias.gradient.pointer)
      }
    }
    let length = plan.kernelSize * plan.kernelSize * shape.maps
    let offset = weight.layout.sliceOffset(slice.index)
    let stored = weight.layout.sliceKernelLength(slice.index)
    team.split(output.maps) { kernels, _ in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { buffer in
        let kernel = buffer.start
        for k in kernels {
          let target = weight.gradient.pointer + offset + k * stored
          let plain = plan.rearrangement == nil ? target : kernel
          kernelSet.kernelFromPoints(
            plan.kernelShape(slice.index), first + k * shape.maps,
            output.maps * shape.maps, coefficients.kernel.pointer, plain)
          if let rearrangement = plan.rearrangement {
            rearrangement.restoreKernel(plain, into: target)
          }
        }
      }
    }
  }

  // MARK: Kernels

  /// U = G g G^T for every kernel, once for each version of the weights and direction.
  private func transformKernels(for direction: Direction) {
    guard transformedVersion != weight.version || transformedFor != direction else { return }
    (transformedVersion, transformedFor) = (weight.version, direction)
    for slice in plan.slices.indices {
      let maps = plan.slices[slice].maps
      let (size, pixels) = (plan.grid.size, plan.kernelSize * plan.kernelSize)
      let points = transformed[slice].pointer
      let pointStride = output.maps * maps
      let (plain, stride) = plainKernels(slice)
      switch direction {
      case .backward:
        let blocks = UnpackedProduct.columnBlocks(maps)
        team.split(output.maps) { kernels, _ in
          for k in kernels {
            for block in blocks {
              kernelSet.pointsFromKernel(
                KernelShape(
                  size: size, pixels: plan.kernelSize, maps: block.count, pixelStride: maps),
                plain + k * stride + block.lowerBound, coefficients.kernel.pointer,
                points + block.lowerBound * output.maps + k * block.count, pointStride)
            }
          }
        }
      case .forward:
        // The transform treats maps alike: here the kernels that read one map take their place.
        let blocks = UnpackedProduct.columnBlocks(output.maps)
        let turned = workspace.starts[0]
        let next = pixels * output.maps
        team.split(maps) { range, _ in
          for pixel in 0..<pixels {
            UnpackedProduct.transpose(
              rows: output.maps, columns: range.count, plain + pixel * maps + range.lowerBound,
              stride: stride, into: turned + range.lowerBound * next + pixel * output.maps,
              stride: next)
          }
          for map in range {
            for block in blocks {
              kernelSet.pointsFromKernel(
                KernelShape(
                  size: size, pixels: plan.kernelSize, maps: block.count, pixelStride: output.maps),
                turned + map * next + block.lowerBound, coefficients.kernel.pointer,
                points + block.lowerBound * maps + map * block.count, pointStride)
            }
          }
        }
      }
    }
  }

  /// The kernels of a slice, kernel x pixel x map, and the distance from one to the next.
  private func plainKernels(_ slice: Int) -> (UnsafePointer<Float>, stride: Int) {
    let stored = weight.layout.sliceKernelLength(slice)
    let source = UnsafePointer(weight.value.pointer + weight.layout.sliceOffset(slice))
    guard let rearrangement = plan.rearrangement, let squares = rearrangedKernels?.pointer else {
      return (source, stored)
    }
    let length = plan.rearrangedKernelCount / output.maps
    team.split(output.maps) { kernels, _ in
      for k in kernels {
        rearrangement.rearrangeKernel(source + k * stored, into: squares + k * length)
      }
    }
    return (UnsafePointer(squares), length)
  }
}
