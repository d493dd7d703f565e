package import Layers
package import MPI
package import ModelParallel
package import Networks

/// How a network is built in a process.
package struct NetworkOptions: Sendable {
  /// The largest number of images in a batch, over all replicas.
  package var batchSize: Int
  /// Threads that compute side by side in each tower.
  package var threadsPerTower: Int
  /// What initial weights and dropout masks depend on.
  package var seed: UInt64
  /// Whether the network learns: there is a backward direction to every weight.
  package var isTrained: Bool
  /// In a network that does not learn, the layer by whose output a gradient is wanted: the backward
  /// direction ends there.
  package var gradientAt: String?
  /// Layers whose weights stay as they are, by name: their gradients are not computed, and the
  /// backward pass ends at the lowest layer that learns.
  package var frozenLayers: Set<String>
  /// How convolutions are computed.
  package var algorithm: ConvolutionChoice
  /// The numbers that fully-connected layers are trained with; `canBeTrained` must hold.
  package var precision: Precision
  /// Whether weights are given their initial values; not where they are read from a file at once.
  package var drawsInitialValues: Bool
  /// Who computes the fully-connected layers.
  package var scheme: FullyConnectedScheme
  /// How numbers travel between ranks.
  package var formats: WireFormats
  /// What training makes small.
  package var objective: Objective
  /// The maps of one layer that a core's cache holds beside what else the layers read, in bytes:
  /// layers in a row take so many images at a time.
  package var mapsInCache: Int
  /// What keeps messages moving while the ranks compute; nil for what suits the ranks' hosts.
  package var progress: MessageProgress.Mode?

  /// Makes options.
  package init(
    batchSize: Int, threadsPerTower: Int, seed: UInt64, isTrained: Bool,
    gradientAt: String? = nil, frozenLayers: Set<String> = [],
    algorithm: ConvolutionChoice = .automatic, precision: Precision = .fp32,
    drawsInitialValues: Bool = true,
    scheme: FullyConnectedScheme = .data, formats: WireFormats = WireFormats(),
    objective: Objective = Objective(), mapsInCache: Int = 2 << 20,
    progress: MessageProgress.Mode? = nil
  ) {
    self.batchSize = batchSize
    self.threadsPerTower = threadsPerTower
    self.seed = seed
    self.isTrained = isTrained
    self.gradientAt = gradientAt
    self.frozenLayers = frozenLayers
    self.algorithm = algorithm
    self.precision = precision
    self.drawsInitialValues = drawsInitialValues
    self.scheme = scheme
    self.formats = formats
    self.objective = objective
    self.mapsInCache = mapsInCache
    self.progress = progress
  }

  /// Whether there is a backward direction.
  var goesBack: Bool { isTrained || gradientAt != nil }
}
