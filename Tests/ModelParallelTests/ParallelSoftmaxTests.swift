import Layers
import MPI
import ModelParallel
import Networks
import System
import Tensors
import TestSupport
import Testing
import Towers

/// A batch of logits over classes that are split between the towers of a placement.
struct SoftmaxBench {
  let softmax: ParallelSoftmax
  let placement: Placement
  let classes: [Range<Int>]
  let logits: [Tensor]
  let labels: [Int32]
  let pass: Pass

  /// Cuts images x classes into the towers' parts.
  init(
    _ rows: [[Float]], labels: [Int32], _ placement: Placement, _ objective: Objective = Objective()
  ) {
    self.placement = placement
    self.labels = labels
    let count = rows[0].count
    let classes = (0..<placement.towers).map {
      evenSplit(count, part: $0, of: placement.towers)
    }
    self.classes = classes
    pass = Pass(images: rows.count, isTraining: true)
    logits = placement.owned.map { tower in
      Tensor(
        [rows.count, classes[tower].count], values: rows.flatMap { Array($0[classes[tower]]) })
    }
    softmax = ParallelSoftmax(
      classes: classes, placement: placement, batchSize: rows.count + 2,
      objective: objective)
  }

  /// Random logits and labels.
  init(classes: Int, images: Int, scale: Float = 5, seed: UInt64, _ placement: Placement) {
    var random = SmallRandom(seed)
    let rows = (0..<images).map { _ in random.uniforms(classes, scale: scale) }
    let labels = (0..<images).map { _ in Int32(random.integer(in: 0...(classes - 1))) }
    self.init(rows, labels: labels, placement)
  }

  func score() throws -> ParallelSoftmax.Score {
    try softmax.score(logits, labels: labels, pass)
  }

  /// For each tower of this process, images x its classes.
  func gradients(batchSize: Int? = nil) -> [[Float]] {
    let gradients = placement.owned.map { Tensor(pass.images, classes[$0].count) }
    softmax.gradient(
      logits, labels: labels, batchSize: batchSize ?? pass.images, into: gradients, pass)
    return gradients.map { $0.values() }
  }
}

@Suite struct ParallelSoftmaxTests {
  static func bench(_ rows: [[Float]], labels: [Int32], towers: Int = 2) throws -> SoftmaxBench {
    SoftmaxBench(rows, labels: labels, try Placement(towers: towers, over: TestWorld.shared.alone))
  }

  @Test func threeClassesWorkedByHand() throws {
    // exp gives 1, 2 and 5: probabilities 1/8, 2/8 and 5/8.
    let row: [Float] = [0, 0.693_147_18, 1.609_437_9]
    let bench = try Self.bench([row, row], labels: [2, 0])
    let score = try bench.score()
    // ln(8/5) + ln 8.
    #expect(abs(score.lossSum - 2.549_445_170_925_6) < 1e-6)
    #expect(score.images == 2 && score.top1Errors == 1 && score.top5Errors == 0)
    // Tower 0 has classes 0 and 1, tower 1 has class 2; means over two images.
    let gradients = bench.gradients()
    #expect(relativeError(gradients[0], [0.0625, 0.125, -0.4375, 0.125]) < 1e-6)
    #expect(relativeError(gradients[1], [-0.1875, 0.3125]) < 1e-6)
  }

  /// The logits and labels of the two tests below.
  private static let rows: [[Float]] = [[0, 0.5, -1, 2, 0.25], [1, -0.5, 0, 0.75, -2]]

  private static func bench(_ objective: Objective, towers: Int) throws -> SoftmaxBench {
    SoftmaxBench(
      rows, labels: [3, 1], try Placement(towers: towers, over: TestWorld.shared.alone), objective)
  }

