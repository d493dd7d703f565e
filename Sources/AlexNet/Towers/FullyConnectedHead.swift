import Failures
import Layers
import MPI
import ModelParallel
import Tensors

/// The fully-connected layers, spread over the ranks of all replicas: each rank has some neurons of every layer
/// and computes them for the whole batch.
final class FullyConnectedHead {
  /// The number of the first of the layers in the network.
  var firstLayer: Int { section.firstLayer }
  /// Every rank with its part.
  let placement: Placement
  /// The layers of this rank's part.
  let section: Section
  /// Where the images of all replicas come together.
  let exchange: BatchExchange

  private let replicas: Placement
  private let towers: Int

  init(
    _ network: NetworkSpecification, placement replicas: Placement, options: NetworkOptions,
    progress: MessageProgress
  ) throws {
    let parts = replicas.all.size
    guard let range = network.fullyConnectedPart, network.fewestNeurons >= parts else {
      throw Failure(
        .usage,
        "The fully-connected layers of '\(network.name)' cannot be spread over \(parts) ranks: "
          + (network.fullyConnectedPart == nil
            ? "there are none that read all towers up to the end"
            : "the smallest has \(network.fewestNeurons) neurons")
          + "; take --parallel-fc data.")
    }
    self.replicas = replicas
    towers = network.towers
    placement = try replicas.acrossReplicas()
    section = Section(
      network, range, placement: placement,
      shapes: { network.shapes(ofPart: $0, parts: parts) }, options: options, progress: progress)
    exchange = BatchExchange(
      name: network.layers[range.lowerBound].name,
      shapes: network.shapes(ofPart: 0, parts: parts)[0].inputs,
      placement: replicas, batchSize: options.batchSize, tag: 2 * network.layers.count,
      isTrained: options.isTrained, formats: options.formats, progress: progress)
  }

  /// The pass of the whole batch.
  func whole(_ pass: Pass) -> Pass {
    Pass(images: exchange.batch, isTraining: pass.isTraining, step: pass.step)
  }

  /// Gives every rank the labels of the whole batch, given those of the own images.
  func gather(_ labels: [Int32], _ pass: Pass) throws(MPIError) -> [Int32] {
    try replicas.peers.allGather(labels, counts: exchange.images.map(\.count))
  }

  /// Takes the own images' maps of the own towers to the logits of the own classes for the whole batch.
  func forward(_ maps: [Tensor], _ pass: Pass) throws(MPIError) {
    try exchange.agree(pass)
    try exchange.startGather(maps)
    let own = exchange.ownImages
    // What is here already is computed while the rest travels.
    let order = Array(replicas.owned) + (0..<towers).filter { !replicas.owned.contains($0) }
    forward(own, order[..<replicas.owned.count], of: order, pass)
    try exchange.finishGather()
    forward(own, order[replicas.owned.count...], of: order, pass)
    for rows in [0..<own.lowerBound, own.upperBound..<exchange.batch] {
      forward(rows, order[...], of: order, pass)
    }
    try section.forward(from: 1, input: nil, whole(pass))
  }

  /// Adds the products of some towers' maps to the first layer's outputs for some of the images.
  private func forward(_ rows: Range<Int>, _ read: ArraySlice<Int>, of order: [Int], _ pass: Pass) {
    guard !rows.isEmpty else { return }
    let part = Pass(images: rows.count, isTraining: pass.isTraining, step: pass.step)
    for tower in section.towers {
      for place in read.indices {
        tower.forward(
          stage: 0, maps: Tensor(exchange.maps(of: order[place]), rows: rows),
          Share(index: order[place], isFirst: place == 0, isLast: place == order.count - 1),
          rows: rows, part)
      }
    }
  }

  /// Sends what is sent in a step, whatever lies there, and computes nothing.
  func exchangeOnly(_ maps: [Tensor], gradients: [Tensor], _ pass: Pass) throws(MPIError) {
    try exchange.agree(pass)
    try exchange.startGather(maps)
    try exchange.finishGather()
    try section.exchangeOnly(whole(pass))
    try exchange.startReduceScatter()
    try exchange.finishReduceScatter(into: gradients)
  }

  /// Takes the gradient by the own logits back to the own images' maps of the own towers.
  func backward(into gradients: [Tensor], _ pass: Pass) throws(MPIError) {
    let whole = whole(pass)
    try section.backward(to: 1, input: nil, whole)
    let shares = (0..<towers).map { Share(index: $0, isFirst: $0 == 0, isLast: $0 == towers - 1) }
    for tower in section.towers {
      for share in shares {
        tower.inputGradient(
          stage: 0, maps: exchange.maps(of: share.index), share,
          into: exchange.contribution(to: share.index), whole)
      }
    }
    try exchange.startReduceScatter()
    for tower in section.towers {
      for share in shares {
        tower.parameterGradient(stage: 0, maps: exchange.maps(of: share.index), share, whole)
      }
    }
    try exchange.finishReduceScatter(into: gradients)
  }
}
