import Layers
import ModelParallel
import Networks
import System
import Tensors

/// What a layer of a tower has computed so far, in seconds; exchanges are not in it.
package struct LayerSeconds: Sendable {
  /// The layer's name.
  package let name: String
  /// Forward.
  package fileprivate(set) var forward = 0.0
  /// Backward.
  package fileprivate(set) var backward = 0.0
}

/// What a tower is a part of, and which part.
struct TowerPart {
  /// The tower's number among the parts.
  let index: Int
  /// The shapes of the layers of a part.
  let shapes: (_ part: Int) -> [LayerShape]
}

/// One tower of the network: its layers, in order, with their outputs and the room for their gradients.
///
/// A tower computes alone. What it reads of other towers is handed to it share by share. Its stages are counted
/// from its own first layer.
final class Tower {
  /// One layer with its output.
  struct Stage {
    let layer: any Layer
    /// What the layer makes; the same tensor as its input where it works in place.
    let output: Tensor
    /// Whether it has weights that change.
    let learns: Bool
  }

  /// The tower's number in the network.
  let index: Int
  let stages: [Stage]
  /// Seconds that each layer has computed, by its number.
  private(set) var seconds: [LayerSeconds]

  /// The gradients by a layer's output and by its input take turns in these two.
  private let gradients: [Tensor]
  private var current = 0

  /// Told when a layer's gradients are there, with the layer's stage.
  var gradientsAreReady: ((_ stage: Int) -> Void)?

  init(_ part: TowerPart, options: NetworkOptions, team: ThreadTeam) {
    index = part.index
    let builder = LayerBuilder(part, options: options, team: team)
    var stages: [Stage] = []
    var largest = 0
    let shapes = part.shapes(index)
    for (shape, takesPlace) in zip(shapes, LayerSpecification.takePlaces(shapes.map(\.layer))) {
      let layer = builder.layer(shape)
      let output: Tensor
      if takesPlace, let previous = stages.last?.output {
        output = previous
      } else {
        output = Tensor(options.batchSize, layer.output.count)
        largest = max(largest, layer.output.count)
      }
      stages.append(
        Stage(
          layer: layer, output: output,
          learns: !layer.parameters.isEmpty && !options.frozenLayers.contains(layer.name)))
    }
    self.stages = stages
    seconds = stages.map { LayerSeconds(name: $0.layer.name) }
    gradients = (0..<2).map { _ in Tensor(options.isTrained ? options.batchSize * largest : 0) }
  }

  /// The gradient by the output of the stage that the backward pass has come to.
  var gradient: Tensor { gradients[current] }

  /// Runs layers that read nothing but the tower's own maps.
  ///
  /// Some of the images only where `rows` says so.
  func forward(_ range: Range<Int>, input: Tensor?, rows: Range<Int>? = nil, _ pass: Pass) {
    let pass = rows.map(pass.part) ?? pass
    for number in range {
      guard let below = number == 0 ? input : stages[number - 1].output else { continue }
      let (layer, output) = (stages[number].layer, stages[number].output)
      let start = MonotonicClock.seconds
      if let rows {
        layer.forward(Tensor(below, rows: rows), .whole, into: Tensor(output, rows: rows), pass)
      } else {
        layer.forward(below, .whole, into: output, pass)
      }
      seconds[number].forward += MonotonicClock.seconds - start
    }
  }

  /// Runs one share of a layer that reads every tower.
  ///
  /// Some of the images only where `rows` says so; `maps` then begins with them.
  func forward(
    stage number: Int, maps: Tensor, _ share: Share, rows: Range<Int>? = nil, _ pass: Pass
  ) {
    let start = MonotonicClock.seconds
    let output = stages[number].output
    stages[number].layer.forward(
      maps, share, into: rows.map { Tensor(output, rows: $0) } ?? output, pass)
    seconds[number].forward += MonotonicClock.seconds - start
  }

  /// Takes the gradient back through layers that read nothing but the tower's own maps; where nothing learns before
  /// the last of them, `endsHere`, it is not taken through that one.
  func backward(_ range: Range<Int>, endsHere: Bool, input: Tensor?, _ pass: Pass) {
    for number in range.reversed() {
      let layer = stages[number].layer
      guard let below = number == 0 ? input : stages[number - 1].output else { continue }
      let x = layer.worksInPlace ? stages[number].output : below
      let target = layer.worksInPlace ? gradient : gradients[1 - current]
      let isLast = endsHere && number == range.lowerBound
      backward(stage: number, maps: x, .whole, into: isLast ? nil : target, pass)
      gradientsAreReady?(number)
      if !layer.worksInPlace { current = 1 - current }
    }
  }

  /// Takes the gradient back to one share of a layer's input, and finds those of the weights that read it; `target`
  /// is nil where nothing learns before the layer.
  func backward(
    stage number: Int, maps: Tensor, _ share: Share, into target: Tensor?, _ pass: Pass
  ) {
    let start = MonotonicClock.seconds
    let stage = stages[number]
    if stage.learns || stage.layer.parameters.isEmpty {
      stage.layer.backward(gradient, x: maps, share, into: target, pass)
    } else if let target {
      stage.layer.inputGradient(gradient, x: maps, share, into: target, pass)
    }
    seconds[number].backward += MonotonicClock.seconds - start
  }

  /// Finds the gradient by one share of a layer's input alone.
  ///
  /// For some of the images only where `rows` says so; `maps` and `target` then begin with them.
  func inputGradient(
    stage number: Int, maps: Tensor, _ share: Share, into target: Tensor, rows: Range<Int>? = nil,
    _ pass: Pass
  ) {
    let start = MonotonicClock.seconds
    // The gradient has room for the largest layer: its rows are those of this one's output.
    let by = rows.map {
      Tensor(gradient, rows: $0, of: [stages[number].layer.output.count])
    }
    stages[number].layer.inputGradient(by ?? gradient, x: maps, share, into: target, pass)
    seconds[number].backward += MonotonicClock.seconds - start
  }

  /// Finds the gradients of the weights that read one share alone.
  func parameterGradient(stage number: Int, maps: Tensor, _ share: Share, _ pass: Pass) {
    guard stages[number].learns else { return }
    let start = MonotonicClock.seconds
    stages[number].layer.parameterGradient(gradient, x: maps, share, pass)
    seconds[number].backward += MonotonicClock.seconds - start
  }

  /// Where the gradient by the own share goes.
  var nextGradient: Tensor { gradients[1 - current] }

  /// The gradient by the own share is whole: it is that of the stage below.
  func turnGradients() { current = 1 - current }
}
