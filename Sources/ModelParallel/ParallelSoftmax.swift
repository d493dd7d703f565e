import Glibc
package import Layers
package import MPI
import System
package import Tensors

/// Softmax and cross-entropy over classes that are split between the towers.
///
/// With z the logits of all towers, p_c = exp(z_c - m) / sum of exp(z_j - m), m the largest z; the
/// loss is -ln p of the true class in nats, and its gradient by z_c is p_c - [c is the true class],
/// divided by the size of the whole batch. Between towers go, for each image, the largest logit
/// with the true class's logit, then the sum with the number of classes ahead of the true one: two
/// small all-reduces. (Shoeybi et al., Megatron-LM, 2019, do the same for words.)
///
/// In training the target may be smoothed (Szegedy et al. 2016): q_c = (1 - e) [c is the true class]
/// + e / classes takes the place of [c is the true class], and the loss is -sum of q_c ln p_c. The
/// logits' sum, which it needs, travels with that of the exponentials.
package final class ParallelSoftmax {
  /// What is known about a batch once its logits are.
  package struct Score: Sendable, Equatable {
    /// Images scored.
    package var images = 0
    /// The sum of their losses, in nats.
    package var lossSum = 0.0
    /// How many have another class ahead of the true one.
    package var top1Errors = 0
    /// How many have five or more classes ahead of the true one.
    package var top5Errors = 0

    /// No images.
    package init() {}

    /// Adds the images of another score.
    package static func += (sum: inout Score, other: Score) {
      sum.images += other.images
      sum.lossSum += other.lossSum
      sum.top1Errors += other.top1Errors
      sum.top5Errors += other.top5Errors
    }

    /// The score of the images of all replicas, the same on every rank.
    package func summed(over peers: Communicator) throws(MPIError) -> Score {
      guard peers.size > 1 else { return self }
      var numbers = [Double(images), lossSum, Double(top1Errors), Double(top5Errors)]
      try Activity.waiting(for: "score of all replicas") { () throws(MPIError) in
        try peers.allReduce(&numbers, .sum)
      }
      var score = Score()
      score.images = Int(numbers[0])
      score.lossSum = numbers[1]
      score.top1Errors = Int(numbers[2])
      score.top5Errors = Int(numbers[3])
      return score
    }
  }

  /// Seconds that this rank spent in the all-reduces.
  package private(set) var seconds = 0.0
  /// Bytes that this rank has given to the all-reduces.
  package private(set) var bytes = 0

  private let classes: [Range<Int>]
  private let placement: Placement
  private let objective: Objective
  /// For each image the largest logit and that of the true class; then the sum and the classes
  /// ahead, and of smoothed targets the logits' sum.
  private var extremes: [Double]
  private var sums: [Double]

  /// Makes the last layer.
  /// - Parameters:
  ///   - classes: The classes of each tower.
  ///   - placement: Where the towers are.
  ///   - batchSize: The largest number of images in a pass.
  ///   - objective: What is made small in training.
  package init(
    classes: [Range<Int>], placement: Placement, batchSize: Int, objective: Objective = Objective()
  ) {
    self.classes = classes
    self.placement = placement
    self.objective = objective
    extremes = [Double](repeating: 0, count: 2 * batchSize)
    sums = [Double](repeating: 0, count: 3 * batchSize)
  }

  /// Scores the logits of a batch against its labels.
  /// - Parameters:
  ///   - logits: For each own tower, images x its classes.
  ///   - labels: The true class of each image.
  ///   - pass: The pass that is under way.
  /// - Returns: The same score on every rank of the group.
  /// - Throws: `MPIError` where a message fails.
  package func score(_ logits: [Tensor], labels: [Int32], _ pass: Pass) throws(MPIError) -> Score {
    let images = pass.images
    for image in 0..<images {
      var (largest, target) = (-Double.infinity, -Double.infinity)
      forEachOwn(logits, image) { z, classes in
        // A logit that is not a number shows itself in the sum below, and so in the loss.
        for c in 0..<classes.count where Double(z[c]) > largest { largest = Double(z[c]) }
        let label = Int(labels[image])
        if classes.contains(label) { target = Double(z[label - classes.lowerBound]) }
      }
      (extremes[2 * image], extremes[2 * image + 1]) = (largest, target)
    }
    try allReduce(&extremes, count: 2 * images, .max)
    let smoothing = pass.isTraining ? objective.smoothing : 0
    stride = smoothing > 0 ? 3 : 2
    for image in 0..<images {
      let (largest, target) = (extremes[2 * image], extremes[2 * image + 1])
      let label = Int(labels[image])
      var (sum, ahead, logitSum) = (0.0, 0, 0.0)
      forEachOwn(logits, image) { z, classes in
        var (ownSum, ownLogits) = (0.0, 0.0)
        for c in 0..<classes.count {
          let value = Double(z[c])
          ownSum += exp(value - largest)
          ownLogits += value
          let isTie = value == target && classes.lowerBound + c < label
          if !(value <= target) || isTie { ahead += 1 }
        }
        sum += ownSum
        logitSum += ownLogits
      }
      (sums[stride * image], sums[stride * image + 1]) = (sum, Double(ahead))
      if smoothing > 0 { sums[stride * image + 2] = logitSum }
    }
    try allReduce(&sums, count: stride * images, .sum)
    var score = Score()
    score.images = images
    for image in 0..<images {
      let target = extremes[2 * image + 1]
      var loss = log(sums[stride * image]) + extremes[2 * image] - target
      if smoothing > 0 {
        loss += smoothing * (target - sums[stride * image + 2] / Double(classCount))
      }
      score.lossSum += pass.isTraining ? objective.weight(of: labels[image]) * loss : loss
      let ahead = sums[stride * image + 1]
      if ahead >= 1 { score.top1Errors += 1 }
      if ahead >= 5 { score.top5Errors += 1 }
    }
    return score
  }

  /// The numbers of an image in `sums`.
  private var stride = 2
  private var classCount: Int { classes.last?.upperBound ?? 0 }

  /// The gradient of the batch's mean loss by the logits that were scored last.
  /// - Parameters:
  ///   - logits: What `score` was given.
  ///   - labels: What `score` was given.
  ///   - batchSize: The images of the whole batch, over which the mean is taken.
  ///   - gradients: For each own tower, images x its classes.
  ///   - pass: The pass that is under way.
  package func gradient(
    _ logits: [Tensor], labels: [Int32], batchSize: Int, into gradients: [Tensor], _ pass: Pass
  ) {
    let share = objective.smoothing / Double(classCount)
    for image in 0..<pass.images {
      let (largest, sum) = (extremes[2 * image], sums[stride * image])
      let weight = objective.weight(of: labels[image])
      for ((z, dz), tower) in zip(zip(logits, gradients), placement.owned) {
        let ownClasses = classes[tower]
        for c in 0..<ownClasses.count {
          let probability = exp(Double(z.pointer[image * ownClasses.count + c]) - largest) / sum
          let target =
            (ownClasses.lowerBound + c == Int(labels[image]) ? 1 - objective.smoothing : 0) + share
          dz.pointer[image * ownClasses.count + c] = Float(
            weight * (probability - target) / Double(batchSize))
        }
      }
    }
  }

  private func forEachOwn(
    _ logits: [Tensor], _ image: Int, _ body: (UnsafePointer<Float>, Range<Int>) -> Void
  ) {
    for (z, tower) in zip(logits, placement.owned) {
      body(z.pointer + image * classes[tower].count, classes[tower])
    }
  }

  private func allReduce(
    _ numbers: inout [Double], count: Int, _ reduction: Reduction
  ) throws(MPIError) {
    guard placement.isDistributed else { return }
    let start = MonotonicClock.seconds
    defer { seconds += MonotonicClock.seconds - start }
    let group = placement.group
    bytes += count * MemoryLayout<Double>.stride
    try Activity.waiting(for: "softmax") { () throws(MPIError) in
      try numbers.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
        try group.allReduce(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), reduction)
      }
    }
  }
}
