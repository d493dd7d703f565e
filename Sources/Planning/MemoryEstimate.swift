package import Layers
import MPI
package import ModelParallel
package import Networks

/// Estimates the memory of a rank's part of a network, before it is built.
package struct MemoryEstimate: Sendable {
  /// Weights and biases in bytes.
  package private(set) var parameters = 0
  /// Gradients and velocities of the parameters in bytes.
  package private(set) var training = 0
  /// The layers' outputs for a whole batch, and the data that exchanges receive, in bytes.
  package private(set) var activations = 0
  /// Gradients with respect to the layers' outputs, including exchanged ones, in bytes.
  package private(set) var activationGradients = 0
  /// The current batch and the prefetched one, for training and validation, in bytes.
  package private(set) var images = 0

  /// The layers' workspace in bytes.
  package private(set) var workspace = 0

  /// The total in bytes.
  package var total: Int {
    parameters + training + activations + activationGradients + images + workspace
  }

  /// The total with the copy of weights and velocities from which a checkpoint is written in the
  /// background, in bytes.
  package var whileSaving: Int { total + 2 * parameters }

  /// Estimates the memory that a rank of a single replica needs to train.
  /// - Parameters:
  ///   - network: The network.
  ///   - owned: The towers of the rank.
  ///   - batchSize: The number of images in a batch.
  ///   - threadsPerTower: The number of threads in each tower.
  ///   - algorithm: The algorithm for convolutions.
  ///   - precision: The numbers that fully-connected layers are computed with.
  package init(
    _ network: NetworkSpecification, owned: Range<Int>, batchSize: Int, threadsPerTower: Int,
    algorithm: ConvolutionChoice = .automatic, precision: Precision = .fp32
  ) {
    images = 4 * batchSize * network.inputSide * network.inputSide * 3 * Self.float
    for tower in owned {
      add(
        network.shapes(ofTower: tower)[...], of: tower, among: network.towers, owned: owned,
        batchSize: batchSize, threads: threadsPerTower, algorithm, precision)
    }
  }

  /// Estimates the memory that a rank needs to train.
  /// - Parameters:
  ///   - network: The network.
  ///   - placement: Which ranks have which towers.
  ///   - batchSize: The number of images in a batch over all replicas.
  ///   - parts: The parts in which the batch passes.
  ///   - scheme: How the fully-connected layers are split.
  ///   - threadsPerTower: The number of threads in each tower.
  ///   - algorithm: The algorithm for convolutions.
  ///   - precision: The numbers that fully-connected layers are computed with.
  package init(
    _ network: NetworkSpecification, _ placement: Placement, batchSize: Int, parts: Int = 1,
    scheme: FullyConnectedScheme = .data, threadsPerTower: Int,
    algorithm: ConvolutionChoice = .automatic, precision: Precision = .fp32
  ) {
    let batchSize = batchSize / parts
    let own = placement.images(of: batchSize).count
    if let head = network.fullyConnectedPart,
      let groups = scheme.groups(ofReplicas: placement.replicas)
    {
      images = 4 * own * network.inputSide * network.inputSide * 3 * Self.float
      for tower in placement.owned {
        add(
          network.shapes(ofTower: tower)[..<head.lowerBound], of: tower, among: network.towers,
          owned: placement.owned, batchSize: own, threads: threadsPerTower, algorithm, precision)
      }
      let ranks = placement.all.size / groups
      let part = placement.all.rank % ranks
      let shapes = network.shapes(ofPart: part, parts: ranks)
      let gathered = (0..<(placement.replicas / groups)).reduce(0) {
        $0 + placement.images(of: batchSize, replica: $1).count
      }
      add(
        shapes[...], of: part, among: ranks, owned: part..<(part + 1), batchSize: gathered,
        threads: threadsPerTower, algorithm, precision)
      // The gathered maps, their gradients, and all ranks' gradients for this rank's images.
      let maps = shapes[0].inputs
      let whole = gathered * maps.reduce(0) { $0 + $1.count } * Self.float
      activations += whole
      activationGradients +=
        whole + ranks * own * placement.owned.reduce(0) { $0 + maps[$1].count } * Self.float
    } else {
      self = MemoryEstimate(
        network, owned: placement.owned, batchSize: own, threadsPerTower: threadsPerTower,
        algorithm: algorithm, precision: precision)
    }
    let reductions = [placement.replicas, scheme.groups(ofReplicas: placement.replicas) ?? 1]
    training += reductions.count { $0 > 1 } * GradientReduction.memory
    // The gradients of the parts that have passed.
    if parts > 1 { training += parameters }
  }

  private static let float = MemoryLayout<Float>.stride

  /// Adds the layers of one tower.
  private mutating func add(
    _ shapes: ArraySlice<LayerShape>, of tower: Int, among parts: Int, owned: Range<Int>,
    batchSize: Int, threads: Int, _ algorithm: ConvolutionChoice,
    _ precision: Precision
  ) {
    let float = Self.float
    var largest = 0
    var (threadsNeed, threadsShare) = (0, 0)
    let takePlaces = LayerSpecification.takePlaces(shapes.map(\.layer))
    let isFree = LayerSpecification.areFreeAfterForward(shapes.map(\.layer))
    for ((number, shape), takesPlace) in zip(shapes.enumerated(), takePlaces) {
      parameters += shape.parameters * float
      training += 2 * shape.parameters * float
      let output = batchSize * shape.output.count
      if !takesPlace {
        activations += output * float
        largest = max(largest, output)
      }
      if algorithm == .automatic || !(shape.layer.traits is ConvolutionSpecification) {
        let memory = shape.layer.buildable.workspace(
          shape, threads: threads, images: batchSize, precision)
        workspace += memory.own
        threadsNeed = max(threadsNeed, memory.threads)
        threadsShare = max(threadsShare, memory.common)
      }
      activations += batchSize * shape.layer.traits.rememberedBytes(of: shape.output)
      guard shape.layer.reads != .own && number > 0 else { continue }
      var own = 0
      for (other, maps) in zip(shape.reads, shape.inputs) {
        let bytes = batchSize * maps.count * float
        if other == tower {
          own = bytes
          continue
        }
        activationGradients += bytes
        if !owned.contains(other) { activations += bytes }
      }
      // The gradients that other ranks' towers computed for this rank's maps.
      let readers = shape.layer.reads.readers(of: tower, among: parts)
      activationGradients += readers.count { !owned.contains($0) } * own
    }
    workspace += threadsNeed + threadsShare
    // One of two may lie in the memory of an output that is read forward only.
    let shares = zip(shapes, isFree).contains { $1 && batchSize * $0.output.count == largest }
    activationGradients += (shares ? 1 : 2) * largest * float
  }
}
