import Layers
import ModelParallel
import Networks
import Planning
import Testing

/// What the scaling model predicts, against cases worked by hand.
@Suite struct ScalingModelTests {
  private static let network = NetworkSpecification.alexNet(classes: 1000, recipe: .paper)

  /// Layers that take so many seconds an image each way, and memory that takes no time.
  private static func profile(perImage seconds: Double = 0, fixed: Double = 0) -> RankProfile {
    RankProfile(
      layers: network.layers.map {
        var cost = LayerCost($0.name, [])
        cost.perImage = (seconds, seconds)
        cost.fixed = (fixed, fixed)
        return cost
      },
      updatePerParameter: 0, restPerImage: 0,
      memory: LinkCheck.Link(latency: 0, bandwidth: 1e15))
  }

  private static func cluster(
    _ ranks: Int, ranksPerHost: Int = 1, bandwidth: Double = 1e9, latency: Double = 0,
    secondsPerByte: Double = 0
  ) -> ClusterShape {
    ClusterShape(
      ranks: ranks, ranksPerHost: ranksPerHost,
      link: LinkCheck.Link(latency: latency, bandwidth: bandwidth), secondsPerByte: secondsPerByte)
  }

  @Test func aNetworkWithoutArithmeticOnlyWaitsForMessages() {
    // 121,344 bytes an image each way over four boundaries, 128 images, 1 GB/s; 8 messages of 50
    // us.
    let step = ScalingModel(Self.network, Self.profile()).predict(
      Self.cluster(2, latency: 50e-6), batchSize: 128, scheme: .data)
    #expect(abs(step.step - (2 * 121_344 * 128 / 1e9 + 8 * 50e-6)) < 1e-9)
    #expect(step.waitingForGradients == 0 && step.moving == 0 && step.compute == 0)
    // Both ends of every byte cost the core that moves it.
    let moved = ScalingModel(Self.network, Self.profile()).predict(
      Self.cluster(2, secondsPerByte: 1e-9), batchSize: 128, scheme: .data)
    #expect(abs(moved.moving - 2 * 2 * 121_344 * 128 * 1e-9) < 1e-9)
  }

  @Test func ranksOfAHostShareItsLink() {
    let model = ScalingModel(Self.network, Self.profile())
    // Gradients alone cross here: replicas are a host each, and two ranks share its link.
    let step = model.predict(Self.cluster(4, ranksPerHost: 2), batchSize: 128, scheme: .data)
    let parameters = Self.network.shapes(ofTower: 0).reduce(0) { $0 + $1.parameters }
    #expect(abs(step.step - 2 * Double(4 * parameters) / 1e9) < 1e-5)
  }

