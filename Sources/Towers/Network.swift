package import Layers
package import MPI
package import ModelParallel
package import Networks
package import System
package import Tensors

/// The towers of a network that live in this process, joined to those of the other ranks.
///
/// With one tower a rank the cross-connections send messages; with all towers in one process they
/// are nothing but shared tensors, and every number is the same. Where there are replicas, each
/// takes its images of a batch, and gradients are added up over the replicas; or the
/// fully-connected layers see the images of a group of replicas, and each of its ranks has its own
/// neurons. All ranks of the placement call the same functions in the same order.
package final class Network {
  /// The description that the network was built from.
  package let specification: NetworkSpecification
  /// Where the towers are.
  package let placement: Placement
  /// Who computes the fully-connected layers.
  package let scheme: FullyConnectedScheme
  /// What turns logits into losses.
  package let softmax: ParallelSoftmax

  let trunk: Section
  let head: FullyConnectedHead?
  let reduction: GradientReduction?
  private let progress: MessageProgress
  private var labels: [Int32] = []
  /// This rank's images of the pass that was done last.
  private(set) var images = 0
  private let order = Monitor()
  /// How many towers have found a layer's gradients; inside `order.locked`.
  private var finishedTowers: [Int] = []
  /// The pass that is on its way back.
  private var passBack = Pass(images: 0, isTraining: true)

  /// Builds the network with its initial weights.
  /// - Throws: `Failure`: badData where the description is no network, usage where it cannot be
  ///   spread over so many ranks, input/output where the ranks do not reach each other.
  package init(
    _ specification: NetworkSpecification, placement: Placement, options: NetworkOptions
  ) throws(Failure) {
    try specification.validate()
    try Memory.requireLibrarySpace(
      threads: options.threadsPerTower * placement.owned.count,
      besides: Self.leastBytes(specification, placement, options))
    BLAS.prepare()
    self.specification = specification
    self.placement = placement
    try options.scheme.check(
      specification, ranksPerReplica: placement.group.size, replicas: placement.replicas)
    let groups = options.scheme.groups(ofReplicas: placement.replicas)
    scheme = groups.map(FullyConnectedScheme.groups) ?? .data
    let ownImages = placement.images(of: options.batchSize).count
    guard ownImages > 0 else {
      throw Failure(
        .usage,
        "A batch of \(counted(options.batchSize, "image", "images")) leaves some of the "
          + "\(placement.replicas) replicas "
          + "without images; give a larger --batch-size or fewer ranks.")
    }
    do throws(MPIError) {
      progress = try MessageProgress(placement.all, mode: options.progress)
      let layers = 0..<specification.layers.count
      var head: FullyConnectedHead?
      if let groups, let layers = specification.fullyConnectedPart {
        head = try FullyConnectedHead(
          specification, layers, groups: groups, placement: placement, options: options,
          progress: progress)
      }
      self.head = head
      var ownOptions = options
      ownOptions.batchSize = ownImages
      let range = head.map { 0..<$0.section.firstLayer } ?? layers
      // All ranks cut messages alike, whatever threads each has; every thread still has some images
      // of a part.
      let threads = Int(try placement.all.allReduce(Int64(options.threadsPerTower), .max))
      trunk = Section(
        specification, range, placement: placement,
        shapes: { Array(specification.shapes(ofTower: $0)[range]) }, options: ownOptions,
        messageParts: max(1, min(Self.mostParts, ownImages / (4 * threads))), progress: progress)
      reduction =
        options.isTrained
        ? try GradientReduction(placement, format: options.formats.gradients, progress: progress)
        : nil
    } catch {
      throw .unreachable(error)
    }
    softmax = ParallelSoftmax(
      classes: Self.classes(
        specification.classes, towers: head?.placement.towers ?? placement.towers),
      placement: head?.placement ?? placement,
      batchSize: head?.placement.images(of: options.batchSize, replica: 0).count ?? ownImages,
      objective: options.objective)
    finishedTowers = [Int](repeating: 0, count: specification.layers.count)
    for tower in trunk.towers {
      tower.gradientsAreReady = { [unowned self, unowned tower] layer in
        gradientsAreReady(layer, of: tower)
      }
    }
  }

  /// What weights, gradients and velocities, and the layers' outputs, take at least.
  private static func leastBytes(
    _ specification: NetworkSpecification, _ placement: Placement, _ options: NetworkOptions
  ) -> Int {
    let (copies, images) = (
      options.isTrained ? 3 : 1, placement.images(of: options.batchSize).count
    )
    return placement.owned.reduce(0) { sum, tower in
      specification.shapes(ofTower: tower).reduce(sum) {
        $0 + MemoryLayout<Float>.stride * (copies * $1.parameters + images * $1.output.count)
      }
    }
  }

  /// The parts that maps are made and sent in; the last of them travels while the reader works on
  /// its own slice.
  private static let mostParts = 4

  /// A tower has found the gradients of a layer.
  ///
  /// Replicas must reduce tensors in the same order, and towers that run side by side finish in
  /// any: a layer is reduced when the last of them has done it.
  private func gradientsAreReady(_ layer: Int, of tower: Tower) {
    if tower.layers[layer].learns {
      for parameter in tower.layers[layer].layer.parameters { parameter.accumulate(passBack) }
    }
    if let reduction, passBack.isLastPart {
      order.locked {
        finishedTowers[layer] += 1
        guard finishedTowers[layer] == trunk.towers.count else { return }
        finishedTowers[layer] = 0
        let built = trunk.towers.map { $0.layers[layer] }
        let parameters = built.filter(\.learns).flatMap(\.layer.parameters)
        for (number, parameter) in parameters.enumerated() {
          reduction.start(
            parameter.gradient, number: layer * 2 * trunk.towers.count + number)
        }
      }
    }
    // A failure shows itself again where messages are waited for.
    try? progress.step()
  }

  private static func classes(_ count: Int, towers: Int) -> [Range<Int>] {
    (0..<towers).map { evenSplit(count, part: $0, of: towers) }
  }

  // MARK: A step

  /// Takes a batch from pixels to logits.
  /// - Parameters:
  ///   - input: This replica's images x side x side x 3, the same for all towers.
  ///   - pass: How many images there are, and whether neurons are dropped.
  /// - Throws: `MPIError` where a message fails.
  package func forward(_ input: Tensor, _ pass: Pass) throws(MPIError) {
    images = pass.images
    try trunk.forward(trunk.towers.map { _ in input }, pass)
    try head?.forward(trunk.outputs, pass)
  }

  /// Scores the logits against the labels of this replica's images.
  /// - Returns: The score of the whole batch, the same on every rank.
  /// - Throws: `MPIError` where a message fails.
  package func score(_ labels: [Int32], _ pass: Pass) throws(MPIError) -> ParallelSoftmax.Score {
    guard let head else {
      self.labels = labels
      return try softmax.score(logits, labels: labels, pass).summed(over: placement.peers)
    }
    self.labels = try head.gather(labels)
    return try softmax.score(logits, labels: self.labels, head.exchange.whole(pass))
      .summed(over: head.placement.peers)
  }

  /// Sets `lossGradient` to the gradient of the batch's mean loss by the logits that were scored
  /// last.
  package func differentiateLoss(_ pass: Pass) {
    softmax.gradient(
      logits, labels: labels, batchSize: pass.batch, into: lossGradient,
      head?.exchange.whole(pass) ?? pass)
  }

  /// Takes the gradient by the logits, which `lossGradient` holds, back to every parameter's
  /// gradient, summed over the replicas; where the batch passes in parts, after the last.
  /// - Parameters:
  ///   - input: What `forward` was given.
  ///   - pass: What `forward` was given.
  /// - Throws: `MPIError` where a message fails.
  package func backward(_ input: Tensor, _ pass: Pass) throws(MPIError) {
    passBack = pass
    try head?.backward(trunk.outputs, into: trunk.towers.map(\.gradient), pass)
    // Nothing asks for a gradient by the image.
    try trunk.backward(trunk.towers.map { _ in input }, into: [], pass)
    try head?.reduction?.finish()
    try reduction?.finish()
  }

  /// Sends all messages of a training step with no arithmetic between, to see how long they take
  /// alone.
  ///
  /// Gradients are added up as they lie and mean nothing afterwards.
  /// - Returns: What travelled, boundary by boundary.
  /// - Throws: `MPIError` where a message fails.
  package func communicateOnly(_ pass: Pass) throws(MPIError) -> [Traffic] {
    let before = traffic
    passBack = pass
    try trunk.exchangeOnly([], into: [], pass)
    try head?.exchangeOnly(trunk.outputs, into: trunk.towers.map(\.nextGradient), pass)
    if reduction != nil {
      for tower in trunk.towers.reversed() {
        for layer in tower.layers.indices.reversed() { tower.gradientsAreReady?(layer) }
      }
      try head?.reduction?.finish()
      try reduction?.finish()
    }
    return zip(traffic, before).map {
      Traffic(name: $0.name, bytes: $0.bytes - $1.bytes, seconds: $0.seconds - $1.seconds)
    }
  }

  /// Where the gradient of the loss by the logits belongs: for each tower of this process, images x
  /// its classes.
  package var lossGradient: [Tensor] { (head?.section ?? trunk).towers.map(\.gradient) }

  /// The gradient by the output of the layer where the backward pass ended, for each tower of this
  /// process: images x its maps, as many numbers as the output has, and room behind them.
  package var lastGradient: [Tensor] { trunk.towers.map(\.gradient) }

  /// Rounds the weights of fully-connected layers to 16 bits, for forward passes alone; layers
  /// whose inputs are no multiple of 32 numbers stay as they are.
  package func keepNarrowWeights() {
    for layer in trunk.towers.flatMap(\.layers) {
      (layer.layer as? FullyConnected)?.keepNarrowWeights()
    }
  }
}
