package import Networks
package import System
package import Tensors

/// Neurons that are left out of a training step, each with the same probability (paper, 4.2).
///
/// In training y = 0 for a neuron that is dropped and y = x for the others; at test y = x times the
/// probability to be kept. Or, as Caffe and PyTorch have it, training divides by that probability
/// and the test changes nothing. In place.
///
/// Which neurons are dropped depends on the seed, the layer's name, the step, the image's number in
/// the whole batch and the neuron's number among those of all towers, and on nothing else.
package final class Dropout: Layer {
  /// The layer's settings.
  package let traits: DropoutSpecification
  /// The maps that the layer reads.
  package let inputs: [MapShape]
  /// As many maps as it reads.
  package let output: MapShape

  private let probability: Float
  /// What a neuron that is kept is multiplied by in training, and every neuron at test.
  private let factors: (training: Float, test: Float)
  private let firstNeuron: Int
  private let random: Philox
  private let team: ThreadTeam
  private let mask: Tensor

  /// Makes the layer.
  /// - Parameters:
  ///   - traits: The layer's settings.
  ///   - input: The neurons of this tower.
  ///   - firstNeuron: The number of the tower's first neuron among those of all towers.
  ///   - random: The numbers for this layer.
  ///   - batchSize: The largest number of images in a pass.
  ///   - team: The tower's threads.
  package init(
    _ traits: DropoutSpecification, input: MapShape, firstNeuron: Int, random: Philox,
    batchSize: Int, team: ThreadTeam
  ) {
    self.traits = traits
    inputs = [input]
    output = traits.output(of: input, kernels: 0)
    probability = Float(traits.probability)
    let kept = 1 - probability
    factors = traits.scalesInTraining ? (1 / kept, 1) : (1, kept)
    self.firstNeuron = firstNeuron
    self.random = random
    self.team = team
    mask = Tensor(batchSize, traits.rememberedBytes(of: output) / MemoryLayout<Float>.stride)
  }

  /// Drops neurons in training, scales them at test.
  package func forward(_ x: Tensor, _ slice: InputSlice, into y: Tensor, _ pass: Pass) {
    let count = output.count
    guard pass.isTraining else {
      let factor = factors.test
      team.split(pass.images * count) { range, _ in
        for i in range { y.pointer[i] = x.pointer[i] * factor }
      }
      return
    }
    team.split(pass.images) { images, _ in
      for image in images {
        let mask = mask.pointer + (pass.firstRow + image) * count
        draw(into: mask, step: pass.step, image: pass.firstImage + image)
        let (x, y) = (x.pointer + image * count, y.pointer + image * count)
        for i in 0..<count { y[i] = x[i] * mask[i] }
      }
    }
  }

  /// Lets the gradient through where the neuron was kept; at test, scaled, through every neuron.
  package func inputGradient(
    _ dy: Tensor, x: Tensor, _ slice: InputSlice, into dx: Tensor, _ pass: Pass
  ) {
    guard pass.isTraining else {
      let factor = factors.test
      team.split(pass.images * output.count) { range, _ in
        for i in range { dx.pointer[i] = dy.pointer[i] * factor }
      }
      return
    }
    team.split(pass.images * output.count) { range, _ in
      let mask = mask.pointer + pass.firstRow * output.count + range.lowerBound
      let dy = dy.pointer + range.lowerBound
      let dx = dx.pointer + range.lowerBound
      for i in 0..<range.count { dx[i] = dy[i] * mask[i] }
    }
  }

  private func draw(into mask: UnsafeMutablePointer<Float>, step: Int, image: Int) {
    // Four neurons have a block; the tower's first and last may share theirs with other towers.
    let first = firstNeuron >> 2
    let blocks = (firstNeuron + output.count + 3) >> 2 - first
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * blocks) { buffer in
      random.words(
        UInt64(step), from: UInt64(image) << 32 | UInt64(first), blocks: blocks, into: buffer.start)
      let words = buffer.start + (firstNeuron & 3)
      let kept = factors.training
      for i in 0..<output.count { mask[i] = words[i].unitFloat < probability ? 0 : kept }
    }
  }
}

extension DropoutSpecification: BuildableLayer {
  /// The layer over one tower's maps.
  package func layer(_ context: LayerContext) -> any Layer {
    // Apart from the random numbers of any tensor.
    let purpose = Parameter.purpose(of: "dropout " + name)
    return Dropout(
      self, input: context.shape.inputs[0], firstNeuron: context.firstNeuron(),
      random: Philox(seed: context.seed, purpose: purpose), batchSize: context.batchSize,
      team: context.team)
  }
}
