import Foundation
import Layers
import Networks
import System
import Tensors

/// The errors of each convolution at the network's real shapes, for each algorithm, against double
/// precision.
///
/// Inputs are normally distributed, after a ReLU as in the network except for the image; weights
/// and output gradients are normally distributed. The error is ||result - reference|| /
/// ||reference||.
struct BenchAccuracy {
  private let network: NetworkSpecification
  private static let images = 2

  init(_ network: NetworkSpecification) { self.network = network }

  /// The errors as a table.
  var text: String {
    var lines = [
      "\(network.name): relative norm of the error against double precision, \(Self.images) "
        + "images.",
      "",
      "layer       algorithm    forward   input gradient   weight gradient",
    ]
    for (number, shape) in network.shapes(ofTower: 0).enumerated() {
      guard case .convolution(let convolution) = shape.layer else { continue }
      for choice in ConvolutionChoice.allCases {
        lines.append(row(shape, convolution, choice, isFirst: number == 0))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(
    _ shape: LayerShape, _ convolution: ConvolutionSpecification, _ choice: ConvolutionChoice,
    isFirst: Bool
  ) -> String {
    let trial = ConvolutionTrial(
      shape, convolution, choice, images: Self.images, isRectified: !isFirst)
    let errors = trial.errors()
    return tableLine(
      [shape.layer.name, trial.layer.algorithmTitle], [.left(12), .left(11)], gap: 0)
      + String(format: "%9.1e", errors.forward)
      + (isFirst
        ? "                -" : String(format: "        %9.1e", errors.inputGradient))
      + String(format: "         %9.1e", errors.weightGradient)
  }
}

/// One convolution with random numbers, computed by an algorithm and in double precision.
private final class ConvolutionTrial {
  let layer: Convolution
  private let images: Int
  private let window: Window
  private let x: [Tensor]
  private let dy: Tensor
  private let pass: Pass

  init(
    _ shape: LayerShape, _ convolution: ConvolutionSpecification, _ choice: ConvolutionChoice,
    images: Int, isRectified: Bool
  ) {
    self.images = images
    window = convolution.window
    pass = Pass(images: images, isTraining: true)
    let kernels = shape.kernels.count
    let weight = Parameter(
      name: "weight", role: .weight, kernels: 0..<kernels, kernelCount: kernels,
      layout: ParameterLayout(kernels: kernels, of: convolution.kernel(over: shape.inputs)),
      initialDeviation: 0.01, initialMean: 0, isTrained: true)
    weight.initialize(seed: 1)
    let bias = Parameter(
      name: "bias", role: .bias, kernels: 0..<kernels, kernelCount: kernels,
      layout: .biases(kernels: kernels), initialDeviation: 0, initialMean: 0, isTrained: true)
    layer = Convolution(
      convolution, inputs: shape.inputs, weight: weight, bias: bias, choice: choice,
      team: ThreadTeam(count: 1))
    x = shape.inputs.map { Tensor(images, $0.count) }
    dy = Tensor(images, shape.output.count)
    for (number, tensor) in (x + [dy]).enumerated() {
      let random = Philox(seed: 2, purpose: UInt64(number))
      for i in 0..<tensor.count {
        let normal = Float(random.normals(0, UInt64(i >> 2))[i & 3])
        tensor.pointer[i] = isRectified && number < x.count ? max(0, normal) : normal
      }
    }
  }

  func errors() -> (forward: Double, inputGradient: Double, weightGradient: Double) {
    let y = Tensor(images, layer.output.count)
    let dx = x.map { Tensor(images, $0.count / images) }
    let slices = x.indices.map {
      InputSlice(index: $0, isFirst: $0 == 0, isLast: $0 == x.count - 1)
    }
    for slice in slices { layer.forward(x[slice.index], slice, into: y, pass) }
    for slice in slices {
      layer.backward(dy, x: x[slice.index], slice, into: dx[slice.index], pass)
    }
    let reference = doubles()
    let layout = layer.weight.layout
    let gradients = x.indices.map { slice in
      let start = layout.sliceOffset(slice)
      return Array(
        layer.weight.gradient.elements[
          start..<start + layout.kernels * layout.sliceKernelLength(slice)])
    }
    return (
      error([Array(y.elements)], [reference.y]),
      error(dx.map { Array($0.elements) }, reference.dx), error(gradients, reference.dw)
    )
  }

  private func error(_ values: [[Float]], _ reference: [[Double]]) -> Double {
    var (difference, norm) = (0.0, 0.0)
    for (value, exact) in zip(values.joined(), reference.joined()) {
      difference += (Double(value) - exact) * (Double(value) - exact)
      norm += exact * exact
    }
    return (difference / norm).squareRoot()
  }

  /// Computed directly from the definition, pixel by pixel.
  private func doubles() -> (y: [Double], dx: [[Double]], dw: [[Double]]) {
    let (output, size, kernels) = (layer.output, window.size, layer.output.maps)
    var y = [Double](repeating: 0, count: images * output.count)
    let gradient = dy.elements.map(Double.init)
    var (allDX, allDW): ([[Double]], [[Double]]) = ([], [])
    for (slice, shape) in layer.inputs.enumerated() {
      let maps = layer.weight.layout.kernel.sliceMaps[slice]
      let groups = shape.maps / maps
      let pixels = x[slice].elements.map(Double.init)
      let length = size * size * maps
      let start = layer.weight.layout.sliceOffset(slice)
      let weights = (0..<kernels * length).map { Double(layer.weight.value.pointer[start + $0]) }
      var dx = [Double](repeating: 0, count: pixels.count)
      var dw = [Double](repeating: 0, count: weights.count)
      for image in 0..<images {
        for row in 0..<output.height {
          for column in 0..<output.width {
            for r in 0..<size {
              let i = row * window.stride - window.padding + r
              guard i >= 0 && i < shape.height else { continue }
              for s in 0..<size {
                let j = column * window.stride - window.padding + s
                guard j >= 0 && j < shape.width else { continue }
                let place = ((image * output.height + row) * output.width + column) * kernels
                let pixel = ((image * shape.height + i) * shape.width + j) * shape.maps
                for kernel in 0..<kernels {
                  let first = pixel + kernel * groups / kernels * maps
                  let weight = kernel * length + (r * size + s) * maps
                  let slope = gradient[place + kernel]
                  var sum = 0.0
                  for map in 0..<maps {
                    sum += weights[weight + map] * pixels[first + map]
                    dx[first + map] += weights[weight + map] * slope
                    dw[weight + map] += pixels[first + map] * slope
                  }
                  y[place + kernel] += sum
                }
              }
            }
          }
        }
      }
      allDX.append(dx)
      allDW.append(dw)
    }
    return (y, allDX, allDW)
  }
}
