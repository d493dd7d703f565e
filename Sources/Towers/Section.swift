import Layers
import MPI
import ModelParallel
import Networks
import System
import Tensors

/// Some of a network's layers in a row: the towers of this process and the cross-connections between them and
/// those of other ranks.
///
/// Stages are counted from the section's first layer. A section whose first layer reads several towers is
/// given their maps by whoever owns it.
final class Section {
  /// The number of the first layer in the network.
  let firstLayer: Int
  /// The towers that live in this process.
  let towers: [Tower]
  /// The cross-connection in front of a stage, by the stage's number.
  let exchanges: [Int: Exchange]
  /// Whether something learns before the section, so that the gradient must be taken all the way through it.
  let followsLearning: Bool

  private let stageCount: Int
  /// The stages that make what a cross-connection sends while it already sends, by the stage that reads it.
  private let sendingStages: [Int: Range<Int>]
  private let progress: MessageProgress
  /// Runs the process's towers side by side, or one after the other where there is one core.
  private let drivers: ThreadTeam

  /// Makes the section's layers.
  /// - Parameters:
  ///   - network: The network.
  ///   - range: The layers.
  ///   - placement: Where the section's towers are.
  ///   - followsLearning: Whether something learns before the section.
  ///   - shapes: The shapes of a tower's layers, by tower.
  ///   - options: How the network is built; `batchSize` is the section's.
  ///   - messageParts: The parts that maps are made and sent in, behind a convolution.
  ///   - progress: What keeps messages moving.
  init(
    _ network: NetworkSpecification, _ range: Range<Int>, placement: Placement,
    followsLearning: Bool = false,
    shapes: @escaping (_ tower: Int) -> [LayerShape], options: NetworkOptions,
    messageParts: Int = 1, progress: MessageProgress
  ) {
    firstLayer = range.lowerBound
    stageCount = range.count
    self.followsLearning = followsLearning
    self.progress = progress
    drivers = ThreadTeam(
      count: min(placement.owned.count, max(1, Affinity.coreCount / options.threadsPerTower)))
    let towers = placement.owned.map {
      Tower(
        TowerPart(index: $0, shapes: shapes), options: options,
        team: ThreadTeam(count: options.threadsPerTower))
    }
    self.towers = towers
    let allShapes = (0..<placement.towers).map(shapes)
    var exchanges: [Int: Exchange] = [:]
    var sendingStages: [Int: Range<Int>] = [:]
    for number in range.dropFirst() where network.layers[number].reads != .own {
      let stage = number - range.lowerBound
      let segment = (exchanges.keys.max().map { $0 + 1 } ?? 0)..<stage
      let convolution = segment.last { towers[0].stages[$0].layer.traits.hidesMessages }
      sendingStages[stage] = (convolution ?? stage)..<stage
      exchanges[stage] = Exchange(
        name: network.layers[number].name, shapes: allShapes.map { $0[stage - 1].output },
        reads: allShapes.map { $0[stage].reads }, placement: placement,
        batchSize: options.batchSize, tag: number,
        parts: convolution == nil ? 1 : messageParts, isTrained: options.isTrained,
        formats: options.formats, progress: progress)
    }
    self.exchanges = exchanges
    self.sendingStages = sendingStages
  }

  /// What the section's last layer made, by tower.
  var outputs: [Tensor] { towers.map { $0.stages[stageCount - 1].output } }

  /// What the section's towers learn, layer by layer.
  var parameters: [Parameter] {
    (0..<stageCount).flatMap { stage in towers.flatMap { $0.stages[stage].layer.parameters } }
  }

  /// What has travelled in front of the section's layers, in their order.
  var traffic: [Traffic] { exchanges.sorted { $0.key < $1.key }.map(\.value.traffic) }

  /// Those of them that change.
  var learningParameters: [Parameter] {
    (0..<stageCount).flatMap { stage in
      towers.map { $0.stages[stage] }.filter(\.learns).flatMap(\.layer.parameters)
    }
  }

  /// The first stage whose weights change; nil where none does.
  private var firstLearning: Int? { towers.first?.stages.firstIndex(where: \.learns) }

  /// Runs the layers from a stage on.
  func forward(from first: Int = 0, input: Tensor?, _ pass: Pass) throws(MPIError) {
    for segment in segments(from: first) {
      var rest = segment
      if let exchange = exchanges[segment.lowerBound] {
        try read(exchange, stage: rest.removeFirst(), pass)
      }
      guard let next = exchanges[segment.upperBound],
        let sending = sendingStages[segment.upperBound]
      else {
        onEachTower { $0.forward(rest, input: input, pass) }
        try progress.step()
        continue
      }
      onEachTower { $0.forward(rest.lowerBound..<sending.lowerBound, input: input, pass) }
      // What has been made travels while the rest is made.
      try next.startGather(towers.map { $0.stages[segment.upperBound - 1].output }, pass)
      for (part, rows) in next.parts.enumerated() {
        onEachTower { $0.forward(sending, input: input, rows: rows, pass) }
        try next.send(part)
        try progress.step()
      }
    }
  }

