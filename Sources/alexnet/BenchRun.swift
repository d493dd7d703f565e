import AlexNet
import Glibc
import Layers
import MPI
import ModelParallel
import Tensors
import Threads
import Training

/// What a number of steps took, as means of one step.
struct BenchTimes {
  /// Seconds of a whole step: the median.
  var step = 0.0
  /// Seconds of each layer, forward and backward.
  var layers: [(name: String, forward: Double, backward: Double)] = []
  /// Seconds and bytes sent of each exchange.
  var exchanges: [(name: String, seconds: Double, bytes: Int)] = []
  /// Seconds of the softmax's all-reduces, of the update, and of waiting for images.
  var softmax = 0.0
  var update = 0.0
  var wait = 0.0
  /// Page faults of a step.
  var faults = 0.0
  /// The most memory that a rank has held so far, in bytes.
  var peakMemory = 0
}

/// Runs steps of a network and takes their times.
struct BenchRun {
  private let network: Network
  private let batches: Batches
  private let team: ThreadTeam
  private let world: Communicator
  private let rule = SGD(.paper)

  init(_ network: Network, batches: Batches, team: ThreadTeam, world: Communicator) {
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
      let pass = Pass(images: labels.count, isTraining: true, step: step)
      try network.forward(input, pass)
      _ = try network.softmax.score(network.logits, labels: labels, pass)
      network.softmax.gradient(
        network.logits, labels: labels, batchSize: labels.count, into: network.lossGradient, pass)
      try network.backward(input, pass)
      let start = MonotonicClock.seconds
      // So small a rate that the random weights stay what they are.
      rule.update(network.parameters, learningRate: 1e-9, team: team)
      if step > 0 { update += MonotonicClock.seconds - start }
    }
    times.update = update / Double(steps)
    return times
  }

  /// Forward passes as at test.
  func infer(passes: Int) throws -> BenchTimes {
    try measure(passes) { _ in
      let (input, labels) = try batches.next()
      let pass = Pass(images: labels.count, isTraining: false)
      try network.forward(input, pass)
      _ = try network.softmax.score(network.logits, labels: labels, pass)
    }
  }

  private func measure(_ count: Int, _ step: (Int) throws -> Void) throws -> BenchTimes {
    try step(0)
    let before = (
      layers: network.layerSeconds, exchanges: network.exchanges.map { ($0.seconds, $0.bytes) },
      softmax: network.softmax.seconds, wait: batches.secondsWaited, faults: Self.usage.ru_minflt
    )
    var durations: [Double] = []
    for number in 1...count {
      try world.barrier()
      let start = MonotonicClock.seconds
      try step(number)
      durations.append(try world.allReduce(MonotonicClock.seconds - start, .max))
    }
    let each = 1 / Double(count)
    var times = BenchTimes()
    times.step = durations.sorted()[durations.count / 2]
    times.layers = zip(network.layerSeconds, before.layers).map {
      ($0.name, ($0.forward - $1.forward) * each, ($0.backward - $1.backward) * each)
    }
    times.exchanges = zip(network.exchanges, before.exchanges).map {
      ($0.name, ($0.seconds - $1.0) * each, ($0.bytes - $1.1) / count)
    }
    times.softmax = (network.softmax.seconds - before.softmax) * each
    times.wait = (batches.secondsWaited - before.wait) * each
    times.faults = Double(Self.usage.ru_minflt - before.faults) * each
    times.peakMemory = Int(try world.allReduce(Int64(Self.usage.ru_maxrss), .max)) * 1024
    return times
  }

  private static var usage: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }
}

extension Exchange {
  /// Bytes that this rank has sent in both directions.
  fileprivate var bytes: Int { forwardBytes + backwardBytes }
}
