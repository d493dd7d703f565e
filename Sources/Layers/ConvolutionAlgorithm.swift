import Tensors

/// How a convolution is computed.
protocol ConvolutionAlgorithm: AnyObject {
  /// What it is called, `F(5,3)`.
  var title: String { get }
  /// How many images a product of matrices has.
  var imagesAtOnce: Int { get }

  /// Adds one slice's products to the output, the biases with the last slice.
  func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass)

  /// Overwrites `dx`, where it is given, with the gradient by the slice's input, and where the
  /// layer `learns` the slice's part of the parameters' gradients.
  func backward(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, learns: Bool, _ pass: Pass)
}

/// Which algorithm a convolution is computed with.
package enum ConvolutionChoice: String, Codable, Sendable, CaseIterable {
  /// Winograd's where it fits, direct where maps are few, patches elsewhere.
  case automatic
  /// Products of patches.
  case patches
}
