import Networks
import System
import Tensors

/// Convolution by products of patches, for any kernel, stride, padding and groups.
///
/// Each image's patches are laid out as the rows of a matrix (im2col) and multiplied with the
/// kernels by BLAS; the images of a batch are spread over the tower's threads.
final class PatchConvolution: ConvolutionAlgorithm {
  let title = "patches"
  let imagesAtOnce = 1

  private let inputs: [MapShape]
  private let output: MapShape
  private let window: Window
  private let groups: Int
  private let weight: Parameter
  private let bias: Parameter
  private let team: ThreadTeam
  private let scratch: [Scratch]

  /// What one thread needs for itself.
  private struct Scratch {
    let patches: Tensor
    let weightGradient: Tensor
    let biasSum: Tensor
  }

  /// About half of a core's second-level cache holds a block of patches.
  private static let patchFloats = 96 * 1024

  init(
    inputs: [MapShape], output: MapShape, window: Window, groups: Int, weight: Parameter,
    bias: Parameter, team: ThreadTeam
  ) {
    self.inputs = inputs
    self.output = output
    self.window = window
    self.groups = groups
    self.weight = weight
    self.bias = bias
    self.team = team
    let longest = inputs.map { $0.maps / groups }.max() ?? 0
    let patchLength = window.size * window.size * longest
    let rows = max(1, min(output.height, Self.patchFloats / max(1, output.width * patchLength)))
    let isTrained = weight.gradient.count > 0
    let patchCount = rows * output.width * patchLength
    scratch = (0..<team.count).map { member in
      Scratch(
        patches: Tensor(patchCount),
        weightGradient: Tensor(isTrained && member > 0 ? weight.layout.count : 0),
        biasSum: Tensor(isTrained ? output.maps : 0))
    }
  }

  func backward(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, learns: Bool, _ pass: Pass
  ) {
    if learns { parameterGradient(dy, x: x, slice, pass) }
    if let dx { inputGradient(dy, slice, into: dx, pass) }
  }

  private func rowsPerBlock(patchLength: Int) -> Int {
    max(1, min(output.height, scratch[0].patches.count / (output.width * patchLength)))
  }

