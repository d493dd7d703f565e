package import Networks
package import System
package import Tensors

/// Convolution of feature maps with a tower's kernels.
///
/// y[n,p,q,k] = b[k] + sum over r,s,c of w[k,r,s,c] x[n, p stride + r - padding, q stride + s - padding, c],
/// where pixels outside the map are zero. With `groups` g, kernels and input maps fall into g equal groups
/// and a kernel reads the maps of its group alone. Several slices (the maps of several towers) add up.
package final class Convolution: Layer {
  /// The layer's name.
  package let name: String
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// The maps that it makes: places x places x kernels.
  package let output: MapShape
  /// The weights, then the biases.
  package var parameters: [Parameter] { [weight, bias] }

  /// Kernels x height x width x maps.
  package let weight: Parameter
  /// One number a kernel.
  package let bias: Parameter

  private let algorithm: any ConvolutionAlgorithm
  /// How it is computed: Winograd's `F(5,3)`, tiles of 5 x 5 outputs for kernels of 3 x 3, or `patches`.
  package var algorithmTitle: String { algorithm.title }

  /// Makes a convolution.
  /// - Parameters:
  ///   - name: The layer's name.
  ///   - inputs: The maps of each slice; all of one height and width.
  ///   - window: The kernels' size, stride and padding.
  ///   - groups: How many groups kernels and maps fall into; 1 where there are several slices.
  ///   - weight: The weights, in the layout height = width = size, slices' maps divided by groups.
  ///   - bias: The biases.
  ///   - choice: How it is computed.
  ///   - images: The most images that are computed together.
  ///   - team: The tower's threads.
  package init(
    name: String, inputs: [MapShape], window: Window, groups: Int = 1, weight: Parameter,
    bias: Parameter, choice: ConvolutionChoice = .automatic, images: Int = .max, team: ThreadTeam
  ) {
    precondition(
      !inputs.isEmpty && (groups == 1 || inputs.count == 1),
      "A convolution in groups must read one tower.")
    precondition(
      inputs.allSatisfy { $0.height == inputs[0].height && $0.width == inputs[0].width },
      "All inputs must have the same height and width.")
    let kernels = weight.layout.kernels
    precondition(
      kernels % groups == 0 && inputs[0].maps % groups == 0,
      "Groups must divide the kernels and the maps.")
    self.name = name
    self.inputs = inputs
    self.weight = weight
    self.bias = bias
    let output = MapShape(
      height: window.places(over: inputs[0].height), width: window.places(over: inputs[0].width),
      maps: kernels)
    self.output = output
    let plan = WinogradPlan(inputs: inputs, output: output, window: window, groups: groups)
    if choice == .automatic, let plan, plan.isWorthwhile(images: images) {
      algorithm = WinogradConvolution(plan, weight: weight, bias: bias, team: team)
    } else {
      algorithm = PatchConvolution(
        inputs: inputs, output: output, window: window, groups: groups, weight: weight, bias: bias,
        team: team)
    }
  }

  /// Bytes that a convolution takes for itself in training, besides its output and its parameters, where it is
  /// computed by Winograd's algorithm; the patches of the others are small.
  package static func workspace(
    inputs: [MapShape], output: MapShape, window: Window, groups: Int, threads: Int
  ) -> Int {
    let plan = WinogradPlan(inputs: inputs, output: output, window: window, groups: groups)
    return plan?.bytes(threads: threads) ?? 0
  }

  /// Adds the slice's products to `y`.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    algorithm.forward(x, slice, into: y, pass)
  }

  /// The transposed convolution of the output gradient.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    algorithm.backward(dy, x: x, slice, into: dx, learns: false, pass)
  }

  /// dw = sum over images and pixels of dy times the patch; db = sum of dy, with the first slice.
  package func parameterGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass) {
    algorithm.backward(dy, x: x, slice, into: nil, learns: true, pass)
  }

  /// The transforms, or patches, of the gradient and of the input.
  package var gradientsShareWork: Bool { true }

  /// Both gradients, which have transforms in common.
  package func backward(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, _ pass: Pass
  ) {
    algorithm.backward(dy, x: x, slice, into: dx, learns: true, pass)
  }
}
