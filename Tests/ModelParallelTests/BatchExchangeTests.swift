import Layers
import MPI
import ModelParallel
import Networks
import Tensors
import TestSupport
import Testing

/// An exchange of the batch over real messages, filled with small whole numbers, which are exact in
/// every format.
@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct BatchExchangeAcrossRanksTests {
  /// How two towers and their replicas lie on the ranks.
  enum Spread: CaseIterable {
    /// A tower a rank: one replica on two ranks, two replicas on four.
    case towers
    /// Both towers on every rank: as many replicas as ranks.
    case replicas
    /// The same in groups of two replicas.
    case groups

    var placement: Placement {
      get throws {
        let world = TestWorld.shared.all
        switch self {
        case .towers: return try Placement(towers: 2, over: world)
        case .replicas: return try Placement(towers: 2, over: world, towersPerRank: 2)
        case .groups:
          return try Placement(towers: 2, over: world, towersPerRank: 2)
            .grouped(into: world.size / 2).inside
        }
      }
    }
  }

  /// The exchange, and what all ranks know of its numbers.
  struct Bench {
    let exchange: BatchExchange
    let placement: Placement
    let shapes = [5, 2].map { MapShape(height: 1, width: 2, maps: $0) }
    let batch: Int

    init(_ spread: Spread, images batch: Int, _ format: WireFormat) throws {
      self.batch = batch
      placement = try spread.placement
      exchange = BatchExchange(
        name: "fc6", shapes: shapes, placement: placement, batchSize: batch + 1, tag: 3,
        isTrained: true, formats: WireFormats(activations: format, gradients: format),
        progress: try MessageProgress(placement.all))
    }

    var images: Range<Int> { placement.images(of: batch) }

    /// A tower's maps of all images.
    func maps(_ tower: Int) -> [Float] { numbers(tower, seed: 10 + tower) }

    /// The gradient by them that a rank of the group found.
    func gradient(of rank: Int, _ tower: Int) -> [Float] {
      numbers(tower, seed: 100 + 10 * rank + tower)
    }

    private func numbers(_ tower: Int, seed: Int) -> [Float] {
      var random = SmallRandom(UInt64(seed))
      return random.integers(batch * shapes[tower].count)
    }

    /// Some images' numbers among those of all.
    func rows(_ images: Range<Int>, _ numbers: [Float], _ tower: Int) -> [Float] {
      let length = shapes[tower].count
      return Array(numbers[images.lowerBound * length..<images.upperBound * length])
    }

    /// Gathers the maps; returns how often each image of each tower was read, and whether it was
    /// there by then.
    func forward() throws -> (reads: [[Int]], isThere: Bool) {
      let own = placement.owned.map { tower in
        Tensor([images.count, shapes[tower].count], values: rows(images, maps(tower), tower))
      }
      for tower in shapes.indices { exchange.maps(of: tower).fill(.nan) }
      let pass = Pass(
        images: images.count, isTraining: true, firstImage: images.lowerBound, batch: batch)
      var reads = shapes.map { _ in [Int](repeating: 0, count: batch) }
      var isThere = true
      try exchange.forward(own, pass) { some, places in
        for tower in exchange.towers[places] {
          for image in some { reads[tower][image] += 1 }
          let found = exchange.maps(of: tower).values(batch * shapes[tower].count)
          if rows(some, found, tower) != rows(some, maps(tower), tower) { isThere = false }
        }
      }
      return (reads, isThere)
    }

    /// Adds up what every rank found, which it writes when it is asked to; `forward` comes before.
    func backward() throws -> [[Float]] {
      for tower in shapes.indices { exchange.contribution(to: tower).fill(.nan) }
      let sums = placement.owned.map { Tensor([images.count, shapes[$0].count], values: []) }
      try exchange.backward(
        into: sums,
        finding: { some, places in
          for tower in exchange.towers[places] {
            Tensor(exchange.contribution(to: tower), rows: some)
              .set(rows(some, gradient(of: placement.all.rank, tower), tower))
          }
        })
      return sums.map { $0.values() }
    }
  }

  @Test(arguments: Spread.allCases, [1, 3, 9, 300])
  func everyRankReadsEveryImageOnceAndWhenItIsThere(_ spread: Spread, _ images: Int) throws {
    for format in WireFormat.allCases {
      let bench = try Bench(spread, images: images, format)
      for _ in 0..<2 {
        let (reads, isThere) = try bench.forward()
        #expect(isThere && reads.allSatisfy { $0.allSatisfy { $0 == 1 } })
      }
      let whole = bench.exchange.whole(Pass(images: bench.images.count, isTraining: true))
      #expect(whole.images == images && whole.firstImage == 0)
    }
  }

  @Test(arguments: Spread.allCases, [1, 3, 9, 300])
  func backwardIsTheAdjointOfForward(_ spread: Spread, _ images: Int) throws {
    for format in WireFormat.allCases {
      let bench = try Bench(spread, images: images, format)
      let (group, own) = (bench.placement.all, bench.images)
      _ = try bench.forward()
      let sums = try bench.backward()
      let (forward, backward) = (
        bench.shapes.indices.reduce(0) {
          $0 + dot(bench.maps($1), bench.gradient(of: group.rank, $1))
        },
        zip(bench.placement.owned, sums).reduce(0) {
          $0 + dot(bench.rows(own, bench.maps($1.0), $1.0), $1.1)
        }
      )
      #expect(try group.allReduce(forward, .sum) == group.allReduce(backward, .sum))
      for (tower, sum) in zip(bench.placement.owned, sums) {
        let all = (0..<group.size).map { bench.rows(own, bench.gradient(of: $0, tower), tower) }
        #expect(sum == sum.indices.map { i in all.reduce(0) { $0 + $1[i] } })
      }
    }
  }
}
