import Layers
import ModelParallel

/// One step of the scaling model, followed layer by layer.
struct ScalingRun {
  private let network: NetworkSpecification
  private let profile: RankProfile
  private let cluster: ClusterShape
  private let replicas: Int
  private let batchSize: Int
  /// The images of a replica.
  private let images: Int
  /// The first layer that is spread over all ranks; the number of layers where none is.
  private let head: Int
  private let shapes: [LayerShape]
  private let volume: CommunicationVolume
  private let formats: WireFormats
  private var result = ScalingModel.Prediction()

  init(
    _ network: NetworkSpecification, _ profile: RankProfile, _ cluster: ClusterShape,
    batchSize: Int, scheme: FullyConnectedScheme, formats: WireFormats
  ) {
    self.network = network
    self.profile = profile
    self.cluster = cluster
    self.batchSize = batchSize
    self.formats = formats
    replicas = max(1, cluster.ranks / network.towers)
    images = (batchSize + replicas - 1) / replicas
    let isSpread = scheme == .model && replicas > 1
    head =
      isSpread
      ? network.fullyConnectedPart?.lowerBound ?? network.layers.count : network.layers.count
    shapes = network.shapes(ofTower: 0)
    volume = CommunicationVolume(
      network, ranksPerReplica: network.towers, replicas: replicas, batchSize: batchSize,
      scheme: scheme, formats: formats)
    result.bytes = volume.bytes
  }

  mutating func step() -> ScalingModel.Prediction {
    forward()
    backward()
    result.compute += update + profile.restPerImage * Double(images) * cluster.ranksPerCore
    result.step =
      result.compute + result.moving + result.waitingForActivations + result.waitingForGradients
    return result
  }

  // MARK: Arithmetic

  /// A layer's seconds on a rank.
  ///
  /// A layer that is spread over all ranks has the same products for more images with
  /// fewer neurons, and less of what does not depend on the images.
  private func seconds(_ layer: Int, _ way: KeyPath<(forward: Double, backward: Double), Double>)
    -> Double
  {
    guard layer < profile.layers.count else { return 0 }
    let cost = profile.layers[layer]
    let fixed =
      layer >= head ? cost.fixed[keyPath: way] / Double(replicas) : cost.fixed[keyPath: way]
    return (fixed + cost.perImage[keyPath: way] * Double(images)) * cluster.ranksPerCore
  }

  private var update: Double {
    let parameters = shapes.enumerated().reduce(0.0) { sum, pair in
      sum + Double(pair.element.parameters) / (pair.offset >= head ? Double(replicas) : 1)
    }
    return profile.updatePerParameter * parameters * cluster.ranksPerCore
  }

  private mutating func forward() {
    for layer in shapes.indices {
      let time = seconds(layer, \.forward)
      result.compute += time
      if let boundary = boundary(of: layer) {
        wait(boundary, boundary.forward, isHead: layer >= head, behind: time * ownShare(layer))
      }
    }
  }

  /// Gradients enter the link's queue when their layer is done; what is left at the end is waited for.
  private mutating func backward() {
    let gradients = volume.boundaries.first { $0.name == "gradients" }
    let parameters = Double(shapes[..<head].reduce(0) { $0 + $1.parameters })
    var (now, linkIsFree) = (0.0, 0.0)
    for layer in shapes.indices.reversed() {
      let time = seconds(layer, \.backward)
      result.compute += time
      now += time
      if let boundary = boundary(of: layer) {
        let waited = wait(
          boundary, boundary.backward, isHead: layer >= head,
          behind: time * (layer == head ? 0.5 : ownShare(layer)))
        now += waited
        linkIsFree = max(linkIsFree, now)
      }
      if let gradients, layer < head, shapes[layer].parameters > 0 {
        let share = Double(shapes[layer].parameters) / parameters
        let bytes = Double(gradients.bytes) * share
        let pieces = GradientReduction.pieces(of: shapes[layer].parameters)
        let moving = reductionSeconds(bytes)
        result.moving += moving
        now += moving
        linkIsFree =
          max(linkIsFree, now)
          + transfer(bytes, messages: 2 * pieces * (replicas - 1), crossing: peersAway)
      }
    }
    result.waitingForGradients += max(0, linkIsFree - now)
  }

  // MARK: Messages

  /// The boundary in front of a layer, where messages are sent.
  private func boundary(of layer: Int) -> CommunicationVolume.Boundary? {
    volume.boundaries.first { $0.name == network.layers[layer].name }
  }

  /// The share of a layer's products that needs nothing from other ranks.
  private func ownShare(_ layer: Int) -> Double {
    layer < head
      ? 1 / Double(network.towers) : 1 / Double(cluster.ranks)
  }

  /// The share of the partners in a group of ranks that are on other hosts.
  private func away(among ranks: Int) -> Double {
    let here = min(ranks, cluster.ranksPerHost)
    return ranks > 1 ? Double(ranks - here) / Double(ranks - 1) : 0
  }

  /// The share of the other replicas that are on other hosts.
  private var peersAway: Double {
    let here = max(1, cluster.ranksPerHost / network.towers)
    return replicas > 1 ? Double(max(0, replicas - here)) / Double(replicas - 1) : 0
  }

  /// Seconds that bytes of this rank take: what leaves the host shares its link with the host's other ranks.
  private func transfer(_ bytes: Double, messages: Int, crossing: Double) -> Double {
    let outside =
      crossing
      * (bytes * Double(min(cluster.ranksPerHost, cluster.ranks)) / cluster.link.bandwidth
        + Double(messages) * cluster.link.latency)
    let inside = (1 - crossing) * (bytes / profile.memory.bandwidth * cluster.ranksPerCore)
    return outside + inside
  }

  /// Adds what an exchange of so many bytes costs; returns the seconds.
  @discardableResult private mutating func wait(
    _ boundary: CommunicationVolume.Boundary, _ bytes: Int, isHead: Bool, behind work: Double
  ) -> Double {
    let crossing = away(among: isHead ? cluster.ranks : network.towers)
    let time = transfer(Double(bytes), messages: boundary.messages / 2, crossing: crossing)
    let moving = 2 * Double(bytes) * crossing * cluster.secondsPerByte * cluster.ranksPerCore
    let waited = max(0, time - work)
    result.moving += moving
    result.waitingForActivations += waited
    return moving + waited
  }

  /// Seconds of this rank's core for gradients: both ends of the messages, and the sums.
  private func reductionSeconds(_ bytes: Double) -> Double {
    let sums = bytes / 2 * 3 / profile.memory.bandwidth / 2
    return (2 * bytes * peersAway * cluster.secondsPerByte + sums) * cluster.ranksPerCore
  }
}