  /// Runs a layer that reads several towers: its own share first, while the others' maps travel.
  private func read(_ exchange: Exchange, stage: Int, _ pass: Pass) throws(MPIError) {
    onEachTower { tower in
      tower.forward(
        stage: stage, maps: exchange.maps(of: tower.index), exchange.ownShare(of: tower.index), pass
      )
    }
    try exchange.finishGather()
    onEachTower { tower in
      for (other, share) in exchange.otherShares(of: tower.index) {
        tower.forward(stage: stage, maps: exchange.maps(of: other), share, pass)
      }
    }
  }

  /// Takes the gradient back from the last layer to a stage, that stage included, or to the first one whose weights
  /// change: nothing needs a gradient before that.
  func backward(to first: Int = 0, input: Tensor?, _ pass: Pass) throws(MPIError) {
    let last = followsLearning ? first : max(first, firstLearning ?? stageCount)
    for segment in segments(from: first).reversed() where segment.upperBound > last {
      let endsHere = !followsLearning && last == firstLearning && segment.contains(last)
      let own = max(last, segment.lowerBound)..<segment.upperBound
      guard let exchange = exchanges[own.lowerBound] else {
        onEachTower { $0.backward(own, endsHere: endsHere, input: input, pass) }
        continue
      }
      let number = own.lowerBound
      guard !endsHere else {
        onEachTower { tower in
          tower.backward(number + 1..<own.upperBound, endsHere: false, input: input, pass)
          tower.backward(
            stage: number, maps: exchange.maps(of: tower.index),
            exchange.ownShare(of: tower.index), into: nil, pass)
          for (other, share) in exchange.otherShares(of: tower.index) {
            tower.backward(stage: number, maps: exchange.maps(of: other), share, into: nil, pass)
          }
          tower.gradientsAreReady?(number)
        }
        return
      }
      onEachTower { tower in
        tower.backward(number + 1..<own.upperBound, endsHere: false, input: input, pass)
        backwardToOthers(tower, number, exchange, pass)
      }
      try exchange.startReduceScatter(pass)
      onEachTower { tower in
        backwardToOwn(tower, number, exchange, pass)
        tower.gradientsAreReady?(number)
      }
      try exchange.finishReduceScatter(into: towers.map(\.nextGradient), pass)
      for tower in towers { tower.turnGradients() }
    }
  }

  /// Finds what other towers wait for, so that it travels while the rest is computed.
  ///
  /// Shares keep the numbers that they had in the forward pass.
  private func backwardToOthers(
    _ tower: Tower, _ stage: Int, _ exchange: Exchange, _ pass: Pass
  ) {
    let isTwofold = findsBothGradients(tower, stage)
    for (other, share) in exchange.otherShares(of: tower.index) {
      let maps = exchange.maps(of: other)
      let target = exchange.contribution(of: tower.index, to: other)
      if isTwofold {
        tower.backward(stage: stage, maps: maps, share, into: target, pass)
      } else {
        tower.inputGradient(stage: stage, maps: maps, share, into: target, pass)
      }
    }
  }

  /// Finds what nobody else waits for.
  private func backwardToOwn(_ tower: Tower, _ stage: Int, _ exchange: Exchange, _ pass: Pass) {
    tower.backward(
      stage: stage, maps: exchange.maps(of: tower.index), exchange.ownShare(of: tower.index),
      into: tower.nextGradient, pass)
    guard !findsBothGradients(tower, stage) else { return }
    for (other, share) in exchange.otherShares(of: tower.index) {
      tower.parameterGradient(stage: stage, maps: exchange.maps(of: other), share, pass)
    }
  }

  /// Whether both gradients of a share are found together: that is less work, and leaves less to hide a message
  /// behind.
  private func findsBothGradients(_ tower: Tower, _ stage: Int) -> Bool {
    tower.stages[stage].layer.gradientsShareWork && progress.mode != .thread
  }

  /// Sends what the cross-connections send in a step, whatever lies there, and computes nothing.
  func exchangeOnly(_ pass: Pass) throws(MPIError) {
    let ordered = exchanges.sorted { $0.key < $1.key }
    for (stage, exchange) in ordered {
      try exchange.startGather(towers.map { $0.stages[stage - 1].output }, pass)
      for part in exchange.parts.indices { try exchange.send(part) }
      try exchange.finishGather()
    }
    guard pass.isTraining else { return }
    for (_, exchange) in ordered.reversed() {
      try exchange.startReduceScatter(pass)
      try exchange.finishReduceScatter(into: towers.map(\.nextGradient), pass)
    }
  }

  /// The layers from one cross-connection to the next; a segment begins with the layer that reads others.
  private func segments(from first: Int) -> [Range<Int>] {
    let starts = [first] + exchanges.keys.filter { $0 > first }.sorted()
    return zip(starts, starts.dropFirst() + [stageCount]).map { $0..<$1 }.filter { !$0.isEmpty }
  }

  private func onEachTower(_ body: (Tower) -> Void) {
    drivers.split(towers.count) { numbers, _ in
      for number in numbers { body(towers[number]) }
    }
  }
}
