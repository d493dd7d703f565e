public import Failures
public import Layers
public import MPI
public import ModelParallel
public import Tensors
import Threads

/// How a network is built in a process.
public struct NetworkOptions: Sendable {
  /// The largest number of images in a pass.
  public var batchSize: Int
  /// Threads that compute side by side in each tower.
  public var threadsPerTower: Int
  /// What initial weights and dropout masks depend on.
  public var seed: UInt64
  /// Whether there is a backward direction.
  public var isTrained: Bool
  /// How convolutions are computed.
  public var algorithm: ConvolutionChoice
  /// Whether weights are given their initial values; not where they are read from a file at once.
  public var drawsInitialValues: Bool

  /// Makes options.
  public init(
    batchSize: Int, threadsPerTower: Int, seed: UInt64, isTrained: Bool,
    algorithm: ConvolutionChoice = .automatic, drawsInitialValues: Bool = true
  ) {
    self.batchSize = batchSize
    self.threadsPerTower = threadsPerTower
    self.seed = seed
    self.isTrained = isTrained
    self.algorithm = algorithm
    self.drawsInitialValues = drawsInitialValues
  }
}

/// The towers of a network that live in this process, joined to those of the other ranks.
///
/// With one tower a rank the cross-connections send messages; with all towers in one process they are
/// nothing but shared tensors, and every number is the same. All ranks of the placement's group call the
/// same functions in the same order.
public final class Network {
  /// The description that the network was built from.
  public let specification: NetworkSpecification
  /// Where the towers are.
  public let placement: Placement
  /// The cross-connections, in the order of their layers.
  public let exchanges: [Exchange]
  /// What turns logits into losses.
  public let softmax: ParallelSoftmax

  private let towers: [Tower]
  /// The cross-connection in front of a stage, by the stage's number.
  private let exchangeOfStage: [Int: Exchange]
  /// Runs the process's towers side by side, or one after the other where there is one core.
  private let drivers: ThreadTeam

  /// Builds the network with its initial weights.
  /// - Throws: `Failure` (badData) where the description is no network.
  public init(
    _ specification: NetworkSpecification, placement: Placement, options: NetworkOptions
  ) throws(Failure) {
    try specification.validate()
    BLAS.useOneThreadPerCall()
    self.specification = specification
    self.placement = placement
    let shapes = (0..<specification.towers).map { specification.shapes(ofTower: $0) }
    let cores = Affinity.coreCount
    drivers = ThreadTeam(count: min(placement.owned.count, max(1, cores / options.threadsPerTower)))
    towers = placement.owned.map {
      Tower(
        specification, index: $0, options: options, team: ThreadTeam(count: options.threadsPerTower)
      )
    }
    var byStage: [Int: Exchange] = [:]
    for (number, layer) in specification.layers.enumerated() where layer.reads == .all && number > 0
    {
      byStage[number] = Exchange(
        name: layer.name, shapes: shapes.map { $0[number - 1].output }, placement: placement,
        batchSize: options.batchSize, tag: number, isTrained: options.isTrained)
    }
    exchangeOfStage = byStage
    exchanges = byStage.sorted { $0.key < $1.key }.map(\.value)
    softmax = ParallelSoftmax(
      classes: (0..<specification.towers).map {
        Placement.share(of: specification.classes, tower: $0, towers: specification.towers)
      }, placement: placement, batchSize: options.batchSize)
  }

  /// What the process's towers learn, layer by layer.
  public var parameters: [Parameter] {
    guard let stages = towers.first?.stages.indices else { return [] }
    return stages.flatMap { stage in towers.flatMap { $0.stages[stage].layer.parameters } }
  }

  /// The logits of the pass that was done last: for each tower of this process, images x its classes.
  public var logits: [Tensor] { towers.map { $0.stages[$0.stages.count - 1].output } }

  /// What the layers of this process's first tower have computed so far, in their order.
  public var layerSeconds: [LayerSeconds] { towers.first?.seconds ?? [] }

  /// What a tower's layer made in the pass that was done last; nil where there is no such layer here.
  public func output(of layer: String, tower: Int) -> Tensor? {
    towers.first { $0.index == tower }?.stages.first { $0.layer.name == layer }?.output
  }

  /// Takes a batch from pixels to logits.
  /// - Parameters:
  ///   - input: Images x side x side x 3, the same for all towers.
  ///   - pass: How many images there are, and whether neurons are dropped.
  /// - Throws: `MPIError` where a message fails.
  public func forward(_ input: Tensor, _ pass: Pass) throws(MPIError) {
    for segment in segments {
      if let exchange = exchangeOfStage[segment.lowerBound] {
        let number = segment.lowerBound
        try exchange.startGather(towers.map { $0.stages[number - 1].output }, pass)
        onEachTower { tower in
          tower.forward(
            stage: number, maps: exchange.maps(of: tower.index), share(0, of: tower), pass)
        }
        try exchange.finishGather()
        onEachTower { tower in
          for order in 1..<max(1, specification.towers) {
            let share = share(order, of: tower)
            tower.forward(stage: number, maps: exchange.maps(of: share.index), share, pass)
          }
          tower.forward(number + 1..<segment.upperBound, input: input, pass)
        }
      } else {
        onEachTower { $0.forward(segment, input: input, pass) }
      }
    }
  }

  /// Takes the gradient by the logits, which `lossGradient` holds, back to every parameter's gradient.
  /// - Parameters:
  ///   - input: What `forward` was given.
  ///   - pass: What `forward` was given.
  /// - Throws: `MPIError` where a message fails.
  public func backward(_ input: Tensor, _ pass: Pass) throws(MPIError) {
    for segment in segments.reversed() {
      guard let exchange = exchangeOfStage[segment.lowerBound] else {
        onEachTower { $0.backward(segment, input: input, pass) }
        continue
      }
      let number = segment.lowerBound
      onEachTower { tower in
        tower.backward(number + 1..<segment.upperBound, input: input, pass)
        // The others' gradients first: they travel while the own is computed. Shares keep the numbers
        // that they had in the forward pass.
        for order in 1..<max(1, specification.towers) {
          let share = share(order, of: tower)
          tower.backward(
            stage: number, maps: exchange.maps(of: share.index), share,
            into: exchange.contribution(of: tower.index, to: share.index), pass)
        }
      }
      try exchange.startReduceScatter(pass)
      onEachTower { tower in
        tower.backward(
          stage: number, maps: exchange.maps(of: tower.index), share(0, of: tower),
          into: tower.nextGradient, pass)
      }
      try exchange.finishReduceScatter(into: towers.map(\.nextGradient), pass)
      for tower in towers { tower.turnGradients() }
    }
  }

  /// Where the gradient of the loss by the logits belongs: for each tower of this process, images x its
  /// classes.
  public var lossGradient: [Tensor] { towers.map(\.gradient) }

  /// The layers from one cross-connection to the next; a segment begins with the layer that reads all.
  private var segments: [Range<Int>] {
    let count = specification.layers.count
    let starts = [0] + exchangeOfStage.keys.sorted()
    return zip(starts, starts.dropFirst() + [count]).map { $0..<$1 }.filter { !$0.isEmpty }
  }

  /// The shares that a tower reads: its own first, which is there already, then the others.
  private func share(_ order: Int, of tower: Tower) -> Share {
    let index = order == 0 ? tower.index : (order <= tower.index ? order - 1 : order)
    return Share(index: index, isFirst: order == 0, isLast: order == specification.towers - 1)
  }

  private func onEachTower(_ body: (Tower) -> Void) {
    drivers.split(towers.count) { numbers, _ in
      for number in numbers { body(towers[number]) }
    }
  }
}
