import JSON
import ModelParallel
import Networks
import Planning
import System

/// The results of a bench of one replica, as needed by the scaling model: read from `bench --json`,
/// or measured.
struct RankBench: Decodable {
  struct Layer: Decodable {
    let name: String
    let forwardSeconds: Double
    let backwardSeconds: Double
  }

  struct Boundary: Decodable {
    let exposedSeconds: Double
    let bytes: Int?
    let aloneSeconds: Double?
  }

  let network: String?
  let batchSize: Int
  let ranks: Int?
  let threads: Int?
  let productFlops: Double?
  let memoryBandwidth: Double?
  let layers: [Layer]
  let boundaries: [Boundary]
  let stepSeconds: Double
  let updateSeconds: Double
  let waitSeconds: Double

  init(
    _ times: BenchTimes, _ limits: MachineLimits, batchSize: Int, ranks: Int, threads: Int
  ) {
    network = nil
    (self.ranks, self.threads) = (ranks, threads)
    productFlops = 2 * limits.productRate
    memoryBandwidth = limits.memoryBandwidth
    self.batchSize = batchSize
    layers = times.layers.map {
      Layer(name: $0.name, forwardSeconds: $0.forward, backwardSeconds: $0.backward)
    }
    boundaries = times.boundaries.map {
      Boundary(exposedSeconds: $0.exposed, bytes: $0.bytes, aloneSeconds: $0.alone)
    }
    stepSeconds = times.step
    updateSeconds = times.update
    waitSeconds = times.wait
  }

  /// Reads the output of `alexnet bench --json`.
  init(contentsOf path: String) throws(Failure) {
    let text = try RegularFile.contents(of: path, limit: JSONText.longestByHand)
    guard let bench = try? JSONText.value(RankBench.self, text, from: path), bench.isPossible else {
      throw Failure(
        .badData,
        "\(quoted(path)) is not what 'alexnet bench --json' writes; make it again with this "
          + "version."
      )
    }
    self = bench
  }

  /// Whether its numbers are plausible.
  private var isPossible: Bool {
    var times = [stepSeconds, updateSeconds, waitSeconds]
    for layer in layers { times += [layer.forwardSeconds, layer.backwardSeconds] }
    for boundary in boundaries { times += [boundary.exposedSeconds, boundary.aloneSeconds ?? 0] }
    let speeds = boundaries.compactMap { boundary -> Double? in
      guard let bytes = boundary.bytes, let seconds = boundary.aloneSeconds, seconds > 0 else {
        return nil
      }
      return Double(bytes) / seconds
    }
    return (1...1_000_000).contains(batchSize) && stepSeconds > 0
      && (1...1_000_000).contains(ranks ?? 1) && (1...1_000_000).contains(threads ?? 1)
      && [productFlops, memoryBandwidth].allSatisfy { $0.map { (1...1e18).contains($0) } ?? true }
      && times.allSatisfy { (0...1e9).contains($0) }
      && speeds.allSatisfy { (0...1e15).contains($0) }
  }

  /// The link between the replica's ranks, estimated from its largest messages, which travel both
  /// ways at once.
  var link: LinkCheck.Link? {
    boundaries.compactMap { boundary -> LinkCheck.Link? in
      guard let bytes = boundary.bytes, let seconds = boundary.aloneSeconds, bytes > 1 << 20,
        seconds > 0
      else { return nil }
      return LinkCheck.Link(latency: 1e-6, bandwidth: Double(bytes) / seconds)
    }.max { $0.bandwidth < $1.bandwidth }
  }

  /// Seconds of a step outside the layers, the update and the waiting for images.
  ///
  /// These are scoring, and waiting for the slower tower, since messages within a host take almost
  /// no time.
  var rest: Double {
    let known = layers.reduce(updateSeconds + waitSeconds) {
      $0 + $1.forwardSeconds + $1.backwardSeconds
    }
    return max(0, stepSeconds - known)
  }
}

extension RankProfile {
  /// Fits the costs of a network's layers from benches with different batch sizes.
  init(_ benches: [RankBench], _ network: NetworkSpecification, memory: LinkCheck.Link?) {
    let benches = benches.sorted { $0.batchSize < $1.batchSize }
    let parameters = network.shapes(ofTower: 0).reduce(0) { $0 + $1.parameters }
    let last = benches[benches.count - 1]
    self.init(
      layers: last.layers.enumerated().map { number, layer in
        LayerCost(
          layer.name,
          benches.map {
            ($0.batchSize, $0.layers[number].forwardSeconds, $0.layers[number].backwardSeconds)
          })
      },
      updatePerParameter: last.updateSeconds / Double(max(1, parameters)),
      restPerImage: last.rest / Double(last.batchSize),
      memory: memory ?? last.link ?? LinkCheck.Link(latency: 1e-6, bandwidth: 3e9))
    // Of one tower, whether it had a rank for itself or a share of one's threads.
    let cores = (last.ranks ?? 1) * (last.threads ?? 1)
    threads = max(1, cores / network.towers)
    coreRate = last.productFlops.map { $0 / 2 / Double(cores) }
    memoryBandwidth = last.memoryBandwidth.map { $0 / Double(min(cores, network.towers)) }
  }

  /// Reads the output files of benches of one replica of the same network.
  /// - Returns: The network that they name, and the costs on its ranks.
  /// - Throws: `Failure` (inputMissing, badData) if a file is missing or is not such an output.
  static func read(
    benches paths: [String]
  ) throws(Failure) -> (network: NetworkSpecification, profile: RankProfile) {
    var benches: [RankBench] = []
    for path in paths { benches.append(try RankBench(contentsOf: path)) }
    let first = benches[0]
    guard
      let network = NetworkSpecification.preset(first.network ?? "", classes: 1000, recipe: .paper),
      benches.allSatisfy({
        $0.network == first.network && $0.layers.count == network.layers.count
          && ($0.ranks ?? 1) <= network.towers && $0.batchSize > 0
      })
    else {
      throw Failure(
        .badData,
        "The bench files must measure one replica of one preset; make them with 'mpirun -np 2 "
          + "alexnet bench --json'.")
    }
    return (network, RankProfile(benches, network, memory: nil))
  }
}
