package import Networks
package import Tensors

/// What one tower computes alone, on the maps of a batch of images.
///
/// Tensors are images x height x width x maps, with room for the largest batch; `pass.images` says
/// how many are there. A layer that reads several towers reads one *slice* of its input, a tower's
/// maps, after the other: `y = sum over slices of f_slice(x_slice)`, so that it can begin with its
/// own tower's maps while the others travel. All other layers have one slice.
///
/// The backward functions may use the input `x` of the forward pass, which still holds what it
/// held; the output may have been changed in place by the layer that follows.
package protocol Layer: AnyObject {
  /// A type of layer, as data.
  associatedtype Traits: LayerTraits
  /// The layer's settings, and what is known of its type.
  var traits: Traits { get }
  /// The maps that the layer reads, a shape for each slice.
  var inputs: [MapShape] { get }
  /// The maps that it makes.
  var output: MapShape { get }
  /// What it learns: nothing, or weights and biases.
  var parameters: [Parameter] { get }

  /// How many images a thread takes together at least, where there are so many: fewer would fetch
  /// weights too often.
  var imagesAtOnce: Int { get }

  /// Adds one slice's products to the output; the first slice overwrites what was there.
  func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass)

  /// Overwrites `dx` with the gradient of the loss by the slice's input, given that by the output.
  func inputGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass)

  /// Overwrites the gradients of the parameters that read the slice, given the gradient by the
  /// output.
  func parameterGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass)

  /// Both gradients at once, where they have work in common; `dx` is nil where the input needs
  /// none.
  func backward(_ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, _ pass: Pass)
}

extension Layer {
  /// The layer's name in the network, `conv1`.
  package var name: String { traits.name }
  /// Whether the output may take the place of the input in memory, and the gradients likewise.
  ///
  /// The backward functions are then given the output as `x`.
  package var worksInPlace: Bool { traits.worksInPlace }
  /// Whether `backward` has work in common for its two gradients.
  package var gradientsShareWork: Bool {
    (traits as? any LayerWithWeights)?.gradientsShareWork ?? false
  }
  /// Nothing to learn.
  package var parameters: [Parameter] { [] }
  /// One: there are no weights to fetch.
  package var imagesAtOnce: Int { 1 }
  /// Nothing to learn.
  package func parameterGradient(_ dy: Tensor, x: Tensor, _ slice: InputSlice, _ pass: Pass) {}
  /// One gradient after the other.
  package func backward(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor?, _ pass: Pass
  ) {
    parameterGradient(dy, x: x, slice, pass)
    if let dx { inputGradient(dy, x: x, slice, into: dx, pass) }
  }
}

/// Which slice of its input a layer is reading: the maps of which of the towers that it reads.
package struct InputSlice: Equatable, Sendable {
  /// The number of the slice among the layer's inputs, which are in the order of their towers.
  package var index: Int
  /// Whether this is the first slice of the pass: outputs are overwritten, not added to.
  package var isFirst: Bool
  /// Whether this is the last one: the biases are added now.
  package var isLast: Bool

  /// Makes a slice.
  package init(index: Int, isFirst: Bool, isLast: Bool) {
    self.index = index
    self.isFirst = isFirst
    self.isLast = isLast
  }

  /// The only slice of a layer that reads one tensor.
  package static let whole = InputSlice(index: 0, isFirst: true, isLast: true)
}

/// What all layers know about the batch that is passing through.
package struct Pass: Equatable, Sendable {
  /// How many images the tensors hold.
  package var images: Int
  /// Whether units are dropped, as in training.
  package var isTraining: Bool
  /// The number of the training step, which counts the random numbers.
  package var step: Int
  /// The number of the first image in the whole batch, where the batch is split over replicas.
  package var firstImage: Int
  /// How many images the whole batch has over all replicas.
  package var batch: Int
  /// Which part of the batch passes, where one part passes after the other.
  package var part: Int
  /// The parts in which the batch passes.
  package var parts: Int
  /// The number of the first image among those that a layer remembers something of: not 0 where a
  /// pass takes some layers by some images at a time.
  package private(set) var firstRow = 0

  /// Makes a pass; `batch` is `images` where there is one replica and one part.
  package init(
    images: Int, isTraining: Bool, step: Int = 0, firstImage: Int = 0, batch: Int? = nil,
    part: Int = 0, parts: Int = 1
  ) {
    self.images = images
    self.batch = batch ?? images
    self.isTraining = isTraining
    self.step = step
    self.firstImage = firstImage
    (self.part, self.parts) = (part, parts)
  }

  /// Whether the gradients of the whole batch are there after this pass.
  package var isLastPart: Bool { part == parts - 1 }

  /// The pass of some of the images; the tensors that layers are given then begin with the first of
  /// them.
  package func limited(to rows: Range<Int>) -> Pass {
    var pass = self
    pass.images = rows.count
    pass.firstImage += rows.lowerBound
    pass.firstRow += rows.lowerBound
    return pass
  }
}
