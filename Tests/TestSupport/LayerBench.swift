package import Layers
import Networks
package import Tensors

/// Runs one layer as the network does: share after share, in place where it says so.
///
/// What lies beyond the images of the pass is NaN, so that reading or writing there shows.
package final class LayerBench {
  /// The layer.
  package let layer: any Layer
  /// What each share reads.
  package let inputs: [Tensor]
  /// The pass.
  package var pass: Pass
  /// The share that is read first, as a tower reads its own maps first.
  package var firstShare = 0
  private let output: Tensor
  private let capacity: Int
  private var isRestOfGradientsUntouched = true

  /// Sets a layer up with room for `capacity` images, of which `images` come.
  package init(_ layer: any Layer, images: Int, capacity: Int? = nil, isTraining: Bool = true) {
    self.layer = layer
    let capacity = capacity ?? images
    self.capacity = capacity
    pass = Pass(images: images, isTraining: isTraining)
    inputs = layer.inputs.map { Tensor([capacity, $0.count], values: [], then: .nan) }
    output = Tensor([capacity, layer.output.count], values: [], then: .nan)
  }

  /// Numbers in one share of the batch's input.
  package func inputCount(_ share: Int = 0) -> Int { pass.images * layer.inputs[share].count }
  /// Numbers in the batch's output.
  package var outputCount: Int { pass.images * layer.output.count }

  /// Fills the inputs with numbers in [-scale, scale).
  package func fill(seed: UInt64, scale: Float = 1) {
    var random = SmallRandom(seed)
    for (share, input) in inputs.enumerated() {
      input.set(random.uniforms(inputCount(share), scale: scale))
    }
  }

  /// Fills the inputs with small whole numbers.
  package func fillWithIntegers(seed: UInt64) {
    var random = SmallRandom(seed)
    for (share, input) in inputs.enumerated() { input.set(random.integers(inputCount(share))) }
  }

  /// The inputs of one share.
  package func values(_ share: Int = 0) -> [Float] { inputs[share].values(inputCount(share)) }

  /// The inputs of all shares in Double.
  package var maps: FeatureMaps {
    FeatureMaps(
      images: pass.images, inputs.indices.map { (layer.inputs[$0], values($0)) })
  }

  /// The layer's output, under whatever values its parameters have by now.
  package func forward() -> [Float] {
    for parameter in layer.parameters { parameter.noteChange() }
    if layer.worksInPlace {
      output.copy(from: inputs[0])
      layer.forward(output, .whole, into: output, pass)
    } else {
      for share in shares { layer.forward(inputs[share.index], share, into: output, pass) }
    }
    return output.values(outputCount)
  }

  /// The gradients by each share's input; the parameters hold theirs.
  ///
  /// `forward` comes before.
  package func backward(_ dy: [Float]) -> [[Float]] {
    let gradient = Tensor([capacity, layer.output.count], values: dy, then: .nan)
    if layer.worksInPlace {
      layer.backward(gradient, x: output, .whole, into: gradient, pass)
      return [gradient.values(outputCount)]
    }
    return shares.map { share -> (Int, [Float]) in
      let dx = Tensor([capacity, layer.inputs[share.index].count], values: [], then: .nan)
      layer.backward(gradient, x: inputs[share.index], share, into: dx, pass)
      if !dx.elements[inputCount(share.index)...].allSatisfy(\.isNaN) {
        isRestOfGradientsUntouched = false
      }
      return (share.index, dx.values(inputCount(share.index)))
    }.sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// Whether each gradient by itself is what `backward` finds for both together.
  ///
  /// `forward` comes before.
  package func gradientsAreTheSameOneByOne(_ dy: [Float]) -> Bool {
    let both = backward(dy)
    let parameters = layer.parameters.map { $0.gradient.values() }
    let gradient = Tensor([capacity, layer.output.count], values: dy, then: .nan)
    for parameter in layer.parameters { parameter.gradient.fill(.nan) }
    var isSame = true
    for share in shares {
      let dx = Tensor(capacity, layer.inputs[share.index].count)
      layer.parameterGradient(gradient, x: inputs[share.index], share, pass)
      layer.inputGradient(gradient, x: inputs[share.index], share, into: dx, pass)
      isSame = isSame && dx.values(inputCount(share.index)) == both[share.index]
    }
    return isSame && layer.parameters.map { $0.gradient.values() } == parameters
  }

  /// Whether outputs and gradients beyond the images of the pass are still what they were.
  package var leavesTheRestAlone: Bool {
    isRestOfGradientsUntouched && output.elements[outputCount...].allSatisfy(\.isNaN)
  }

  /// The largest relative error of the layer's gradients against finite differences of <r, y>, r random.
  ///
  /// By every input and parameter, all elements.
  package func gradientError(seed: UInt64, step: Float) -> Double {
    var random = SmallRandom(seed)
    let weights = random.uniforms(outputCount)
    let loss = { dot(weights, self.forward()) }
    _ = loss()
    let analytic = backward(weights)
    var worst = 0.0
    for (share, gradient) in analytic.enumerated() {
      let numbers = UnsafeMutableBufferPointer(
        rebasing: inputs[share].elements[..<inputCount(share)])
      worst = max(
        worst, relativeError(gradient, finiteDifferences(numbers, step: step, loss)))
    }
    for parameter in layer.parameters {
      let analytic = parameter.gradient.values()
      worst = max(
        worst,
        relativeError(analytic, finiteDifferences(parameter.value.elements, step: step, loss)))
    }
    return worst
  }

  /// <Gx, y> - <x, G*y> for whole numbers: exactly 0 for a linear layer without biases.
  package func adjointDefect(seed: UInt64) -> Double {
    fillWithIntegers(seed: seed)
    var random = SmallRandom(seed &+ 1)
    let y = random.integers(outputCount)
    let forward = dot(forward(), y)
    let backward = backward(y).enumerated().reduce(0) { $0 + dot(values($1.offset), $1.element) }
    return forward - backward
  }

  private var shares: [Share] {
    let order = [firstShare] + inputs.indices.filter { $0 != firstShare }
    return order.enumerated().map {
      Share(index: $1, isFirst: $0 == 0, isLast: $0 == order.count - 1)
    }
  }
}
