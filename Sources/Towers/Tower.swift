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

/// One tower of the network: its layers, in order, with their outputs and the room for their
/// gradients.
///
/// A tower computes alone. What it reads of other towers is handed to it slice by slice. Its layers
/// are numbered within it.
final class Tower {
  /// One layer with its output.
  struct BuiltLayer {
    let layer: any Layer
    /// What the layer makes; the same tensor as its input where it works in place.
    let output: Tensor
    /// Whether it has weights that change.
    let learns: Bool
  }

  /// The tower's number in the network.
  let index: Int
  /// The threads that share the images of every layer.
  let team: ThreadTeam
  /// See `NetworkOptions`.
  let mapsInCache: Int
  let layers: [BuiltLayer]
  /// Seconds that each layer has computed, by its number.
  private(set) var seconds: [LayerSeconds]

  /// The gradients by a layer's output and by its input take turns in these two; where a layer's
  /// output is as large and is read forward only, the first lies in its memory.
  private let gradients: [Tensor]
  private var current = 0

  /// Told when a layer's gradients are there, with the layer's number.
  var gradientsAreReady: ((_ layer: Int) -> Void)?

  /// The first layer whose input has a gradient that is wanted: something learns before it, or
  /// somebody asks for it.
  private let firstPassing: Int

  /// Makes the tower; `followsLearning` says whether something learns before its first layer.
  init(
    _ part: TowerPart, followsLearning: Bool, options: NetworkOptions, team: ThreadTeam
  ) {
    index = part.index
    self.team = team
    mapsInCache = options.mapsInCache
    let workspace = Workspace(threads: team.count)
    let builder = LayerBuilder(part, options: options, team: team, workspace: workspace)
    var layers: [BuiltLayer] = []
    var largest = 0
    let shapes = part.shapes(index)
    for (shape, takesPlace) in zip(shapes, LayerSpecification.takePlaces(shapes.map(\.layer))) {
      let layer = builder.layer(shape)
      let output: Tensor
      if takesPlace, let previous = layers.last?.output {
        output = previous
      } else {
        output = Tensor(options.batchSize, layer.output.count)
        largest = max(largest, layer.output.count)
      }
      layers.append(
        BuiltLayer(
          layer: layer, output: output,
          learns: options.isTrained && !layer.parameters.isEmpty
            && !options.frozenLayers.contains(layer.name)))
    }
    self.layers = layers
    workspace.allocate()
    let lowest = layers.firstIndex { $0.learns || $0.layer.name == options.gradientAt }
    firstPassing = followsLearning ? 0 : lowest.map { $0 + 1 } ?? layers.count
    seconds = layers.map { LayerSeconds(name: $0.layer.name) }
    let length = options.goesBack ? options.batchSize * largest : 0
    // Whoever asks for a gradient may ask for the output too.
    let free = zip(layers, LayerSpecification.areFreeAfterForward(shapes.map(\.layer))).first {
      $1 && $0.output.count == length && options.gradientAt == nil
    }?.0.output
    gradients = [
      free.map { Tensor($0, rows: 0..<length, of: [1]) } ?? Tensor(length), Tensor(length),
    ]
  }

  /// The gradient by the output of the layer that the backward pass has come to.
  var gradient: Tensor { gradients[current] }

  /// Whether something learns before a layer, so that it passes the gradient on to its input.
  func passesOn(_ layer: Int) -> Bool { layer >= firstPassing }

  /// What a layer reads of its own tower; the first one reads what the tower is given, `input`.
  func below(_ layer: Int, _ input: Tensor) -> Tensor {
    layer == 0 ? input : layers[layer - 1].output
  }

  /// Runs one slice of a layer that reads every tower.
  ///
  /// Some of the images only where `rows` says so; `maps` then begins with them.
  func forward(
    layer number: Int, maps: Tensor, _ slice: InputSlice, rows: Range<Int>? = nil, _ pass: Pass
  ) {
    timed(number, .forward) {
      let output = layers[number].output
      layers[number].layer.forward(
        maps, slice, into: rows.map { Tensor(output, rows: $0) } ?? output, pass)
    }
  }

  /// Takes the gradient back to one slice of a layer's input, and finds those of the weights that
  /// read it; `target` is nil where nothing learns before the layer.
  func backward(
    layer number: Int, maps: Tensor, _ slice: InputSlice, into target: Tensor?, _ pass: Pass
  ) {
    timed(number, .backward) {
      let built = layers[number]
      if built.learns || built.layer.parameters.isEmpty {
        built.layer.backward(gradient, x: maps, slice, into: target, pass)
      } else if let target {
        built.layer.inputGradient(gradient, x: maps, slice, into: target, pass)
      }
    }
  }

  /// Finds the gradient by one slice of a layer's input alone.
  ///
  /// For some of the images only where `rows` says so; `maps` and `target` then begin with them.
  func inputGradient(
    layer number: Int, maps: Tensor, _ slice: InputSlice, into target: Tensor,
    rows: Range<Int>? = nil,
    _ pass: Pass
  ) {
    timed(number, .backward) {
      // The gradient has room for the largest layer: its rows are those of this one's output.
      let by = rows.map {
        Tensor(gradient, rows: $0, of: [layers[number].layer.output.count])
      }
      layers[number].layer.inputGradient(by ?? gradient, x: maps, slice, into: target, pass)
    }
  }

  /// Finds the gradients of the weights that read one slice alone.
  func parameterGradient(layer number: Int, maps: Tensor, _ slice: InputSlice, _ pass: Pass) {
    guard layers[number].learns else { return }
    timed(number, .backward) {
      layers[number].layer.parameterGradient(gradient, x: maps, slice, pass)
    }
  }

  /// Runs a layer forward or backward, and counts its time; its span in a timeline is the same.
  func timed(_ number: Int, _ kind: Timeline.Kind, _ work: () -> Void) {
    let start = MonotonicClock.seconds
    let span = Timeline.begin(layers[number].layer.name, kind, at: start)
    work()
    let end = MonotonicClock.seconds
    if kind == .forward {
      seconds[number].forward += end - start
    } else {
      seconds[number].backward += end - start
    }
    Timeline.end(span, at: end)
  }

  /// Where the gradient by the own slice goes.
  var nextGradient: Tensor { gradients[1 - current] }

  /// The gradient by the own slice is whole: it is that of the layer below.
  func turnGradients() { current = 1 - current }
}
