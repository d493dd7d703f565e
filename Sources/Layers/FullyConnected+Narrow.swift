import Kernels
import Networks
import System
import Tensors

/// The passes with `Precision.bf16`, where the processor multiplies such numbers: both factors of
/// every product are rounded to 16 bits and added up in floats.
///
/// In training, weights are read as floats and rounded in the cache, a block at a time, so there is no
/// second copy of them: rounding costs less than writing and reading one.
extension FullyConnected {
  /// A thread's block of rounded weights: so much of a core's own cache that a block of the other
  /// factor fits beside it.
  private static let block = (kernels: 32, inputs: 1024)
  /// The same where pairs of kernels are one row.
  private static let pairs = (kernels: 512, inputs: 64)
  /// Columns of the weights' gradient that are written together.
  private static let gradientColumns = 256

  /// Floats of each thread's block.
  static let narrowRoom =
    max(
      block.kernels * block.inputs, pairs.kernels * pairs.inputs) / 2

  /// Floats for what all threads read.
  static func narrowCommonRoom(inputs: [MapShape], output: MapShape, images: Int) -> Int {
    let length = NarrowProduct.evenInner(inputs.map(\.count).max() ?? 0)
    let even = NarrowProduct.evenInner(images)
    return even * length + 2 * even * NarrowProduct.evenInner(output.count)
  }

  /// Products of rows of weights with the images as columns.
  func multiplyNarrowColumns(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let (length, images) = (inputs[slice.index].count, pass.images)
    let even = NarrowProduct.evenInner(length)
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    // Its rows are whole blocks, and so of even length.
    let kept = narrowWeights.isEmpty ? nil : narrowWeights[slice.index]
    // The images as rows, then as columns of pairs, then the products of kernels with images.
    let rows = workspace.common
    let columns = rows + images * even / 2
    let products = columns + images * even / 2
    narrowRows(x.pointer, rows: images, length: length, into: rows)
    team.split(even / 2) { range, _ in
      UnpackedProduct.transpose(
        rows: images, columns: range.count, rows + range.lowerBound, stride: even / 2,
        into: columns + range.lowerBound * images, stride: images)
    }
    let starts = workspace.starts
    team.split(output.maps) { kernels, thread in
      let block = UnsafeMutableRawPointer(starts[thread]).assumingMemoryBound(to: UInt16.self)
      for first in stride(from: 0, to: length, by: Self.block.inputs) {
        let count = min(Self.block.inputs, length - first)
        let inner = NarrowProduct.evenInner(count)
        for kernel in stride(
          from: kernels.lowerBound, to: kernels.upperBound, by: Self.block.kernels)
        {
          let kernelCount = min(Self.block.kernels, kernels.upperBound - kernel)
          if kept == nil {
            for row in 0..<kernelCount {
              KernelSet.best.narrow(
                weights + (kernel + row) * length + first, count, block + row * inner)
              if inner > count { block[row * inner + count] = 0 }
            }
          }
          NarrowProduct(
            rows: kernelCount, columns: images, inner: inner, aStride: kept == nil ? inner : length,
            bStride: images, cStride: images, accumulates: first > 0
          ).multiply(
            kept.map { $0.row(kernel) + first } ?? UnsafePointer(block),
            Self.words(columns + first / 2 * images), into: products + kernel * images)
        }
      }
      turn(products, kernels, slice, into: y, pass)
    }
  }

  /// dx = dy w.
  func narrowInputGradient(_ dy: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass) {
    let (length, kernels, images) = (inputs[slice.index].count, output.maps, pass.images)
    let even = NarrowProduct.evenInner(kernels)
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    let rows = workspace.common
    narrowRows(dy.pointer, rows: images, length: kernels, into: rows)
    let starts = workspace.starts
    team.split(length) { range, thread in
      let block = UnsafeMutableRawPointer(starts[thread]).assumingMemoryBound(to: UInt32.self)
      for column in stride(from: range.lowerBound, to: range.upperBound, by: Self.pairs.inputs) {
        let count = min(Self.pairs.inputs, range.upperBound - column)
        for first in stride(from: 0, to: kernels, by: Self.pairs.kernels) {
          let inner = NarrowProduct.evenInner(min(Self.pairs.kernels, kernels - first))
          for pair in 0..<(inner / 2) {
            let row = weights + (first + 2 * pair) * length + column
            KernelSet.best.narrowPairs(
              row, first + 2 * pair + 1 < kernels ? row + length : nil, count, block + pair * count)
          }
          NarrowProduct(
            rows: images, columns: count, inner: inner, aStride: even, bStride: count,
            cStride: length, accumulates: first > 0
          ).multiply(Self.halves(rows) + first, block, into: dx.pointer + column)
        }
      }
    }
  }

  /// dw = dy^T x.
  func narrowWeightGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass) {
    let (length, kernels, images) = (inputs[slice.index].count, output.maps, pass.images)
    let even = NarrowProduct.evenInner(images)
    let gradient = weight.gradient.pointer + weight.layout.sliceOffset(slice.index)
    // Pairs of images, the gradients of each kernel, and these rounded.
    let pairs = workspace.common
    let rows = pairs + even / 2 * length
    let narrow = rows + images * kernels
    team.split(even / 2) { range, _ in
      for pair in range {
        let row = x.pointer + 2 * pair * length
        KernelSet.best.narrowPairs(
          row, 2 * pair + 1 < images ? row + length : nil, length,
          Self.words(pairs + pair * length))
      }
    }
    team.split(kernels) { range, _ in
      UnpackedProduct.transpose(
        rows: images, columns: range.count, dy.pointer + range.lowerBound, stride: kernels,
        into: rows + range.lowerBound * images, stride: images)
      let own = Self.halves(narrow)
      for kernel in range {
        KernelSet.best.narrow(rows + kernel * images, images, own + kernel * even)
        if even > images { own[kernel * even + images] = 0 }
      }
      for kernel in stride(from: range.lowerBound, to: range.upperBound, by: Self.block.kernels) {
        for column in stride(from: 0, to: length, by: Self.gradientColumns) {
          NarrowProduct(
            rows: min(Self.block.kernels, range.upperBound - kernel),
            columns: min(Self.gradientColumns, length - column), inner: even, aStride: even,
            bStride: length, cStride: length, accumulates: false
          ).multiply(
            own + kernel * even, Self.words(pairs + column),
            into: gradient + kernel * length + column)
        }
      }
    }
  }

  /// Rounds rows and fills them up to an even length with zeros.
  private func narrowRows(
    _ x: UnsafePointer<Float>, rows: Int, length: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let even = NarrowProduct.evenInner(length)
    let halves = Self.halves(y)
    team.split(rows) { range, _ in
      for row in range {
        KernelSet.best.narrow(x + row * length, length, halves + row * even)
        if even > length { halves[row * even + length] = 0 }
      }
    }
  }

  private static func halves(_ floats: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt16>
  {
    UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt16.self)
  }

  private static func words(_ floats: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt32.self)
  }
}
