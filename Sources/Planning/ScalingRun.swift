import Layers
import ModelParallel
import Networks

/// Simulates one step of the scaling model layer by layer.
struct ScalingRun {
  private let network: NetworkSpecification
  private let profile: RankProfile
  private let cluster: ClusterShape
  private let replicas: Int
  private let batchSize: Int
  /// The number of images of a replica.
  private let images: Int
  /// The number of groups of replicas that share the fully-connected layers, and the number of
  /// replicas in a group.
  private let groups: Int
  private let members: Int
  /// The first layer that is split over a group's ranks; the number of layers if none is.
  private let head: Int
  private let shapes: [LayerShape]
  private let traffic: [MemoryTraffic]
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
    let spread = network.fullyConnectedPart == nil ? nil : scheme.groups(ofReplicas: replicas)
    groups = spread ?? replicas
    members = replicas / groups
    head = spread.flatMap { _ in network.fullyConnectedPart?.lowerBound } ?? network.layers.count
    shapes = network.shapes(ofTower: 0)
    traffic = shapes.map(MemoryTraffic.init)
    volume = CommunicationVolume(
      network, ranksPerReplica: network.towers, replicas: replicas, batchSize: batchSize,
      scheme: scheme, formats: formats)
    result.bytes = volume.bytes
  }

  mutating func step() -> ScalingModel.Prediction {
    forward()
    backward()
    result.compute += update + seconds(profile.restPerImage * Double(images), bytes: 0)
    result.step =
      result.compute + result.moving + result.waitingForActivations + result.waitingForGradients
    return result
  }

  // MARK: Arithmetic

  /// The seconds of a layer on a rank.
  ///
  /// A layer that is split over a group's ranks computes the same products for more images with
  /// fewer neurons, and less of the part that does not depend on the images.
  private func seconds(_ layer: Int, _ way: KeyPath<(forward: Double, backward: Double), Double>)
    -> Double
  {
    guard layer < profile.layers.count else { return 0 }
    let cost = profile.layers[layer]
    let parts = layer >= head ? members : 1
    return seconds(
      cost.fixed[keyPath: way] / Double(parts) + cost.perImage[keyPath: way] * Double(images),
      bytes: traffic[layer].bytes(way, images: images, parts: parts))
  }

  private var update: Double {
    let parameters = shapes.enumerated().reduce(0.0) { sum, pair in
      sum + Double(pair.element.parameters) / (pair.offset >= head ? Double(members) : 1)
    }
    return seconds(
      profile.updatePerParameter * parameters,
      bytes: MemoryTraffic.updateBytesPerParameter * parameters)
  }

  /// The seconds here of what takes `measured` seconds there and moves so many bytes.
  ///
  /// What stays in a cache is not moved at all: no more time is counted as traffic than it took.
  private func seconds(_ measured: Double, bytes: Double) -> Double {
    guard let had = profile.memoryBandwidth else { return measured * arithmetic }
    let moving = min(bytes / had, measured)
    return (measured - moving) * arithmetic + moving * had / bandwidth(where: had)
  }

  /// The seconds of arithmetic for a measured one.
  private var arithmetic: Double {
    let (had, has) = (profile.threads, cluster.threads ?? profile.threads)
    func amdahl(_ threads: Int) -> Double {
      cluster.serialShare + (1 - cluster.serialShare) / Double(threads)
    }
    var speed = 1.0
    if let rate = cluster.coreRate, let measured = profile.coreRate { speed = rate / measured }
    return amdahl(has) / amdahl(had) / speed * cluster.ranksPerCore
  }

  /// The bytes per second of a rank, where it had so many when it was measured.
  private func bandwidth(where had: Double) -> Double {
    if let host = cluster.memoryBandwidth {
      return host / Double(min(cluster.ranksPerHost, cluster.ranks))
    }
    let threads = Double(cluster.threads ?? profile.threads) / Double(profile.threads)
    return had * threads / cluster.ranksPerCore
  }

  private mutating func forward() {
    for layer in shapes.indices {
      let time = seconds(layer, \.forward)
      result.compute += time
      if let boundary = boundary(of: layer) {
        let hiding = layer == head ? 1 - firstImages : 1 / Double(readers(of: layer))
        wait(boundary, boundary.forward, at: layer, behind: time * hiding)
      }
    }
  }

  /// Gradients enter the link's queue when they are ready; the rank waits for those left at the
  /// end.
  private mutating func backward() {
    var (now, linkIsFree) = (0.0, 0.0)
    for layer in shapes.indices.reversed() {
      let time = seconds(layer, \.backward)
      result.compute += time
      now += time
      if let boundary = boundary(of: layer) {
        now += wait(
          boundary, boundary.backward, at: layer,
          behind: time * (1 - workBeforeSending(layer)))
        linkIsFree = max(linkIsFree, now)
      }
      if layer == head {
        let parameters = shapes[head...].reduce(0) { $0 + $1.parameters } / members
        reduce(
          BoundaryName.groupGradients, share: 1, parameters, holders: groups, &now, &linkIsFree)
      } else if layer < head, shapes[layer].parameters > 0 {
        let share =
          Double(shapes[layer].parameters)
          / Double(shapes[..<head].reduce(0) { $0 + $1.parameters })
        reduce(
          BoundaryName.gradients, share: share, shapes[layer].parameters, holders: replicas, &now,
          &linkIsFree)
      }
    }
    result.waitingForGradients += max(0, linkIsFree - now)
  }

  /// The fraction of a layer's backward work that is done before the last message is sent.
  private func workBeforeSending(_ layer: Int) -> Double {
    let others = 1 - 1 / Double(readers(of: layer))
    if layer == head { return firstImages / 2 }
    // The gradients with respect to the inputs only, or both.
    return shapes[layer].layer.weights?.gradientsShareWork == false ? others / 2 : others
  }

  /// The fraction of a group's images that are computed at a time.
  private var firstImages: Double { min(1, max(Double(images), 64) / Double(images * members)) }

  // MARK: Messages

  /// The boundary before a layer, where messages are sent.
  private func boundary(of layer: Int) -> CommunicationVolume.Boundary? {
    volume.boundaries.first { $0.name == network.layers[layer].name }
  }

  /// The number of ranks that exchange maps before a layer.
  private func readers(of layer: Int) -> Int { network.towers * (layer < head ? 1 : members) }

  /// The fraction of the partners that are on other hosts, for `count` neighbours in groups of
  /// `size` ranks each.
  private func away(among count: Int, ofRanks size: Int = 1) -> Double {
    let here = min(count, max(1, cluster.ranksPerHost / size))
    return count > 1 ? Double(count - here) / Double(count - 1) : 0
  }

  /// The fraction of the bytes before a layer that leave the host.
  private func leavingHost(before layer: Int) -> Double {
    let ranks = readers(of: layer)
    guard layer == head else { return away(among: ranks) }
    // A rank's maps go to the other replicas, and the maps of all replicas go to the other towers.
    let between = Double(members - 1) * away(among: members, ofRanks: network.towers)
    let within = Double(members * (network.towers - 1)) * away(among: network.towers)
    return (between + within) / Double(ranks - 1)
  }

  /// The seconds to send this rank's bytes: those that leave the host share its link with the
  /// host's other ranks.
  private func transfer(_ bytes: Double, messages: Int, crossing: Double) -> Double {
    let outside =
      crossing
      * (bytes * Double(min(cluster.ranksPerHost, cluster.ranks)) / cluster.link.bandwidth
        + Double(messages) * cluster.link.latency)
    let inside = (1 - crossing) * (bytes / profile.memory.bandwidth * cluster.ranksPerCore)
    return outside + inside
  }

  /// Adds the cost of an exchange; returns the seconds.
  @discardableResult private mutating func wait(
    _ boundary: CommunicationVolume.Boundary, _ bytes: Int, at layer: Int, behind work: Double
  ) -> Double {
    let crossing = leavingHost(before: layer)
    let time = transfer(Double(bytes), messages: boundary.messages / 2, crossing: crossing)
    let moving = 2 * Double(bytes) * crossing * cluster.secondsPerByte * cluster.ranksPerCore
    let waited = max(0, time - work)
    result.moving += moving
    result.waitingForActivations += waited
    return moving + waited
  }

  /// Sends a part of the gradients to the replicas, or groups, that hold the same weights.
  ///
  /// Both ends of the messages and the sums cost time on this rank's core, and the link is
  /// occupied.
  private mutating func reduce(
    _ name: String, share: Double, _ parameters: Int, holders: Int, _ now: inout Double,
    _ linkIsFree: inout Double
  ) {
    guard let boundary = volume.boundaries.first(where: { $0.name == name }) else { return }
    let bytes = Double(boundary.bytes) * share
    let crossing = away(among: holders, ofRanks: cluster.ranks / holders)
    let sums = bytes / 2 * 3 / profile.memory.bandwidth / 2
    let moving = (2 * bytes * crossing * cluster.secondsPerByte + sums) * cluster.ranksPerCore
    result.moving += moving
    now += moving
    let messages = 2 * GradientReduction.pieces(of: parameters) * (holders - 1)
    linkIsFree = max(linkIsFree, now) + transfer(bytes, messages: messages, crossing: crossing)
  }
}
