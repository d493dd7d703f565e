import Layers
import MPI
import ModelParallel
import Networks
import System
import Tensors

/// Some of a network's layers in a row, as a list of stages: layers that the towers of this process
/// run, each its own, and exchanges between them.
///
/// Layers are counted from the section's first. `x` is what that one reads, for each tower of this
/// process: the image, or the maps of the section before.
final class Section {
  /// The number of the first layer in the network.
  let firstLayer: Int
  /// The towers that live in this process.
  let towers: [Tower]
  /// What the section runs, in this order forward and from the last to the first backward.
  let stages: [Stage]
  let progress: MessageProgress

  private let layerCount: Int
  /// Runs the process's towers side by side, or one after the other where there is one core.
  private let drivers: ThreadTeam

  /// Makes the section's layers.
  /// - Parameters:
  ///   - network: The network.
  ///   - range: The layers.
  ///   - placement: Where the section's towers are.
  ///   - first: The exchange of the batch that the first layer reads; nil where it reads its own
  ///     tower.
  ///   - followsLearning: Whether something learns before the section.
  ///   - shapes: The shapes of a tower's layers, by tower.
  ///   - options: How the network is built; `batchSize` is the section's.
  ///   - messageParts: The parts that maps are made and sent in, behind a convolution.
  ///   - progress: What keeps messages moving.
  init(
    _ network: NetworkSpecification, _ range: Range<Int>, placement: Placement,
    first: BatchExchange? = nil, followsLearning: Bool = false,
    shapes: @escaping (_ tower: Int) -> [LayerShape], options: NetworkOptions,
    messageParts: Int = 1, progress: MessageProgress
  ) {
    firstLayer = range.lowerBound
    layerCount = range.count
    self.progress = progress
    let cores = Processors.own.cores.count
    // A network of few small layers has done with one before a sleeping thread is awake.
    let staysAwake = placement.owned.count * options.threadsPerTower <= cores
    drivers = ThreadTeam(
      count: min(placement.owned.count, max(1, cores / options.threadsPerTower)),
      staysAwake: staysAwake)
    let towers = placement.owned.map {
      Tower(
        TowerPart(index: $0, shapes: shapes), followsLearning: followsLearning, options: options,
        team: ThreadTeam(count: options.threadsPerTower, staysAwake: staysAwake))
    }
    self.towers = towers
    let allShapes = (0..<placement.towers).map(shapes)
    stages = Stage.list(
      reads: range.map { network.layers[$0].reads }, first: first,
      isLong: { towers[0].layers[$0].layer.traits.hidesMessages },
      exchange: { reader, isMadeInParts in
        let number = range.lowerBound + reader
        return Exchange(
          name: network.layers[number].name, shapes: allShapes.map { $0[reader - 1].output },
          reads: allShapes.map { $0[reader].reads }, placement: placement,
          batchSize: options.batchSize, tag: number, parts: isMadeInParts ? messageParts : 1,
          isTrained: options.goesBack, formats: options.formats, progress: progress)
      })
  }

  // MARK: A step

  /// Takes what the section reads through all stages.
  func forward(_ x: [Tensor], _ pass: Pass) throws(MPIError) {
    var pass = pass
    for stage in stages {
      switch stage {
      case .layers(let layers):
        onEachTower { $0.forward(layers, input: x[$1], pass) }
        try progress.step()
      case .exchange(let stage):
        try forward(stage, x, pass)
      case .batchExchange(let stage):
        pass = try forward(stage, x, pass)
      }
    }
  }

  /// Takes the gradient by the last layer's output, which the towers hold, back through all stages
  /// as far as something learns: to every weight's gradient and, where something learns before the
  /// section, to `dx`.
  func backward(_ x: [Tensor], into dx: [Tensor], _ pass: Pass) throws(MPIError) {
    for stage in stages.reversed() {
      switch stage {
      case .layers(let layers):
        onEachTower { $0.backward(layers, input: x[$1], pass) }
      case .exchange(let stage):
        try backward(stage, x, pass)
      case .batchExchange(let stage):
        try backward(stage, into: dx, pass)
      }
    }
  }

  /// Sends what the exchanges send in a step, whatever lies there, and computes nothing.
  func exchangeOnly(_ x: [Tensor], into dx: [Tensor], _ pass: Pass) throws(MPIError) {
    var whole = pass
    for stage in stages {
      switch stage {
      case .layers: break
      case .exchange(let stage):
        try stage.exchange.forward(outputs(of: stage.reader - 1), whole)
      case .batchExchange(let stage):
        try stage.exchange.forward(x, pass) { _, _ in }
        whole = stage.exchange.whole(pass)
      }
    }
    guard pass.isTraining else { return }
    for stage in stages.reversed() {
      switch stage {
      case .layers: break
      case .exchange(let stage):
        try stage.exchange.backward(into: towers.map(\.nextGradient), whole)
      case .batchExchange(let stage):
        try stage.exchange.backward(into: dx) { _, _ in }
      }
    }
  }

  /// Calls `body` for each tower of the process with its number among them, side by side.
  func onEachTower(_ body: (_ tower: Tower, _ number: Int) -> Void) {
    drivers.split(towers.count) { numbers, _ in
      for number in numbers { body(towers[number], number) }
    }
  }

  // MARK: What it holds

  /// What a layer made, by tower.
  func outputs(of layer: Int) -> [Tensor] { towers.map { $0.layers[layer].output } }

  /// What the section's last layer made, by tower.
  var outputs: [Tensor] { outputs(of: layerCount - 1) }

  /// What the section's towers learn, layer by layer.
  var parameters: [Parameter] {
    (0..<layerCount).flatMap { layer in towers.flatMap { $0.layers[layer].layer.parameters } }
  }

  /// Those of them that change.
  var learningParameters: [Parameter] {
    (0..<layerCount).flatMap { layer in
      towers.map { $0.layers[layer] }.filter(\.learns).flatMap(\.layer.parameters)
    }
  }

  /// The exchanges between its towers.
  var exchanges: [Exchange] {
    stages.compactMap { stage in
      guard case .exchange(let stage) = stage else { return nil }
      return stage.exchange
    }
  }

  /// What has travelled in its exchanges, in their order.
  var traffic: [Traffic] {
    stages.compactMap { stage -> Traffic? in
      switch stage {
      case .layers: nil
      case .exchange(let stage): stage.exchange.traffic
      case .batchExchange(let stage): stage.exchange.traffic
      }
    }
  }
}
