import Layers
import MPI
import ModelParallel
import Networks
import Tensors

/// The fully-connected layers, spread over the ranks of a group of replicas.
///
/// Each rank has some neurons of every layer and computes them for the images of the group. Where
/// there are several groups, the gradients of the ranks that have the same neurons are added up
/// like those of replicas.
final class FullyConnectedHead {
  /// Every rank of the group as the owner of one tower: some of the neurons.
  let placement: Placement
  /// The layers of this rank's neurons, behind the exchange of the batch.
  let section: Section
  /// Where the images of the group's replicas come together.
  let exchange: BatchExchange
  /// What adds up the gradients of the groups; nil where there is one.
  let reduction: GradientReduction?

  private let replicas: Placement

  init(
    _ network: NetworkSpecification, _ layers: Range<Int>, groups: Int, placement all: Placement,
    options: NetworkOptions, progress: MessageProgress
  ) throws(MPIError) {
    (replicas, placement) = try all.grouped(into: groups)
    let ranks = placement.towers
    var options = options
    // The first group has the most images.
    options.batchSize = placement.images(of: options.batchSize, replica: 0).count
    // A rank then has one tower, with the threads of all towers of the rank.
    options.threadsPerTower *= all.owned.count
    exchange = BatchExchange(
      name: network.layers[layers.lowerBound].name,
      shapes: network.shapes(ofPart: 0, parts: ranks)[0].inputs,
      placement: replicas, batchSize: options.batchSize, tag: 2 * network.layers.count,
      isTrained: options.isTrained, formats: options.formats, progress: progress)
    section = Section(
      network, layers, placement: placement, first: exchange,
      followsLearning: network.layers[..<layers.lowerBound].contains {
        $0.hasWeights && !options.frozenLayers.contains($0.name)
      },
      shapes: { network.shapes(ofPart: $0, parts: ranks) }, options: options, progress: progress)
    reduction =
      options.isTrained
      ? try GradientReduction(placement, format: options.formats.gradients, progress: progress)
      : nil
  }

  /// Gives every rank the labels of the group's images, given those of the own ones.
  func gather(_ labels: [Int32]) throws(MPIError) -> [Int32] {
    try replicas.peers.allGather(labels, counts: exchange.images.map(\.count))
  }

  /// Takes the own images' maps of the own towers to the logits of the own classes for the group's
  /// images.
  func forward(_ maps: [Tensor], _ pass: Pass) throws(MPIError) {
    try section.forward(maps, pass)
  }

  /// Takes the gradient by the own logits back to the own images' maps of the own towers, where
  /// something learns before the head, and starts to add up the gradients of the groups.
  func backward(
    _ maps: [Tensor], into gradients: [Tensor], _ pass: Pass
  ) throws(MPIError) {
    try section.backward(maps, into: gradients, exchange.whole(pass))
    // Not before: everybody waits for the activations' gradients, and nobody for these.
    for parameter in section.learningParameters { parameter.accumulate(pass) }
    if pass.isLastPart { startReduction() }
  }

  /// Sends what is sent in a step, whatever lies there, and computes nothing.
  func exchangeOnly(_ maps: [Tensor], into gradients: [Tensor], _ pass: Pass) throws(MPIError) {
    try section.exchangeOnly(maps, into: gradients, pass)
    startReduction()
  }

  private func startReduction() {
    guard let reduction else { return }
    for (number, parameter) in section.learningParameters.reversed().enumerated() {
      reduction.start(parameter.gradient, number: number)
    }
  }
}
