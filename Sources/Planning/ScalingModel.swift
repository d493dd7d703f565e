import Layers
package import ModelParallel
package import Networks

/// The cost of a layer of a tower on a rank: a + b x images, forward and backward.
package struct LayerCost: Sendable, Equatable {
  /// The layer's name.
  package let name: String
  /// Seconds that do not depend on the batch size, forward and backward.
  package var fixed: (forward: Double, backward: Double)
  /// Seconds per image, forward and backward.
  package var perImage: (forward: Double, backward: Double)

  /// Fits a line through measurements with two batch sizes, or through zero and one measurement.
  /// - Parameters:
  ///   - name: The layer's name.
  ///   - measurements: The number of images, and the seconds forward and backward; the fewest
  ///     images first.
  package init(_ name: String, _ measurements: [(images: Int, forward: Double, backward: Double)]) {
    self.name = name
    fixed = (0, 0)
    perImage = (0, 0)
    guard let last = measurements.last, last.images > 0 else { return }
    let (few, many) = (measurements[0], last)
    func line(_ a: Double, _ b: Double) -> (Double, Double) {
      guard few.images < many.images else { return (0, b / Double(many.images)) }
      let slope = max(0, (b - a) / Double(many.images - few.images))
      return (max(0, a - slope * Double(few.images)), slope)
    }
    (fixed.forward, perImage.forward) = line(few.forward, many.forward)
    (fixed.backward, perImage.backward) = line(few.backward, many.backward)
  }

  /// Whether two fits are equal.
  package static func == (a: LayerCost, b: LayerCost) -> Bool {
    a.name == b.name && a.fixed == b.fixed && a.perImage == b.perImage
  }
}

/// The measured costs of a rank with one tower when no message leaves the machine.
package struct RankProfile: Sendable {
  /// The costs of its layers.
  package var layers: [LayerCost]
  /// Seconds of the update per parameter.
  package var updatePerParameter: Double
  /// Seconds per image for everything else: scoring, waiting for the slower tower.
  package var restPerImage: Double
  /// The link between the ranks of a host.
  package var memory: LinkCheck.Link
  /// The cores that computed for the tower.
  package var threads = 1
  /// Multiply-adds per second of matrix products on one of these cores; nil if not measured.
  package var coreRate: Double?
  /// Bytes per second between these cores and memory, while the cores of all ranks moved some; nil
  /// if not measured.
  package var memoryBandwidth: Double?

  package init(
    layers: [LayerCost], updatePerParameter: Double, restPerImage: Double, memory: LinkCheck.Link
  ) {
    self.layers = layers
    self.updatePerParameter = updatePerParameter
    self.restPerImage = restPerImage
    self.memory = memory
  }
}

/// The ranks of a cluster, what a rank computes with, and the link between its hosts.
package struct ClusterShape: Sendable {
  /// The number of ranks, each with one tower.
  package var ranks: Int
  /// The number of ranks on a host, which share its link.
  package var ranksPerHost: Int
  /// The number of ranks that share the cores of one rank; more than 1 if ranks share cores.
  package var ranksPerCore: Double
  /// The link between hosts: bytes per second each way, and latency.
  package var link: LinkCheck.Link
  /// Core seconds that the network's software needs per byte, at each end.
  package var secondsPerByte: Double
  /// The cores of a rank; nil for as many as were measured.
  package var threads: Int?
  /// The fraction of a rank's arithmetic that one core does while its others wait (Amdahl).
  package var serialShare = 0.0
  /// Multiply-adds per second of a core; nil for those of a measured one.
  package var coreRate: Double?
  /// Bytes per second between a host's cores and memory, which its ranks share; nil where every
  /// core gets what a measured one got.
  package var memoryBandwidth: Double?

  package init(
    ranks: Int, ranksPerHost: Int, ranksPerCore: Double = 1, link: LinkCheck.Link,
    secondsPerByte: Double = 0.35e-9
  ) {
    self.ranks = ranks
    self.ranksPerHost = ranksPerHost
    self.ranksPerCore = ranksPerCore
    self.link = link
    self.secondsPerByte = secondsPerByte
  }
}

/// Predicts the time of a training step on a cluster from a measurement on one machine.
///
/// A measured time is part arithmetic, which goes as the cores' speed and number, and part memory
/// traffic, which goes as the bandwidth that a rank has. The layers of the backward pass, and the
/// gradients that they leave to the link, are followed in time. An exchange hides behind the own
/// slice of its layer; gradients travel one after the other as soon as they are there, and the step
/// ends with the last of them. Every byte also costs the core that moves it.
package struct ScalingModel: Sendable {
  /// A predicted step.
  package struct Prediction: Sendable {
    /// The duration of a step in seconds.
    package var step = 0.0
    /// The part of it for arithmetic.
    package var compute = 0.0
    /// The part of it for moving bytes: the cores' work on messages that are sent meanwhile.
    package var moving = 0.0
    /// The part of it waiting for activations.
    package var waitingForActivations = 0.0
    /// The part of it waiting for gradients.
    package var waitingForGradients = 0.0
    /// The number of bytes that a rank sends.
    package var bytes = 0
  }

  /// The network.
  package let network: NetworkSpecification
  /// The measured costs of one rank.
  package let profile: RankProfile

  package init(_ network: NetworkSpecification, _ profile: RankProfile) {
    self.network = network
    self.profile = profile
  }

  /// Predicts a step.
  /// - Parameters:
  ///   - cluster: The ranks and their links.
  ///   - batchSize: The number of images in a batch over all replicas.
  ///   - scheme: How the fully-connected layers are split.
  ///   - formats: The number formats of messages.
  /// - Returns: The times of the busiest rank.
  package func predict(
    _ cluster: ClusterShape, batchSize: Int, scheme: FullyConnectedScheme,
    formats: WireFormats = WireFormats()
  ) -> Prediction {
    var run = ScalingRun(
      network, profile, cluster, batchSize: batchSize, scheme: scheme, formats: formats)
    return run.step()
  }

  /// The images in a batch of the pairs that `efficiency` compares with.
  package static let pairBatch = 128

  /// A cluster's images per second, relative to those of as many separate pairs in shared memory
  /// with `pairBatch` images.
  package func efficiency(
    _ prediction: Prediction, _ cluster: ClusterShape, batchSize: Int
  ) -> Double {
    var two = cluster
    (two.ranks, two.ranksPerHost, two.ranksPerCore) = (2, 2, 1)
    two.memoryBandwidth = cluster.memoryBandwidth.map {
      $0 * 2 / Double(cluster.ranksPerHost) * cluster.ranksPerCore
    }
    let pair = predict(two, batchSize: Self.pairBatch, scheme: .data)
    let pairs = Double(cluster.ranks) / 2 / cluster.ranksPerCore
    return (Double(batchSize) / prediction.step) / (pairs * Double(Self.pairBatch) / pair.step)
  }
}