  func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let input = inputs[slice.index]
    let maps = input.maps / groups
    let patchLength = window.size * window.size * maps
    let kernels = output.maps / groups
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    team.split(pass.images) { images, member in
      let patches = scratch[member].patches.pointer
      for image in images {
        let source = x.pointer + image * input.count
        let target = y.pointer + image * output.count
        forEachBlock(patchLength) { rows in
          let pixels = rows.count * output.width
          let block = target + rows.lowerBound * output.width * output.maps
          for group in 0..<groups {
            gather(source + group * maps, input, maps, rows, into: patches)
            BLAS.multiply(
              rows: pixels, columns: kernels, inner: patchLength,
              patches, stride: patchLength,
              weights + group * kernels * patchLength, .transposed, stride: patchLength,
              beta: slice.isFirst ? 0 : 1,
              into: block + group * kernels, stride: output.maps)
          }
          if slice.isLast {
            addRow(bias.value.pointer, count: output.maps, toRows: pixels, of: block)
          }
        }
      }
    }
  }

  /// The transposed convolution: each output gradient is spread over the patch that it came from.
  private func inputGradient(_ dy: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass) {
    let input = inputs[slice.index]
    let maps = input.maps / groups
    let patchLength = window.size * window.size * maps
    let kernels = output.maps / groups
    let weights = weight.value.pointer + weight.layout.sliceOffset(slice.index)
    team.split(pass.images) { images, member in
      let patches = scratch[member].patches.pointer
      for image in images {
        let source = dy.pointer + image * output.count
        let target = dx.pointer + image * input.count
        target.update(repeating: 0, count: input.count)
        forEachBlock(patchLength) { rows in
          let block = source + rows.lowerBound * output.width * output.maps
          for group in 0..<groups {
            BLAS.multiply(
              rows: rows.count * output.width, columns: patchLength, inner: kernels,
              block + group * kernels, stride: output.maps,
              weights + group * kernels * patchLength, stride: patchLength,
              into: patches, stride: patchLength)
            scatter(patches, rows, input, maps, to: target + group * maps)
          }
        }
      }
    }
  }

  /// dw = sum over images and pixels of dy times the patch; db = sum of dy, with the first slice.
  private func parameterGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass) {
    let input = inputs[slice.index]
    let maps = input.maps / groups
    let patchLength = window.size * window.size * maps
    let kernels = output.maps / groups
    let offset = weight.layout.sliceOffset(slice.index)
    let gradient = weight.gradient.pointer + offset
    let length = weight.layout.kernels * patchLength
    team.split(pass.images) { images, member in
      let patches = scratch[member].patches.pointer
      let sum = member == 0 ? gradient : scratch[member].weightGradient.pointer + offset
      let biasSum = scratch[member].biasSum.pointer
      if slice.isFirst { biasSum.update(repeating: 0, count: output.maps) }
      var beta: Float = 0
      for image in images {
        let source = x.pointer + image * input.count
        let outputGradient = dy.pointer + image * output.count
        forEachBlock(patchLength) { rows in
          let pixels = rows.count * output.width
          let block = outputGradient + rows.lowerBound * output.width * output.maps
          for group in 0..<groups {
            gather(source + group * maps, input, maps, rows, into: patches)
            BLAS.multiply(
              rows: kernels, columns: patchLength, inner: pixels,
              block + group * kernels, .transposed, stride: output.maps,
              patches, stride: patchLength, beta: beta,
              into: sum + group * kernels * patchLength, stride: patchLength)
          }
          beta = 1
        }
        if slice.isFirst {
          addRows(outputGradient, count: output.maps, rows: output.pixels, to: biasSum)
        }
      }
    }
    // The threads' sums, always in the same order.
    for member in 0..<team.count {
      let images = evenSplit(pass.images, part: member, of: team.count)
      let target = bias.gradient.pointer
      if member == 0 && slice.isFirst { target.update(repeating: 0, count: output.maps) }
      if images.isEmpty {
        if member == 0 { gradient.update(repeating: 0, count: length) }
        continue
      }
      if slice.isFirst { add(scratch[member].biasSum.pointer, count: output.maps, to: target) }
      if member > 0 {
        let sum = scratch[member].weightGradient.pointer + offset
        team.split(length) { range, _ in
          add(sum + range.lowerBound, count: range.count, to: gradient + range.lowerBound)
        }
      }
    }
  }

  private func forEachBlock(_ patchLength: Int, _ body: (_ rows: Range<Int>) -> Void) {
    let step = rowsPerBlock(patchLength: patchLength)
    var row = 0
    while row < output.height {
      body(row..<min(output.height, row + step))
      row += step
    }
  }

  /// Lays the patches under some output rows out as matrix rows of height x width x maps.
  private func gather(
    _ source: UnsafePointer<Float>, _ input: MapShape, _ maps: Int, _ rows: Range<Int>,
    into patches: UnsafeMutablePointer<Float>
  ) {
    let (size, pixel) = (window.size, input.maps)
    var patch = patches
    for row in rows {
      for column in 0..<output.width {
        let left = column * window.stride - window.padding
        let inside = window.covered(at: column, of: input.width)
        for offset in 0..<size {
          let y = row * window.stride - window.padding + offset
          if y < 0 || y >= input.height || inside.isEmpty {
            patch.update(repeating: 0, count: size * maps)
          } else {
            let before = inside.lowerBound - left
            let after = left + size - inside.upperBound
            patch.update(repeating: 0, count: before * maps)
            let line = source + (y * input.width + inside.lowerBound) * pixel
            if maps == pixel {
              (patch + before * maps).update(from: line, count: inside.count * maps)
            } else {
              for x in 0..<inside.count {
                (patch + (before + x) * maps).update(from: line + x * pixel, count: maps)
              }
            }
            (patch + (size - after) * maps).update(repeating: 0, count: after * maps)
          }
          patch += size * maps
        }
      }
    }
  }

  /// Adds patches back to the pixels that they were taken from: the adjoint of `gather`.
  private func scatter(
    _ patches: UnsafePointer<Float>, _ rows: Range<Int>, _ input: MapShape, _ maps: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let (size, pixel) = (window.size, input.maps)
    var patch = patches
    for row in rows {
      for column in 0..<output.width {
        let left = column * window.stride - window.padding
        let inside = window.covered(at: column, of: input.width)
        for offset in 0..<size {
          let y = row * window.stride - window.padding + offset
          if y >= 0 && y < input.height && !inside.isEmpty {
            let from = patch + (inside.lowerBound - left) * maps
            let line = target + (y * input.width + inside.lowerBound) * pixel
            if maps == pixel {
              add(from, count: inside.count * maps, to: line)
            } else {
              for x in 0..<inside.count { add(from + x * maps, count: maps, to: line + x * pixel) }
            }
          }
          patch += size * maps
        }
      }
    }
  }
}
