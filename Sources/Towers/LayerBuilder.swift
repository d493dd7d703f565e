import Layers
import Networks
import System

/// Makes the layers of one tower from their description.
struct LayerBuilder {
  private let part: TowerPart
  private let options: NetworkOptions
  private let team: ThreadTeam
  private let workspace: Workspace

  init(_ part: TowerPart, options: NetworkOptions, team: ThreadTeam, workspace: Workspace) {
    self.workspace = workspace
    self.part = part
    self.options = options
    self.team = team
  }

  /// A layer with its initial values.
  func layer(_ shape: LayerShape) -> any Layer {
    shape.layer.buildable.layer(
      LayerContext(
        shape: shape, batchSize: options.batchSize, seed: options.seed,
        isTrained: options.isTrained, drawsInitialValues: options.drawsInitialValues,
        algorithm: options.algorithm, precision: options.precision, team: team, workspace: workspace
      ) { firstNeuron(of: shape.layer.name) })
  }

  /// The number of the tower's first neuron among those of all towers at a layer.
  private func firstNeuron(of name: String) -> Int {
    (0..<part.index).reduce(0) { sum, other in
      let shape = part.shapes(other).first { $0.layer.name == name }
      return sum + (shape?.output.count ?? 0)
    }
  }
}
