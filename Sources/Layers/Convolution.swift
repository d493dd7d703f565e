package import Networks
package import System
package import Tensors

/// Convolution of feature maps with a tower's kernels.
///
/// y[n,p,q,k] = b[k] + sum over r,s,c of w[k,r,s,c] x[n, p stride + r - padding, q stride + s -
/// padding, c], where pixels outside the map are zero. With `groups` g, kernels and input maps fall
/// into g equal groups and a kernel reads the maps of its group alone. Several slices (the maps of
/// several towers) add up.
package final class Convolution: Layer {
  /// The layer's settings.
  package let traits: ConvolutionSpecification
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
  /// How it is computed: Winograd's `F(5,3)`, tiles of 5 x 5 outputs for kernels of 3 x 3,
  /// `direct` or `patches`.
  package var algorithmTitle: String { algorithm.title }
  /// As many as the algorithm's products have together.
  package var imagesAtOnce: Int { algorithm.imagesAtOnce }

  /// Makes a convolution.
  /// - Parameters:
  ///   - traits: The layer's settings; groups only where there is one slice.
  ///   - inputs: The maps of each slice; all of one height and width.
  ///   - weight: The weights, in the layout height = width = size, slices' maps divided by groups.
  ///   - bias: The biases.
  ///   - choice: How it is computed.
  ///   - images: The most images that are computed together.
  ///   - team: The tower's threads.
  ///   - workspace: The tower's memory for what its layers keep while they compute; nil for one of
  ///     its own.
  package init(
    _ traits: ConvolutionSpecification, inputs: [MapShape], weight: Parameter, bias: Parameter,
    choice: ConvolutionChoice = .automatic, images: Int = .max, team: ThreadTeam,
    workspace: Workspace? = nil
  ) {
    let (window, groups) = (traits.window, traits.groups)
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
    self.traits = traits
    self.inputs = inputs
    self.weight = weight
    self.bias = bias
    let output = traits.output(of: inputs[0], kernels: kernels)
    self.output = output
    if choice == .automatic,
      let plan = WinogradPlan(
        inputs: inputs, output: output, window: window, groups: groups, images: images,
        isTrained: weight.gradient.count > 0)
    {
      algorithm = WinogradConvolution(
        plan, weight: weight, bias: bias,
        workspace: workspace ?? Workspace(threads: team.count), team: team)
    } else if choice == .automatic,
      let direct = DirectConvolution(
        inputs: inputs, output: output, window: window, groups: groups, weight: weight, bias: bias,
        team: team)
    {
      algorithm = direct
    } else {
      algorithm = PatchConvolution(
        inputs: inputs, output: output, window: window, groups: groups, weight: weight, bias: bias,
        team: team)
    }
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

  /// Both gradients, which have transforms in common.
  package func backward(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, _ pass: Pass
  ) {
    algorithm.backward(dy, x: x, slice, into: dx, learns: true, pass)
  }
}

extension ConvolutionSpecification: BuildableLayer {
  /// The layer over the maps of the towers that one tower reads.
  package func layer(_ context: LayerContext) -> any Layer {
    let (weight, bias) = context.parameters(of: self)
    return Convolution(
      self, inputs: context.shape.inputs, weight: weight, bias: bias, choice: context.algorithm,
      images: context.batchSize, team: context.team, workspace: context.workspace)
  }

  /// What Winograd's algorithm takes where it fits; the others take little.
  package func workspace(
    _ shape: LayerShape, threads: Int, images: Int, _ precision: Precision
  ) -> WorkspaceBytes {
    let plan = WinogradPlan(
      inputs: shape.inputs, output: shape.output, window: window, groups: groups, images: images,
      isTrained: true)
    return plan?.memory(threads: threads) ?? WorkspaceBytes()
  }
}