  /// `torch.nn.functional.cross_entropy(z, y, label_smoothing=0.1)` in double precision.
  @Test(arguments: [1, 2]) func smoothedTargetsArePyTorchs(towers: Int) throws {
    let bench = try Self.bench(Objective(smoothing: 0.1), towers: towers)
    #expect(try abs(bench.score().lossSum / 2 - 1.486_153_888_167_267) < 1e-12)
    let torch: [[Double]] = [
      [0.03277276, 0.06052036, 0.00573522, -0.14394966, 0.04492131],
      [0.19664594, -0.41389106, 0.06602079, 0.15093602, 0.00028830],
    ]
    for (classes, gradient) in zip(bench.classes, bench.gradients()) {
      #expect(relativeError(gradient, torch.flatMap { $0[classes] }) < 1e-6)
    }
    // A validation has the plain loss.
    var plain = bench.pass
    plain.isTraining = false
    let score = try bench.softmax.score(bench.logits, labels: bench.labels, plain)
    #expect(try score == Self.bench(Objective(), towers: towers).score())
  }

  /// `cross_entropy(z, y, weight=w, reduction='sum')`, divided by the images.
  @Test func weighedClassesArePyTorchs() throws {
    let weights = [1, 0.5, 2, 1.5, 1]
    let bench = try Self.bench(Objective(classWeights: weights), towers: 2)
    #expect(try abs(bench.score().lossSum / 2 - 0.939_930_240_002_304_4) < 1e-12)
    let torch: [[Double]] = [
      [0.06415914, 0.10578054, 0.02360283, -0.27592449, 0.08238197],
      [0.10332297, -0.22694553, 0.03801040, 0.08046801, 0.00514415],
    ]
    for (classes, gradient) in zip(bench.classes, bench.gradients()) {
      #expect(relativeError(gradient, torch.flatMap { $0[classes] }) < 1e-6)
    }
  }

  @Test(arguments: 0..<7 as Range<Int32>) func ofEqualLogitsTheLowerClassRanksAhead(
    _ label: Int32
  ) throws {
    // Seven equal logits: class c has c classes ahead of it.
    let score = try Self.bench([[Float](repeating: 1, count: 7)], labels: [label]).score()
    #expect(score.top1Errors == (label >= 1 ? 1 : 0))
    #expect(score.top5Errors == (label >= 5 ? 1 : 0))
  }

  @Test func tiesAcrossTheTowersWorkedByHand() throws {
    // Classes 0, 1, 2 in tower 0 and 3, 4, 5 in tower 1. Ahead of class 3: class 4 and its equals 0
    // and 2.
    let row: [Float] = [5, 1, 5, 5, 9, 5]
    let score = try Self.bench([row, row], labels: [3, 5]).score()
    #expect(score.top1Errors == 2 && score.top5Errors == 0)
    // Class 1 is behind all five others.
    #expect(try Self.bench([row], labels: [1]).score().top5Errors == 1)
  }

  @Test func errorsWorkedByHand() throws {
    // Ranks of the labels: 0 (first), 4 (fifth, four ahead), 5 (sixth, five ahead).
    let row: [Float] = [9, 8, 7, 6, 5, 4, 3]
    let score = try Self.bench([row, row, row], labels: [0, 4, 5]).score()
    #expect(score.top1Errors == 2 && score.top5Errors == 1)
  }

  @Test(arguments: [2, 3, 7, 10, 1001], [1, 2, 3, 4])
  func agreesWithTheReference(_ classes: Int, _ towers: Int) throws {
    guard classes >= towers else { return }
    let bench = SoftmaxBench(
      classes: classes, images: 6, seed: UInt64(classes),
      try Placement(towers: towers, over: TestWorld.shared.alone))
    let rows = FeatureMaps(
      images: 6,
      zip(bench.classes, bench.logits).map {
        (MapShape(height: 1, width: 1, maps: $0.count), $1.values())
      })
    let (loss, gradient) = Reference.crossEntropy(rows, labels: bench.labels.map(Int.init))
    let score = try bench.score()
    #expect(abs(score.lossSum / 6 - loss) < 1e-12 * max(1, loss))
    for (classes, part) in zip(bench.classes, bench.gradients()) {
      #expect(relativeError(part, gradient.interleaved(maps: classes)) < 1e-6)
    }
    let errors = (0..<6).count { image in
      let z = (0..<classes).map { rows[image, $0, 0, 0] }
      let label = Int(bench.labels[image])
      return z.indices.contains { z[$0] > z[label] || z[$0] == z[label] && $0 < label }
    }
    #expect(score.top1Errors == errors)
  }

