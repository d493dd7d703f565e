import Glibc
import Layers
import MPI
import ModelParallel
import System
import Tensors
import Towers
import Training

/// The times of a number of steps, as means of one step.
struct BenchTimes {
  /// The median duration of a whole step in seconds.
  var step = 0.0
  /// The seconds of each layer, forward and backward.
  var layers: [(name: String, forward: Double, backward: Double)] = []
  /// The messages at each boundary between ranks.
  var boundaries: [BoundaryTime] = []
  /// The seconds of the update, and of waiting for images.
  var update = 0.0
  var wait = 0.0
  /// The core seconds of reading, decoding and augmenting images, and of the whole process.
  var data = 0.0
  var processor = 0.0
  /// Page faults per step after the first ten, or after the first half if there are fewer than
  /// twenty.
  var faults = 0.0
  /// The peak memory of a rank so far, in bytes.
  var peakMemory = 0
}

/// Runs steps of a network and measures them.
struct BenchRun {
  private let network: Network
  private let batches: Batches
  private let team: ThreadTeam
  private let world: Communicator
  private let batchSize: Int
  private let rule = SGD(.paper)

  init(
    _ network: Network, batches: Batches, batchSize: Int, team: ThreadTeam, world: Communicator
  ) {
    self.batchSize = batchSize
    self.network = network
    self.batches = batches
    self.team = team
    self.world = world
  }

  /// Whole training steps.
  func train(steps: Int) throws -> BenchTimes {
    var update = 0.0
    var times = try measure(steps) { step in
      let (input, labels) = try batches.next()
      let pass = Pass(images: labels.count, isTraining: true, step: step, batch: batchSize)
      try network.forward(input, pass)
      _ = try network.score(labels, pass)
      network.differentiateLoss(pass)
      try network.backward(input, pass)
      let start = MonotonicClock.seconds
      // So small a rate that the random weights do not change.
      rule.update(network.parameters, learningRate: 1e-9, team: team)
      if step > 0 { update += MonotonicClock.seconds - start }
    }
    times.update = update / Double(steps)
    try measureAlone(&times, times: steps)
    return times
  }

  /// Measures the messages of a step without any computation at the same time.
  private func measureAlone(_ result: inout BenchTimes, times: Int) throws {
    guard network.placement.all.size > 1 else { return }
    let images = network.placement.images(of: batchSize).count
    let pass = Pass(images: images, isTraining: true, batch: batchSize)
    var sums = [Double](repeating: 0, count: result.boundaries.count)
    for _ in 0..<times {
      try world.barrier()
      for (number, traffic) in try network.communicateOnly(pass).enumerated() {
        sums[number] += traffic.seconds
      }
    }
    // No computation overlaps with the softmax's reductions.
    for number in sums.indices
    where result.boundaries[number].name != BoundaryName.softmax {
      result.boundaries[number].alone = sums[number] / Double(times)
    }
  }

  /// Forward passes as in evaluation.
  func infer(passes: Int) throws -> BenchTimes {
    try measure(passes) { _ in
      let (input, labels) = try batches.next()
      let pass = Pass(images: labels.count, isTraining: false, batch: batchSize)
      try network.forward(input, pass)
      _ = try network.score(labels, pass)
    }
  }

  private func measure(_ count: Int, _ step: (Int) throws -> Void) throws -> BenchTimes {
    try step(0)
    let before = (
      layers: network.layerSeconds, traffic: network.traffic, wait: batches.secondsWaited,
      data: batches.secondsWorked, usage: Self.usage
    )
    // Page faults are counted after all memory was touched once.
    var settled = (after: 0, usage: before.usage)
    var durations: [Double] = []
    for number in 1...count {
      try world.barrier()
      let start = MonotonicClock.seconds
      try step(number)
      durations.append(try world.allReduce(MonotonicClock.seconds - start, .max))
      if number == min(10, count / 2) { settled = (number, Self.usage) }
    }
    let each = 1 / Double(count)
    var times = BenchTimes()
    times.step = durations.sorted()[durations.count / 2]
    times.layers = zip(network.layerSeconds, before.layers).map {
      ($0.name, ($0.forward - $1.forward) * each, ($0.backward - $1.backward) * each)
    }
    times.boundaries = zip(network.traffic, before.traffic).map {
      BoundaryTime(
        name: $0.name, bytes: ($0.bytes - $1.bytes) / count,
        exposed: ($0.seconds - $1.seconds) * each)
    }
    times.wait = (batches.secondsWaited - before.wait) * each
    times.data = (batches.secondsWorked - before.data) * each
    let usage = Self.usage
    times.processor = (usage.seconds - before.usage.seconds) * each
    times.faults =
      Double(usage.ru_minflt - settled.usage.ru_minflt) / Double(count - settled.after)
    times.peakMemory = Int(try world.allReduce(Int64(Memory.peak), .max))
    return times
  }

  private static var usage: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }
}

extension rusage {
  /// Core seconds of the program, and of the system on its behalf.
  fileprivate var seconds: Double {
    Double(ru_utime.tv_sec + ru_stime.tv_sec) + 1e-6 * Double(ru_utime.tv_usec + ru_stime.tv_usec)
  }
}

/// The messages at a boundary between ranks in a step.
struct BoundaryTime {
  /// The layer that reads them, `softmax`, or `gradients`.
  let name: String
  /// The number of bytes that this rank sends.
  let bytes: Int
  /// The seconds that it waits for them.
  let exposed: Double
  /// The seconds that the same messages take without computation; nil if not measured.
  var alone: Double?

  /// The fraction of the messages' time that is hidden behind computation.
  var hidden: Double? { alone.map { max(0, 1 - exposed / max($0, 1e-9)) } }
}
