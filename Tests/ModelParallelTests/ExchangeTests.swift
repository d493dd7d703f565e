import Layers
import MPI
import ModelParallel
import Networks
import Tensors
import TestSupport
import Testing

/// AlexNet's four cross-connections: what one of two towers has of the maps that are read.
let alexNetExchanges: [(reader: String, own: MapShape, bytesPerImage: Int)] = [
  ("conv3", MapShape(height: 13, width: 13, maps: 128), 86_528),
  ("fc6", MapShape(height: 6, width: 6, maps: 128), 18_432),
  ("fc7", MapShape(height: 1, width: 1, maps: 2048), 8192),
  ("fc8", MapShape(height: 1, width: 1, maps: 2048), 8192),
]

@Suite struct ExchangeInOneProcessTests {
  static func bench(_ maps: [Int], images: Int = 2, capacity: Int = 3) throws -> ExchangeBench {
    ExchangeBench(
      try Placement(towers: maps.count, over: TestWorld.shared.alone),
      shapes: maps.map { MapShape(height: 2, width: 3, maps: $0) }, images: images,
      capacity: capacity)
  }

  @Test func mapsAreTheTowersOwnTensors() throws {
    let bench = try Self.bench([4, 3])
    let maps = [Tensor(3, 24), Tensor(3, 18)]
    try bench.exchange.forward(maps, bench.pass)
    #expect(bench.exchange.maps(of: 0) === maps[0] && bench.exchange.maps(of: 1) === maps[1])
  }

  @Test(arguments: [[4, 4], [4, 3], [1, 2, 3], [2, 2, 2, 2], [5]])
  func backwardIsTheAdjointOfForward(_ maps: [Int]) throws {
    let (forward, backward) = try Self.bench(maps).adjoint()
    #expect(forward == backward)
  }

  @Test func gradientsOfBothReadersAreAddedWorkedByHand() throws {
    let placement = try Placement(towers: 2, over: TestWorld.shared.alone)
    let pair = MapShape(height: 1, width: 1, maps: 2)
    let exchange = Exchange(
      name: "fc6", shapes: [pair, pair], placement: placement, batchSize: 1, tag: 1, isTrained: true
    )
    let pass = Pass(images: 1, isTraining: true)
    exchange.contribution(of: 0, to: 1).set([10, 20])
    exchange.contribution(of: 1, to: 0).set([300, 400])
    let own = [Tensor([2], values: [1, 2]), Tensor([2], values: [3, 4])]
    try exchange.backward(into: own, pass)
    #expect(own[0].values() == [301, 402] && own[1].values() == [13, 24])
  }

  @Test func inOneProcessNothingIsSent() throws {
    let bench = try Self.bench([4, 4])
    _ = try bench.adjoint()
    #expect(bench.exchange.forwardBytes == 0 && bench.exchange.backwardBytes == 0)
  }
}

