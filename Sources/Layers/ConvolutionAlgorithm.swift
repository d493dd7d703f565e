import Tensors

/// How a convolution is computed.
protocol ConvolutionAlgorithm: AnyObject {
  /// What it is called, `F(5,3)`.
  var title: String { get }

  /// Adds one share's part to the output, the biases with the last share.
  func forward(_ x: Tensor, _ share: Share, into y: Tensor, _ pass: Pass)

  /// Overwrites `dx`, where it is given, with the gradient by the share's input, and where the layer `learns` the
  /// share's part of the parameters' gradients.
  func backward(
    _ dy: Tensor, x: Tensor, _ share: Share, into dx: Tensor?, learns: Bool, _ pass: Pass)
}

/// Which algorithm a convolution is computed with.
package enum ConvolutionChoice: String, Codable, Sendable, CaseIterable {
  /// Winograd's where it fits, patches elsewhere.
  case automatic
  /// Products of patches.
  case patches
}
