import Layers
import MPI
import ModelParallel
import Networks
import System
import Tensors

/// The fully-connected layers, spread over the ranks of a group of replicas.
///
/// Each rank has some neurons of every layer and computes them for the images of the group. Where there are several
/// groups, the gradients of the ranks that have the same neurons are added up like those of replicas.
final class FullyConnectedHead {
  /// The number of the first of the layers in the network.
  var firstLayer: Int { section.firstLayer }
  /// Every rank of the group with its part.
  let placement: Placement
  /// The layers of this rank's part.
  let section: Section
  /// Where the images of the group's replicas come together.
  let exchange: BatchExchange
  /// What adds up the gradients of the groups; nil where there is one.
  let reduction: GradientReduction?

  private let replicas: Placement
  private let towers: Int

  init(
    _ network: NetworkSpecification, _ layers: Range<Int>, groups: Int, placement all: Placement,
    options: NetworkOptions, progress: MessageProgress
  ) throws(MPIError) {
    (replicas, placement) = try all.grouped(into: groups)
    towers = network.towers
    let parts = placement.towers
    var options = options
    // The first group has the most images.
    options.batchSize = placement.images(of: options.batchSize, replica: 0).count
    // One part has the threads of all towers of the rank.
    options.threadsPerTower *= all.owned.count
    section = Section(
      network, layers, placement: placement,
      followsLearning: network.layers[..<layers.lowerBound].contains {
        $0.hasWeights && !options.frozenLayers.contains($0.name)
      },
      shapes: { network.shapes(ofPart: $0, parts: parts) }, options: options, progress: progress)
    exchange = BatchExchange(
      name: network.layers[layers.lowerBound].name,
      shapes: network.shapes(ofPart: 0, parts: parts)[0].inputs,
      placement: replicas, batchSize: options.batchSize, tag: 2 * network.layers.count,
      isTrained: options.isTrained, formats: options.formats, progress: progress)
    reduction =
      options.isTrained
      ? try GradientReduction(placement, format: options.formats.gradients, progress: progress)
      : nil
  }

  /// The pass of all images of the group.
  func whole(_ pass: Pass) -> Pass {
    Pass(
      images: exchange.batch, isTraining: pass.isTraining, step: pass.step,
      firstImage: exchange.firstImage, batch: pass.batch)
  }

  /// Gives every rank the labels of the group's images, given those of the own ones.
  func gather(_ labels: [Int32]) throws(MPIError) -> [Int32] {
    try replicas.peers.allGather(labels, counts: exchange.images.map(\.count))
  }

  /// Takes the own images' maps of the own towers to the logits of the own classes for the group's images.
  func forward(_ maps: [Tensor], _ pass: Pass) throws(MPIError) {
    try exchange.agree(pass)
    try exchange.startGather(maps)
    // What is here already is computed while the rest travels.
    let own = exchange.ownImages
    forward(own, order[..<replicas.owned.count], pass)
    try exchange.finishGather(of: replicas.replica)
    forward(own, order[replicas.owned.count...], pass)
    for some in exchange.others() {
      for replica in some { try exchange.relay(replica) }
      forward(exchange.rows(of: some), order[..<replicas.owned.count], pass)
      for replica in some { try exchange.finishGather(of: replica) }
      forward(exchange.rows(of: some), order[replicas.owned.count...], pass)
    }
    try exchange.finishSending()
    try section.forward(from: 1, input: nil, whole(pass))
  }

  /// The towers, those of this rank first.
  private var order: [Int] {
    Array(replicas.owned) + (0..<towers).filter { !replicas.owned.contains($0) }
  }

  /// Adds the products of some towers' maps to the first layer's outputs for some of the images.
  private func forward(_ rows: Range<Int>, _ read: ArraySlice<Int>, _ pass: Pass) {
    guard !rows.isEmpty else { return }
    let part = Pass(images: rows.count, isTraining: pass.isTraining, step: pass.step)
    for tower in section.towers {
      for (place, maps) in zip(read.indices, read) {
        tower.forward(
          stage: 0, maps: Tensor(exchange.maps(of: maps), rows: rows),
          Share(index: maps, isFirst: place == 0, isLast: place == towers - 1), rows: rows, part)
      }
    }
  }

  /// Sends what is sent in a step, whatever lies there, and computes nothing.
  func exchangeOnly(_ maps: [Tensor], gradients: [Tensor], _ pass: Pass) throws(MPIError) {
    try exchange.agree(pass)
    try exchange.startGather(maps)
    for some in exchange.others() { for replica in some { try exchange.relay(replica) } }
    for replica in 0..<replicas.replicas { try exchange.finishGather(of: replica) }
    try exchange.finishSending()
    try section.exchangeOnly(whole(pass))
    try exchange.startReduceScatter()
    for replica in 0..<replicas.replicas { try exchange.sendContributions(ofReplica: replica) }
    for replica in 0..<replicas.replicas { try exchange.sendSums(toReplica: replica) }
    try exchange.finishReduceScatter(into: gradients)
    startReduction()
  }

  /// Takes the gradient by the own logits back to the own images' maps of the own towers, where something learns
  /// before the head, and starts to add up the gradients of the groups.
  func backward(into gradients: [Tensor], _ pass: Pass) throws(MPIError) {
    let whole = whole(pass)
    try section.backward(to: 1, input: nil, whole)
    if section.followsLearning { try sendInputGradients(pass) }
    for tower in section.towers {
      for maps in 0..<towers {
        let share = Share(index: maps, isFirst: maps == 0, isLast: maps == towers - 1)
        tower.parameterGradient(stage: 0, maps: exchange.maps(of: maps), share, whole)
      }
    }
    if section.followsLearning { try exchange.finishReduceScatter(into: gradients) }
    // Not before: everybody waits for the activations' gradients, and nobody for these.
    startReduction()
  }

  /// Finds the gradient by the first layer's inputs and sends it off, what others wait for first.
  private func sendInputGradients(_ pass: Pass) throws(MPIError) {
    try exchange.startReduceScatter()
    for some in exchange.others() + [replicas.replica..<(replicas.replica + 1)] {
      // What the other ranks of the replica wait for first.
      let rows = exchange.rows(of: some)
      inputGradient(rows, by: order[replicas.owned.count...], pass)
      for replica in some { try exchange.sendContributions(ofReplica: replica) }
      inputGradient(rows, by: order[..<replicas.owned.count], pass)
      for replica in some { try exchange.sendSums(toReplica: replica) }
    }
  }

  /// Finds the gradient by some towers' maps for some of the images.
  private func inputGradient(_ rows: Range<Int>, by read: ArraySlice<Int>, _ pass: Pass) {
    guard !rows.isEmpty else { return }
    let part = Pass(images: rows.count, isTraining: pass.isTraining, step: pass.step)
    for tower in section.towers {
      for maps in read {
        tower.inputGradient(
          stage: 0, maps: Tensor(exchange.maps(of: maps), rows: rows),
          Share(index: maps, isFirst: false, isLast: false),
          into: Tensor(exchange.contribution(to: maps), rows: rows), rows: rows, part)
      }
    }
  }

  private func startReduction() {
    guard let reduction else { return }
    for (number, parameter) in section.learningParameters.reversed().enumerated() {
      reduction.start(parameter.gradient, number: number)
    }
  }
}
