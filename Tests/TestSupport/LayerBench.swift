package import Layers
import Networks
package import Tensors

/// Runs one layer as the network does: slice after slice, in place where it says so.
///
/// What lies beyond the images of the pass is NaN, so that reading or writing there shows.
package final class LayerBench {
  /// The layer.
  package let layer: any Layer
  /// What each slice reads.
  package let inputs: [Tensor]
  /// The pass.
  package var pass: Pass
  /// The slice that is read first, as a tower reads its own maps first.
  package var firstSlice = 0
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

  /// Numbers in one slice of the batch's input.
  package func inputCount(_ slice: Int = 0) -> Int { pass.images * layer.inputs[slice].count }
  /// Numbers in the batch's output.
  package var outputCount: Int { pass.images * layer.output.count }

  /// Fills the inputs with numbers in [-scale, scale).
  package func fill(seed: UInt64, scale: Float = 1) {
    var random = SmallRandom(seed)
    for (slice, input) in inputs.enumerated() {
      input.set(random.uniforms(inputCount(slice), scale: scale))
    }
  }

  /// Fills the inputs with small whole numbers.
  package func fillWithIntegers(seed: UInt64) {
    var random = SmallRandom(seed)
    for (slice, input) in inputs.enumerated() { input.set(random.integers(inputCount(slice))) }
  }

  /// The inputs of one slice.
  package func values(_ slice: Int = 0) -> [Float] { inputs[slice].values(inputCount(slice)) }

  /// The inputs of all slices in Double.
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
      for slice in slices { layer.forward(inputs[slice.index], slice, into: output, pass) }
    }
    return output.values(outputCount)
  }

  /// The gradients by each slice's input; the parameters hold theirs.
  ///
  /// `forward` comes before.
  package func backward(_ dy: [Float]) -> [[Float]] {
    let gradient = Tensor([capacity, layer.output.count], values: dy, then: .nan)
    if layer.worksInPlace {
      layer.backward(gradient, x: output, .whole, into: gradient, pass)
      return [gradient.values(outputCount)]
    }
    return slices.map { slice -> (Int, [Float]) in
      let dx = Tensor([capacity, layer.inputs[slice.index].count], values: [], then: .nan)
      layer.backward(gradient, x: inputs[slice.index], slice, into: dx, pass)
      if !dx.elements[inputCount(slice.index)...].allSatisfy(\.isNaN) {
        isRestOfGradientsUntouched = false
      }
      return (slice.index, dx.values(inputCount(slice.index)))
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
    for slice in slices {
      let dx = Tensor(capacity, layer.inputs[slice.index].count)
      layer.parameterGradient(gradient, x: inputs[slice.index], slice, pass)
      layer.inputGradient(gradient, x: inputs[slice.index], slice, into: dx, pass)
      isSame = isSame && dx.values(inputCount(slice.index)) == both[slice.index]
    }
    return isSame && layer.parameters.map { $0.gradient.values() } == parameters
  }

  /// Whether outputs and gradients beyond the images of the pass are still what they were.
  package var leavesTheRestAlone: Bool {
    isRestOfGradientsUntouched && output.elements[outputCount...].allSatisfy(\.isNaN)
  }

  /// The largest relative error of the layer's gradients against finite differences of <r, y>, r
  /// random.
  ///
  /// By every input and parameter, all elements.
  package func gradientError(seed: UInt64, step: Float) -> Double {
    var random = SmallRandom(seed)
    let weights = random.uniforms(outputCount)
    let loss = { dot(weights, self.forward()) }
    _ = loss()
    let analytic = backward(weights)
    var worst = 0.0
    for (slice, gradient) in analytic.enumerated() {
      let numbers = UnsafeMutableBufferPointer(
        rebasing: inputs[slice].elements[..<inputCount(slice)])
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

  private var slices: [InputSlice] {
    let order = [firstSlice] + inputs.indices.filter { $0 != firstSlice }
    return order.enumerated().map {
      InputSlice(index: $1, isFirst: $0 == 0, isLast: $0 == order.count - 1)
    }
  }
}
