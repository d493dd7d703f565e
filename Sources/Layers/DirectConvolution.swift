import Kernels
import Networks
import System
import Tensors

/// Convolution of few maps, as those of a colour picture, without patches and their memory.
///
/// Each image is copied once with its padding around it. The inner loop keeps the sums of six
/// places and sixteen kernels in registers while it runs over a window's floats, which lie side by
/// side in each row of the picture; for the weights' gradient it keeps those of six weights and
/// sixteen kernels while it runs over the places. Both multiply in the order of a window's pixels.
final class DirectConvolution: ConvolutionAlgorithm {
  let title = "direct"
  let imagesAtOnce = 1

  private let input: MapShape
  private let output: MapShape
  private let window: Window
  private let grid: DirectGrid
  private let weight: Parameter
  private let bias: Parameter
  private let team: ThreadTeam
  private let kernelSet = KernelSet.best
  /// The weights in the inner loop's order: a window's floats x kernels.
  private let turned: Tensor
  private var turnedVersion = -1
  private let scratch: [Scratch]
  /// Gives the gradient by the input, which the first layer of a network never needs.
  private lazy var patches = PatchConvolution(
    inputs: [input], output: output, window: window, groups: 1, weight: weight, bias: bias,
    team: team)

  /// What one thread needs for itself.
  private struct Scratch {
    let padded: Tensor
    let gradient: Tensor
    let biasSum: Tensor
  }

  /// Nil where the algorithm does not fit: several inputs or groups, many maps, kernels that do not
  /// fill a vector, or less than six places in a row or floats in a window's.
  init?(
    inputs: [MapShape], output: MapShape, window: Window, groups: Int, weight: Parameter,
    bias: Parameter, team: ThreadTeam
  ) {
    guard inputs.count == 1, groups == 1, inputs[0].maps < 16, output.maps >= 16,
      output.width >= 6, window.size * inputs[0].maps >= 6
    else { return nil }
    input = inputs[0]
    self.output = output
    self.window = window
    self.weight = weight
    self.bias = bias
    self.team = team
    // The last window may reach beyond the padding.
    let width = max(
      input.width + window.padding, (output.width - 1) * window.stride + window.size)
    let height = max(
      input.height + window.padding, (output.height - 1) * window.stride + window.size)
    grid = DirectGrid(
      outputHeight: output.height, outputWidth: output.width, kernels: output.maps,
      size: window.size, stride: window.stride, maps: input.maps, rowLength: width * input.maps)
    let weights = output.maps * grid.taps
    turned = Tensor(weights)
    let isTrained = weight.gradient.count > 0
    let padded = height * grid.rowLength
    scratch = (0..<team.count).map { _ in
      Scratch(
        padded: Tensor(padded), gradient: Tensor(isTrained ? weights : 0),
        biasSum: Tensor(isTrained ? output.maps : 0))
    }
  }

  func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    turnWeights()
    team.split(pass.images) { images, member in
      let padded = scratch[member].padded.pointer
      for image in images {
        pad(x.pointer + image * input.count, into: padded)
        kernelSet.directForward(
          grid, padded, turned.pointer, bias.value.pointer, y.pointer + image * output.count)
      }
    }
  }

  func backward(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, learns: Bool, _ pass: Pass
  ) {
    if learns { parameterGradient(dy, x: x, pass) }
    if let dx { patches.backward(dy, x: x, slice, into: dx, learns: false, pass) }
  }

  private func parameterGradient(_ dy: Tensor, x: Tensor, _ pass: Pass) {
    team.split(pass.images) { images, member in
      let memory = scratch[member]
      memory.gradient.fill(0)
      memory.biasSum.fill(0)
      for image in images {
        let outputGradient = dy.pointer + image * output.count
        pad(x.pointer + image * input.count, into: memory.padded.pointer)
        kernelSet.directWeightGradient(
          grid, memory.padded.pointer, outputGradient, memory.gradient.pointer)
        addRows(
          outputGradient, count: output.maps, rows: output.pixels, to: memory.biasSum.pointer)
      }
    }
    // The threads' sums, always in the same order.
    weight.gradient.fill(0)
    bias.gradient.fill(0)
    for member in 0..<team.count
    where !evenSplit(pass.images, part: member, of: team.count).isEmpty {
      let (sum, gradient) = (scratch[member].gradient.pointer, weight.gradient.pointer)
      for k in 0..<output.maps {
        for tap in 0..<grid.taps { gradient[k * grid.taps + tap] += sum[tap * output.maps + k] }
      }
      add(scratch[member].biasSum.pointer, count: output.maps, to: bias.gradient.pointer)
    }
  }

  /// Copies an image into the middle of its padding, which stays zero.
  private func pad(_ image: UnsafePointer<Float>, into padded: UnsafeMutablePointer<Float>) {
    let line = input.width * input.maps
    let corner = padded + window.padding * (grid.rowLength + input.maps)
    for row in 0..<input.height {
      (corner + row * grid.rowLength).update(from: image + row * line, count: line)
    }
  }

  private func turnWeights() {
    guard turnedVersion != weight.version else { return }
    turnedVersion = weight.version
    let (source, target) = (weight.value.pointer, turned.pointer)
    for k in 0..<output.maps {
      for tap in 0..<grid.taps { target[tap * output.maps + k] = source[k * grid.taps + tap] }
    }
  }
}
