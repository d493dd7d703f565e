import Layers
package import ModelParallel
package import Networks

/// What a layer of a tower takes on a rank: a + b x images, each way.
package struct LayerCost: Sendable, Equatable {
  /// The layer's name.
  package let name: String
  /// Seconds that do not depend on the batch, forward and backward.
  package var fixed: (forward: Double, backward: Double)
  /// Seconds an image, forward and backward.
  package var perImage: (forward: Double, backward: Double)

  /// Fits the line through measurements with two batches, or through zero and one.
  /// - Parameters:
  ///   - name: The layer's name.
  ///   - measurements: Images, and the seconds that they took forward and backward; the fewest images first.
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

  /// The same fit twice.
  package static func == (a: LayerCost, b: LayerCost) -> Bool {
    a.name == b.name && a.fixed == b.fixed && a.perImage == b.perImage
  }
}

/// What a rank of one tower was measured to take where no message leaves the machine.
package struct RankProfile: Sendable {
  /// Its layers.
  package var layers: [LayerCost]
  /// Seconds that the update takes for a parameter.
  package var updatePerParameter: Double
  /// Seconds of a step in nothing of this: scoring, waiting for the slower tower.
  package var restPerImage: Double
  /// The link between the ranks of a host.
  package var memory: LinkCheck.Link

  /// Makes a profile from its parts.
  package init(
    layers: [LayerCost], updatePerParameter: Double, restPerImage: Double, memory: LinkCheck.Link
  ) {
    self.layers = layers
    self.updatePerParameter = updatePerParameter
    self.restPerImage = restPerImage
    self.memory = memory
  }
}

/// The ranks of a cluster and what joins its hosts.
package struct ClusterShape: Sendable {
  /// Ranks in all, each of one tower.
  package var ranks: Int
  /// Ranks of a host, which share its link.
  package var ranksPerHost: Int
  /// Ranks that share what one rank had when it was measured; more than 1 where they share cores.
  package var ranksPerCore: Double
  /// What joins the hosts: bytes a second each way, and the time of the shortest message.
  package var link: LinkCheck.Link
  /// Seconds of a core that a byte takes on its way through the network's software, at each end.
  package var secondsPerByte: Double

  /// Makes a shape from its parts.
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

/// How long a training step takes on a cluster, predicted from a measurement on one machine.
///
/// The layers of the backward pass, and the gradients that they leave to the link, are followed in time. An exchange
/// hides behind the own slice of its layer; gradients travel one after the other as soon as they are there, and the
/// step ends with the last of them. Every byte also costs the core that moves it.
package struct ScalingModel: Sendable {
  /// What is predicted.
  package struct Prediction: Sendable {
    /// Seconds of a step.
    package var step = 0.0
    /// Of these, arithmetic.
    package var compute = 0.0
    /// Of these, moving bytes: the cores' work on messages that travel meanwhile.
    package var moving = 0.0
    /// Of these, waiting for activations.
    package var waitingForActivations = 0.0
    /// Of these, waiting for gradients.
    package var waitingForGradients = 0.0
    /// Bytes that a rank sends.
    package var bytes = 0
  }

  /// The network.
  package let network: NetworkSpecification
  /// What one rank takes.
  package let profile: RankProfile

  /// Makes a model.
  package init(_ network: NetworkSpecification, _ profile: RankProfile) {
    self.network = network
    self.profile = profile
  }

  /// Predicts a step.
  /// - Parameters:
  ///   - cluster: The ranks and their links.
  ///   - batchSize: The images of a batch over all replicas.
  ///   - scheme: Who computes the fully-connected layers.
  ///   - formats: How numbers travel.
  /// - Returns: What the busiest rank does and waits for.
  package func predict(
    _ cluster: ClusterShape, batchSize: Int, scheme: FullyConnectedScheme,
    formats: WireFormats = WireFormats()
  ) -> Prediction {
    var run = ScalingRun(
      network, profile, cluster, batchSize: batchSize, scheme: scheme, formats: formats)
    return run.step()
  }

  /// The images a second of a cluster over those of as many separate pairs in shared memory at `pairBatch` images.
  package func efficiency(
    _ prediction: Prediction, _ cluster: ClusterShape, batchSize: Int, pairBatch: Int = 128
  ) -> Double {
    let pair = predict(
      ClusterShape(
        ranks: 2, ranksPerHost: 2, link: cluster.link, secondsPerByte: cluster.secondsPerByte),
      batchSize: pairBatch, scheme: .data)
    let pairs = Double(cluster.ranks) / 2 / cluster.ranksPerCore
    return (Double(batchSize) / prediction.step) / (pairs * Double(pairBatch) / pair.step)
  }
}