  @Test func atTheMeasuredBatchTheModelPredictsTheMeasurement() {
    // Two benches, of 32 and of 128 images, of layers that take a + b x images and different times.
    var profile = Self.profile()
    var sum = 0.0
    for number in profile.layers.indices {
      let (a, b) = (1e-3 * Double(number), 2e-5 * Double(number + 1))
      profile.layers[number] = LayerCost(
        Self.network.layers[number].name,
        [32, 128].map { ($0, a + b * Double($0), 2 * (a + b * Double($0))) })
      sum += 3 * (a + b * 128)
    }
    profile.updatePerParameter = 1e-9
    profile.restPerImage = 1e-5
    let parameters = Self.network.shapes(ofTower: 0).reduce(0) { $0 + $1.parameters }
    let step = ScalingModel(Self.network, profile).predict(
      Self.cluster(2, ranksPerHost: 2), batchSize: 128, scheme: .data)
    #expect(abs(step.step - (sum + 1e-9 * Double(parameters) + 128e-5)) < 1e-9)
    let model = ScalingModel(Self.network, profile)
    #expect(
      abs(model.efficiency(step, Self.cluster(2, ranksPerHost: 2), batchSize: 128) - 1) < 1e-9)
  }

  @Test func arithmeticGoesAsTheCoresAndTrafficAsTheMemory() {
    let shapes = Self.network.shapes(ofTower: 0)
    let parameters = shapes.reduce(0) { $0 + $1.parameters }
    // fc6 of a tower: 9216 x 2048 weights and 2048 biases, each of which is read twice and whose
    // gradient is written once; two inputs of 4608 numbers and 2048 outputs an image.
    let fc6 = shapes.firstIndex { $0.layer.name == "fc6" } ?? 0
    let bytes = 3 * 4 * (9216 * 2048 + 2048) + 128 * 4 * (3 * 9216 + 2 * 2048)
    var profile = Self.profile()
    profile.updatePerParameter = 20e-10
    profile.memoryBandwidth = 1e10
    profile.coreRate = 50e9
    // Twice as long as its traffic takes, which is some more of the time forward than backward.
    profile.layers[fc6].fixed = (Double(bytes) / 1e10, Double(bytes) / 1e10)
    var cluster = Self.cluster(2, ranksPerHost: 2)
    func seconds(_ change: (inout ClusterShape) -> Void) -> Double {
      var other = cluster
      change(&other)
      return ScalingModel(Self.network, profile).predict(other, batchSize: 128, scheme: .data)
        .compute
    }
    let update = 20e-10 * Double(parameters)
    let layer = 2 * Double(bytes) / 1e10
    #expect(abs(seconds { _ in } - (layer + update)) < 1e-9)
    // The update is traffic alone, and half of the layer.
    #expect(abs(seconds { $0.coreRate = 100e9 } - (0.75 * layer + update)) < 1e-9)
    #expect(abs(seconds { $0.memoryBandwidth = 1e10 } - (1.5 * layer + 2 * update)) < 1e-9)
    // Two cores with a tenth of the work on one of them, and each with its memory.
    cluster.serialShare = 0.1
    #expect(
      abs(seconds { $0.threads = 2 } - (0.5 * layer * 0.55 + 0.25 * layer + update / 2)) < 1e-9)
    // The same memory for both.
    cluster.memoryBandwidth = 2e10
    #expect(
      abs(seconds { $0.threads = 2 } - (0.5 * layer * 0.55 + 0.5 * layer + update)) < 1e-9)
  }

  @Test func whatACacheKeepsIsNotCountedAsTraffic() {
    var profile = Self.profile(perImage: 1e-9)
    profile.memoryBandwidth = 1
    var cluster = Self.cluster(2, ranksPerHost: 2)
    let model = ScalingModel(Self.network, profile)
    let before = model.predict(cluster, batchSize: 128, scheme: .data).compute
    cluster.memoryBandwidth = 1
    let after = model.predict(cluster, batchSize: 128, scheme: .data).compute
    #expect(abs(after - 2 * before) < 1e-12)
  }

  @Test(arguments: [FullyConnectedScheme.data, .model, .groups(4)])
  func aFasterLinkIsNeverSlower(_ scheme: FullyConnectedScheme) {
    let model = ScalingModel(Self.network, Self.profile(perImage: 5e-5, fixed: 1e-4))
    let steps = [1e8, 3e8, 1e9, 3e9, 1e10].map {
      model.predict(
        Self.cluster(64, ranksPerHost: 2, bandwidth: $0), batchSize: 1024, scheme: scheme
      )
      .step
    }
    #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 >= $1 } && steps[0] > steps[4])
    let latencies = [0, 1e-5, 1e-4].map {
      model.predict(
        Self.cluster(64, ranksPerHost: 2, latency: $0), batchSize: 1024, scheme: scheme
      ).step
    }
    #expect(latencies == latencies.sorted() && latencies[0] < latencies[2])
  }

  @Test func groupsWorkedByHand() {
    // 64 ranks, 32 replicas of 32 images; 4 groups of 16 ranks and 256 images.
    let volume = CommunicationVolume(
      Self.network, ranksPerReplica: 2, replicas: 32, batchSize: 1024, scheme: .groups(4),
      formats: WireFormats())
    let bytes = Dictionary(
      uniqueKeysWithValues: volume.boundaries.map { ($0.name, ($0.forward, $0.backward)) })
    func expect(_ name: String, _ forward: Int, _ backward: Int) {
      #expect(
        bytes[name]?.0 == forward && bytes[name]?.1 == backward, "\(name): \(bytes[name] ?? (0, 0))"
      )
    }
    expect("conv3", 32 * 86_528, 32 * 86_528)
    // The own maps to 7 replicas, and the own tower's of 8 replicas to the other tower; back alike.
    expect("fc6", (7 + 8) * 32 * 18_432, (7 + 8) * 32 * 18_432)
    // 4096 neurons on 16 ranks: 256 of a rank.
    expect("fc7", 15 * 256 * 256 * 4, 15 * 256 * 256 * 4)
    expect("fc8", 15 * 256 * 256 * 4, 15 * 256 * 256 * 4)
    expect("softmax", 32 * 256, 0)
    // A sixteenth of fc6-fc8, which the first rank has a little more of: 63 of 1000 classes.
    let parameters = 256 * 9217 + 256 * 4097 + 63 * 4097
    expect("fc gradients", 0, 2 * 4 * parameters / 4 * 3)
    // Of 15 other ranks of a group one is of the own replica.
    let between = [
      "conv3": 0, "fc6": 2 * 7 * 32 * 18_432, "fc7": 2 * 14 * 256 * 256 * 4,
      "fc8": 2 * 14 * 256 * 256 * 4, "softmax": 0,
    ]
    for boundary in volume.boundaries {
      #expect(
        boundary.betweenReplicas == between[boundary.name] ?? boundary.bytes, "\(boundary.name)")
    }
    #expect(volume.gradientBytes == 2 * 4 * parameters / 4 * 3 + (bytes["gradients"]?.1 ?? 0))
  }

  @Test func theSchemesThatCanBeChosen() throws {
    let all = FullyConnectedScheme.candidates(Self.network, ranksPerReplica: 2, replicas: 6)
    #expect(all == [.data, .model, .groups(2), .groups(3)])
    #expect(all.map(\.description) == ["data", "model", "groups=2", "groups=3"])
    #expect(all.compactMap { FullyConnectedScheme($0.description) } == all)
    #expect(FullyConnectedScheme("groups=0") == nil && FullyConnectedScheme("group=2") == nil)
    // 2048 ranks are more than there are classes: 1000 of a group of two or more.
    let many = FullyConnectedScheme.candidates(Self.network, ranksPerReplica: 2, replicas: 1024)
    #expect(!many.contains(.model) && !many.contains(.groups(2)) && many.contains(.groups(4)))
    let best = FullyConnectedScheme.best(
      Self.network, ranksPerReplica: 2, replicas: 32, batchSize: 1024, formats: WireFormats())
    #expect(best == .groups(4))
    #expect(
      FullyConnectedScheme.best(
        Self.network, ranksPerReplica: 2, replicas: 1, batchSize: 128, formats: WireFormats())
        == .data)
  }
}
