package import Layers
package import MPI
package import ModelParallel
package import Networks
package import System
package import Tensors

/// The towers of a network that live in this process, joined to those of the other ranks.
///
/// With one tower a rank the cross-connections send messages; with all towers in one process they are
/// nothing but shared tensors, and every number is the same. Where there are replicas, each takes its images of
/// a batch, and gradients are added up over the replicas; or the fully-connected layers see the images of a group of
/// replicas, and each of its ranks has its own neurons. All ranks of the placement call the same functions in the
/// same order.
package final class Network {
  /// The description that the network was built from.
  package let specification: NetworkSpecification
  /// Where the towers are.
  package let placement: Placement
  /// Who computes the fully-connected layers.
  package let scheme: FullyConnectedScheme
  /// What turns logits into losses.
  package let softmax: ParallelSoftmax

  private let trunk: Section
  private let head: FullyConnectedHead?
  private let reduction: GradientReduction?
  private let progress: MessageProgress
  private var labels: [Int32] = []
  /// The own images of the pass that was done last.
  private var images = 0
  private let order = Monitor()
  /// How many towers have found a stage's gradients; inside `order.locked`.
  private var finishedTowers: [Int] = []

  /// Builds the network with its initial weights.
  /// - Throws: `Failure`: badData where the description is no network, usage where it cannot be spread over so
  ///   many ranks, input/output where the ranks do not reach each other.
  package init(
    _ specification: NetworkSpecification, placement: Placement, options: NetworkOptions
  ) throws(Failure) {
    try specification.validate()
    BLAS.useOneThreadPerCall()
    self.specification = specification
    self.placement = placement
    try options.scheme.check(
      specification, ranksPerReplica: placement.group.size, replicas: placement.replicas)
    let groups = options.scheme.groups(ofReplicas: placement.replicas)
    scheme = groups.map(FullyConnectedScheme.groups) ?? .data
    let own = placement.images(of: options.batchSize).count
    guard own > 0 else {
      throw Failure(
        .usage,
        "A batch of \(options.batchSize) images leaves some of the \(placement.replicas) replicas "
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
      ownOptions.batchSize = own
      let range = head.map { 0..<$0.firstLayer } ?? layers
      // All ranks cut messages alike, whatever threads each has; every thread still has some images of a part.
      let threads = Int(try placement.all.allReduce(Int64(options.threadsPerTower), .max))
      trunk = Section(
        specification, range, placement: placement,
        shapes: { Array(specification.shapes(ofTower: $0)[range]) }, options: ownOptions,
        messageParts: max(1, min(Self.mostParts, own / (4 * threads))), progress: progress)
      reduction =
        options.isTrained
        ? try GradientReduction(placement, format: options.formats.gradients, progress: progress)
        : nil
    } catch {
      throw .unreachable(error)
    }
    softmax = ParallelSoftmax(
      classes: Self.classes(
        specification.classes, parts: head?.placement.towers ?? placement.towers),
      placement: head?.placement ?? placement,
      batchSize: head?.placement.images(of: options.batchSize, replica: 0).count ?? own)
    finishedTowers = [Int](repeating: 0, count: specification.layers.count)
    for tower in trunk.towers {
      tower.gradientsAreReady = { [unowned self] stage in gradientsAreReady(stage) }
    }
  }

  /// The parts that maps are made and sent in; the last of them travels while the reader works on its own share.
  private static let mostParts = 4

  /// A tower has found the gradients of a stage.
  ///
  /// Replicas must reduce tensors in the same order, and towers that run side by side finish in any: a stage is
  /// reduced when the last of them has done it.
  private func gradientsAreReady(_ stage: Int) {
    if let reduction {
      order.locked {
        finishedTowers[stage] += 1
        guard finishedTowers[stage] == trunk.towers.count else { return }
        finishedTowers[stage] = 0
        let stages = trunk.towers.map { $0.stages[stage] }
        let parameters = stages.filter(\.learns).flatMap(\.layer.parameters)
        for (number, parameter) in parameters.enumerated() {
          reduction.start(
            parameter.gradient, number: stage * 2 * trunk.towers.count + number)
        }
      }
    }
    // A failure shows itself again where messages are waited for.
    try? progress.step()
  }

  private static func classes(_ count: Int, parts: Int) -> [Range<Int>] {
    (0..<parts).map { evenSplit(count, part: $0, of: parts) }
  }

  // MARK: What it is made of

  /// The cross-connections between the towers of a replica, and those between the parts of fully-connected
  /// layers, in the order of their layers.
  package var exchanges: [Exchange] {
    [trunk, head?.section].compactMap { $0 }.flatMap { section in
      section.exchanges.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  /// What the process's towers learn, layer by layer.
  package var parameters: [Parameter] { trunk.parameters + (head?.section.parameters ?? []) }

  /// Compares the weights that replicas, or groups of them, must hold alike; all ranks call it together.
  /// - Parameter step: The steps done, for the message.
  /// - Throws: `Failure` (ranksDisagree) that names the first tensor that differs, `MPIError` where a message fails.
  package func compareReplicas(step: Int) throws {
    try ReplicaCheck(placement).compare(trunk.parameters, step: step)
    if let head {
      try ReplicaCheck(head.placement).compare(head.section.parameters, step: step)
    }
  }

  /// Those that this rank writes to a checkpoint: each tensor's kernels are written by one rank.
  package var savedParameters: [Parameter] {
    /// A share of those that others hold too.
    func share(_ parameters: [Parameter], _ placement: Placement) -> [Parameter] {
      parameters.enumerated().filter { $0.offset % placement.replicas == placement.replica }
        .map(\.element)
    }
    return share(trunk.parameters, placement)
      + (head.map { share($0.section.parameters, $0.placement) } ?? [])
  }

  /// The logits of the pass that was done last: for each tower of this process, images x its classes.
  package var logits: [Tensor] { head?.section.outputs ?? trunk.outputs }

  /// What the layers of this process's first tower have computed so far, in their order.
  package var layerSeconds: [LayerSeconds] {
    (trunk.towers.first?.seconds ?? []) + (head?.section.towers.first?.seconds ?? [])
  }

  /// What has travelled so far, boundary by boundary, and how long this rank has waited for it.
  package var traffic: [Traffic] {
    var rows = trunk.traffic
    if let head { rows.append(head.exchange.traffic) }
    rows += head?.section.traffic ?? []
    rows.append(Traffic(name: "softmax", bytes: softmax.bytes, seconds: softmax.seconds))
    for (name, reduction) in [("gradients", reduction), ("fc gradients", head?.reduction)] {
      guard let reduction else { continue }
      rows.append(Traffic(name: name, bytes: reduction.bytes, seconds: reduction.seconds))
    }
    return rows
  }

  /// What a tower's layer made in the pass that was done last; nil where there is no such layer here.
  ///
  /// Layers that are spread over a group's ranks are not here: see `outputs(of:)`.
  package func output(of layer: String, tower: Int) -> Tensor? {
    trunk.towers.first { $0.index == tower }?.stages.first { $0.layer.name == layer }?.output
  }

  /// What this rank's parts of a layer made of a number of images.
  package struct Output {
    /// Images x the part's maps.
    package let tensor: Tensor
    /// The part's maps of an image.
    package let shape: MapShape
    /// The images of the pass that was done last.
    package let images: Int
    /// The ranks that have the same maps of other images, this one included.
    package let peers: Communicator
  }

  /// What this rank's parts of a layer made in the pass that was done last, whether the layer is a tower's or spread
  /// over the ranks of a group.
  package func outputs(of layer: String) -> [Output] {
    var sections = [(trunk, placement, images)]
    if let head { sections.append((head.section, head.placement, head.exchange.batch)) }
    return sections.flatMap { section, placement, images in
      section.towers.compactMap { tower in
        tower.stages.first { $0.layer.name == layer }.map {
          Output(
            tensor: $0.output, shape: $0.layer.output, images: images, peers: placement.peers)
        }
      }
    }
  }

  // MARK: A step

  /// Takes a batch from pixels to logits.
  /// - Parameters:
  ///   - input: This replica's images x side x side x 3, the same for all towers.
  ///   - pass: How many images there are, and whether neurons are dropped.
  /// - Throws: `MPIError` where a message fails.
  package func forward(_ input: Tensor, _ pass: Pass) throws(MPIError) {
    images = pass.images
    try trunk.forward(input: input, pass)
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
    return try softmax.score(logits, labels: self.labels, head.whole(pass))
      .summed(over: head.placement.peers)
  }

  /// Sets `lossGradient` to the gradient of the batch's mean loss by the logits that were scored last.
  package func differentiateLoss(_ pass: Pass) {
    softmax.gradient(
      logits, labels: labels, batchSize: pass.batch, into: lossGradient, head?.whole(pass) ?? pass)
  }

  /// Takes the gradient by the logits, which `lossGradient` holds, back to every parameter's gradient, summed
  /// over the replicas.
  /// - Parameters:
  ///   - input: What `forward` was given.
  ///   - pass: What `forward` was given.
  /// - Throws: `MPIError` where a message fails.
  package func backward(_ input: Tensor, _ pass: Pass) throws(MPIError) {
    try head?.backward(into: trunk.towers.map(\.gradient), pass)
    try trunk.backward(input: input, pass)
    try head?.reduction?.finish()
    try reduction?.finish()
  }

  /// Sends all messages of a training step with no arithmetic between, to see how long they take alone.
  ///
  /// Gradients are added up as they lie and mean nothing afterwards.
  /// - Returns: What travelled, boundary by boundary.
  /// - Throws: `MPIError` where a message fails.
  package func communicateOnly(_ pass: Pass) throws(MPIError) -> [Traffic] {
    let before = traffic
    try trunk.exchangeOnly(pass)
    try head?.exchangeOnly(trunk.outputs, gradients: trunk.towers.map(\.nextGradient), pass)
    if reduction != nil {
      for tower in trunk.towers.reversed() {
        for stage in tower.stages.indices.reversed() { tower.gradientsAreReady?(stage) }
      }
      try head?.reduction?.finish()
      try reduction?.finish()
    }
    return zip(traffic, before).map {
      Traffic(name: $0.name, bytes: $0.bytes - $1.bytes, seconds: $0.seconds - $1.seconds)
    }
  }

  /// Where the gradient of the loss by the logits belongs: for each tower of this process, images x its
  /// classes.
  package var lossGradient: [Tensor] { (head?.section ?? trunk).towers.map(\.gradient) }
}