/// Real messages: one pair of towers on two ranks, two pairs on four, and four towers on four
/// ranks.
@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct ExchangeAcrossRanksTests {
  static let pair = TestWorld.shared.pair

  static func bench(
    _ shapes: [MapShape], images: Int = 2, capacity: Int = 3
  ) throws -> ExchangeBench {
    let group = shapes.count == 2 ? pair : TestWorld.shared.all
    return ExchangeBench(
      try Placement(towers: shapes.count, over: group), shapes: shapes, images: images,
      capacity: capacity)
  }

  static func shapes(_ maps: [Int]) -> [MapShape] {
    maps.map { MapShape(height: 3, width: 2, maps: $0) }
  }

  @Test(arguments: [[4, 4], [5, 2], [1, 1000]]) func everyTowerSeesAllMaps(_ maps: [Int]) throws {
    let bench = try Self.bench(Self.shapes(maps))
    #expect(try bench.gathered() == [bench.maps(0), bench.maps(1)])
  }

  /// Small whole numbers travel in 16 bits as they are; with fewer images than parts some are
  /// empty.
  @Test(arguments: [2, 3, 7], WireFormat.allCases)
  func exchangesInPartsGiveAllMaps(parts: Int, format: WireFormat) throws {
    for (images, capacity) in [(5, 6), (2, 6), (6, 6)] {
      let bench = ExchangeBench(
        try Placement(towers: 2, over: Self.pair), shapes: Self.shapes([5, 2]), images: images,
        capacity: capacity, parts: parts, formats: WireFormats(activations: format))
      for _ in 0..<2 { #expect(try bench.gathered() == [bench.maps(0), bench.maps(1)]) }
    }
  }

  @Test(arguments: [[4, 4], [5, 2], [1, 1000]])
  func backwardIsTheAdjointOfForward(_ maps: [Int]) throws {
    let (forward, backward) = try Self.bench(Self.shapes(maps)).adjoint()
    #expect(try Self.pair.allReduce(forward, .sum) == Self.pair.allReduce(backward, .sum))
  }

  @Test(
    .enabled(if: TestWorld.size == 4, "run with mpirun -np 4"),
    arguments: [[2, 2, 2, 2], [3, 3, 3, 2]])
  func backwardIsTheAdjointWithFourTowers(_ maps: [Int]) throws {
    let bench = try Self.bench(Self.shapes(maps))
    #expect(try bench.gathered() == (0..<4).map { bench.maps($0) })
    let (forward, backward) = try bench.adjoint()
    let world = TestWorld.shared.all
    #expect(try world.allReduce(forward, .sum) == world.allReduce(backward, .sum))
    #expect(bench.exchange.forwardBytes == 2 * bench.pass.images * 3 * 6 * maps[world.rank] * 4)
  }

  @Test func gradientsEqualThoseOfOneProcess() throws {
    let shapes = Self.shapes([5, 2])
    let whole = ExchangeBench(
      try Placement(towers: 2, over: TestWorld.shared.alone), shapes: shapes, images: 2, capacity: 3
    )
    _ = try whole.gathered()
    let bench = try Self.bench(shapes)
    _ = try bench.gathered()
    #expect(try bench.reduced()[0] == whole.reduced()[Self.pair.rank])
  }

  @Test func bytesSentEqualTheTable() throws {
    let images = 2
    var (forward, backward) = (0, 0)
    for (number, connection) in alexNetExchanges.enumerated() {
      let bench = ExchangeBench(
        try Placement(towers: 2, over: Self.pair), shapes: [connection.own, connection.own],
        images: images, capacity: 4, tag: number)
      _ = try bench.adjoint()
      #expect(bench.exchange.forwardBytes == images * connection.bytesPerImage)
      #expect(bench.exchange.backwardBytes == images * connection.bytesPerImage)
      forward += bench.exchange.forwardBytes
      backward += bench.exchange.backwardBytes
    }
    #expect(forward == images * 121_344 && backward == images * 121_344)
  }

  @Test func concurrentExchangesAreDistinguishedByTags() throws {
    let (first, second) = (
      try Self.bench(Self.shapes([4, 4])),
      ExchangeBench(
        try Placement(towers: 2, over: Self.pair), shapes: Self.shapes([6, 6]), images: 2,
        capacity: 2, tag: 4)
    )
    let own = Self.pair.rank
    func maps(_ bench: ExchangeBench) -> [Tensor] {
      [Tensor([bench.capacity, bench.shapes[own].count], values: bench.maps(own))]
    }
    try first.exchange.forward(
      maps(first), first.pass,
      meanwhile: { () throws(MPIError) in try second.exchange.forward(maps(second), second.pass) })
    for bench in [first, second] {
      let other = bench.exchange.maps(of: 1 - own).values(2 * bench.shapes[1 - own].count)
      #expect(other == bench.maps(1 - own))
    }
  }

  /// Maps that are made part by part are sent when they are made, and not before.
  @Test(arguments: [1, 3]) func mapsAreSentAsTheyAreMade(parts: Int) throws {
    let bench = ExchangeBench(
      try Placement(towers: 2, over: Self.pair), shapes: Self.shapes([5, 2]), images: 5,
      capacity: 6, parts: parts)
    let (own, other) = (Self.pair.rank, 1 - Self.pair.rank)
    let length = bench.shapes[own].count
    let maps = Tensor([6, length], values: [], then: .nan)
    var made: [Range<Int>] = []
    try bench.exchange.forward(
      [maps], bench.pass,
      making: { images in
        made.append(images)
        for i in images.lowerBound * length..<images.upperBound * length {
          maps.pointer[i] = bench.maps(own)[i]
        }
      })
    #expect(made.count == parts && made.flatMap { Array($0) } == Array(0..<5))
    let received = bench.exchange.maps(of: other).values(5 * bench.shapes[other].count)
    #expect(received == bench.maps(other))
  }
}