  @Test func gradientsAreFiniteDifferencesOfTheMeanLoss() throws {
    let bench = SoftmaxBench(
      classes: 5, images: 3, scale: 1, seed: 4,
      try Placement(towers: 2, over: TestWorld.shared.alone))
    _ = try bench.score()
    let analytic = bench.gradients()
    for (logits, gradient) in zip(bench.logits, analytic) {
      let numeric = finiteDifferences(logits.elements, step: 0x1p-8) {
        ((try? bench.score().lossSum) ?? .nan) / 3
      }
      #expect(relativeError(gradient, numeric) < 1e-3)
    }
  }

  @Test func hugeLogitsDoNotOverflow() throws {
    let score = try Self.bench([[3e38, -3e38, 0]], labels: [0]).score()
    #expect(score.lossSum == 0)
    let wrong = try Self.bench([[1e30, 0, 0]], labels: [1]).score()
    #expect(abs(wrong.lossSum / 1e30 - 1) < 1e-6)
  }

  @Test(arguments: 0..<3) func aNaNLogitMakesTheLossNaN(_ place: Int) throws {
    var row: [Float] = [1, 2, 3]
    row[place] = .nan
    for label in 0..<3 as Range<Int32> {
      #expect(try Self.bench([row], labels: [label]).score().lossSum.isNaN)
    }
  }

  @Test func theGradientIsDividedByTheWholeBatch() throws {
    let bench = try Self.bench([[0, 0]], labels: [0])
    _ = try bench.score()
    #expect(bench.gradients(batchSize: 4) == [[-0.125], [0.125]])
  }

  @Test func scoresAreSummed() {
    var sum = ParallelSoftmax.Score()
    var one = ParallelSoftmax.Score()
    (one.images, one.lossSum, one.top1Errors, one.top5Errors) = (3, 1.5, 2, 1)
    sum += one
    sum += one
    #expect(
      sum.images == 6 && sum.lossSum == 3 && sum.top1Errors == 4 && sum.top5Errors == 2)
  }
}

@Suite(.serialized, .enabled(if: TestWorld.hasPairs, "run with mpirun -np 2 or 4"))
struct ParallelSoftmaxAcrossRanksTests {
  @Test(arguments: [2, 3, 10, 1001])
  func twoRanksScoreBitIdenticallyToOneProcess(_ classes: Int) throws {
    let pair = TestWorld.shared.pair
    // The two pairs of four ranks score different batches.
    let seed = UInt64(classes + TestWorld.shared.all.rank / 2)
    let one = SoftmaxBench(
      classes: classes, images: 9, seed: seed,
      try Placement(towers: 2, over: TestWorld.shared.alone))
    let two = SoftmaxBench(
      classes: classes, images: 9, seed: seed, try Placement(towers: 2, over: pair))
    #expect(try two.score() == one.score())
    #expect(two.gradients()[0] == one.gradients()[pair.rank])
    #expect(two.softmax.seconds > 0 && one.softmax.seconds == 0)
  }

  @Test(.enabled(if: TestWorld.size == 4, "run with mpirun -np 4"))
  func fourRanksScoreLikeOneProcess() throws {
    let world = TestWorld.shared.all
    let one = SoftmaxBench(
      classes: 11, images: 9, seed: 3, try Placement(towers: 4, over: TestWorld.shared.alone))
    let four = SoftmaxBench(classes: 11, images: 9, seed: 3, try Placement(towers: 4, over: world))
    let (whole, parts) = (try one.score(), try four.score())
    // Four terms may be added in another order.
    #expect(abs(parts.lossSum - whole.lossSum) <= 1e-12 * whole.lossSum)
    #expect(parts.top1Errors == whole.top1Errors && parts.top5Errors == whole.top5Errors)
    #expect(relativeError(four.gradients()[0], one.gradients()[world.rank]) < 1e-6)
  }
}
