package import AlexNet
package import Checkpoints
package import Data
import Glibc
package import Layers
package import MPI
package import System
import Tensors
import Training

/// Evaluates networks on every image of a split, with the images distributed over ranks.
///
/// Each rank builds the whole network and evaluates every n-th batch, so ranks do not wait for each
/// other. The batches are those of validation during training, counts are integers and losses are
/// added batch by batch in order. So the figures are the same on any number of ranks, and equal
/// those of the validation.
package struct Evaluator {
  private let dataset: Dataset
  private let split: Split
  private let crops: Crops
  private let classMap: ClassMap
  /// The numbers of the images to evaluate.
  private let shown: [Int]
  private let world: Communicator
  private let team: ThreadTeam
  private let precision: Precision

  /// - Parameters:
  ///   - dataset: The images.
  ///   - split: The part to evaluate.
  ///   - crops: The crops of each image to evaluate.
  ///   - images: The numbers of the images to evaluate, in ascending order; nil for all of the
  ///     split.
  ///   - classMap: Pairs of class names of the networks and the dataset.
  ///   - world: The ranks.
  ///   - threads: The number of threads of this rank.
  ///   - precision: How weights are kept.
  package init(
    _ dataset: Dataset, split: Split = .validation, crops: Crops, images: [Int]? = nil,
    classMap: ClassMap = .byName, over world: Communicator, threads: Int,
    precision: Precision = .fp32
  ) {
    self.dataset = dataset
    self.split = split
    self.crops = crops
    self.classMap = classMap
    shown = images ?? Array(0..<dataset.count(split))
    self.world = world
    team = ThreadTeam(count: threads)
    self.precision = precision
  }

  /// Matches the dataset's classes to a network's.
  /// - Parameter network: The network.
  /// - Returns: The network's class for each class of the dataset.
  /// - Throws: `Failure` (usage) that names the classes without a match.
  package func matching(_ network: TrainedNetwork) throws(Failure) -> ClassMatching {
    try ClassMatching(
      dataset, split, to: network.file.preprocessing.classNames, of: network.path, map: classMap)
  }

  /// Evaluates one network, or several whose outputs are averaged; all ranks call this together.
  /// - Parameters:
  ///   - networks: The networks.
  ///   - weighting: The weights of the networks.
  ///   - threadsPerTower: The threads per tower; nil for the number used in training.
  ///   - progress: Called after each batch with the number of images done and their total, over all
  ///     networks.
  ///   - visit: Called after each batch with the network, which still holds its activations, and
  ///     the images. It gets no images when other ranks have one batch more, so that all ranks call
  ///     it equally often.
  /// - Returns: The result, the same on every rank: on all images, or on the odd-numbered ones if
  ///   weights were fitted on the others.
  /// - Throws: `Failure` if an image or a checkpoint cannot be read, `MPIError` if a message fails.
  package func evaluate(
    _ networks: [TrainedNetwork], weighting: EnsembleWeighting = .equal,
    threadsPerTower: Int? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
    visit: (_ classifier: Classifier, _ images: [Int]) throws -> Void = { _, _ in }
  ) throws -> EnsembleEvaluation {
    for network in networks { try network.check(averagesWith: networks[0]) }
    for network in networks { try network.check(fits: dataset) }
    let classes = networks[0].file.preprocessing.classNames
    let matching = try self.matching(networks[0])
    guard !shown.isEmpty else {
      let others = Split.allCases.filter { dataset.count($0) > 0 }.map(\.rawValue)
      let remedy =
        others.isEmpty ? "it is empty" : "--split takes \(others.joined(separator: " or "))"
      throw Failure(
        .badData,
        "The dataset \(quoted(dataset.path)) has no \(split.rawValue) images; \(remedy).")
    }
    let images = shown.count
    var members: [Outcomes] = []
    for (number, network) in networks.enumerated() {
      // All networks see the same batches, so each image stays with the same rank.
      members.append(
        try outcomes(
          of: network, matching, imagesPerBatch: max(1, networks[0].batchSize / crops.rawValue),
          threadsPerTower, keepsAll: networks.count > 1, visit
        ) { progress($0 + number * images, images * networks.count) })
    }
    guard networks.count > 1 else {
      let evaluation = try gather(members[0], classes, matching)
      return EnsembleEvaluation(whole: evaluation, members: [evaluation], weights: [1])
    }
    let ensemble = Ensemble(members, classes: classes.count)
    let weights = try ensemble.weights(weighting, images: dataset.count(split), over: world)
    let isReported = { (image: Int) in weighting == .fitted ? !image.isMultiple(of: 2) : true }
    let equal = members.map { _ in 1 / Double(members.count) }
    return EnsembleEvaluation(
      whole: try gather(ensemble.outcomes(weights).keeping(isReported), classes, matching),
      members: try members.map { try gather($0.keeping(isReported), classes, matching) },
      weights: weights,
      equal: weighting == .fitted
        ? try gather(ensemble.outcomes(equal).keeping(isReported), classes, matching) : nil)
  }

  // MARK: One rank's images

  private func outcomes(
    of network: TrainedNetwork, _ matching: ClassMatching, imagesPerBatch: Int,
    _ threadsPerTower: Int?, keepsAll: Bool,
    _ visit: (Classifier, [Int]) throws -> Void, _ progress: (Int) -> Void
  ) throws -> Outcomes {
    let images = shown.count
    let classifier = try Classifier(
      network.file, batchSize: imagesPerBatch * crops.rawValue,
      threadsPerTower: threadsPerTower ?? network.settings?.threadsPerTower,
      algorithm: network.settings?.algorithm ?? .automatic, precision: precision)
    let batches = (images + imagesPerBatch - 1) / imagesPerBatch
    var outcomes = Outcomes(batches: batches)
    for first in stride(from: 0, to: batches, by: world.size) {
      let batch = first + world.rank
      guard batch < batches else {
        try visit(classifier, [])
        continue
      }
      let numbers = Array(
        shown[batch * imagesPerBatch..<min(images, (batch + 1) * imagesPerBatch)])
      try classifier.forward(
        try dataset.pictures(split, numbers, team: team), crops: crops)
      let labels = numbers.map { matching.label(dataset.label(split, $0)) }
      for (place, label) in labels.enumerated() {
        let first = place * crops.rawValue
        let prediction = classifier.prediction(ofCrops: first..<(first + crops.rawValue))
        // With one crop, the logits can distinguish values whose exponentials round to the same
        // number.
        let ahead =
          crops == .centre
          ? Prediction(probabilities: classifier.logits(ofCrop: first)).classesAhead(of: label)
          : prediction.classesAhead(of: label)
        outcomes.add(
          Outcome(
            image: numbers[place], label: label, ahead: ahead, prediction: prediction),
          batch: batch, keepsAll: keepsAll)
      }
      if crops == .centre {
        outcomes.losses[batch] = try classifier.lossSum(labels: labels.map { Int32($0) })
      }
      guard outcomes.losses[batch].isFinite else {
        throw Failure(
          .diverged,
          "The loss of \(quoted(network.path)) on images \(numbers[0]) to "
            + "\(numbers[numbers.count - 1]) is \(plain(outcomes.losses[batch])); its weights are "
            + "not usable."
        )
      }
      try visit(classifier, numbers)
      progress(min(images, (batch + world.size) * imagesPerBatch))
    }
    return outcomes
  }

  // MARK: All ranks' images

  private func gather(
    _ outcomes: Outcomes, _ classes: [String], _ matching: ClassMatching
  ) throws -> Evaluation {
    let (images, shown) = (dataset.count(split), min(5, classes.count))
    // Each image belongs to one rank: the others add zeros, so the sums are the numbers themselves.
    var whole = [Int64](repeating: 0, count: images * (shown + 2))
    var real = [Double](repeating: 0, count: images * shown)
    for outcome in outcomes.list {
      let row = outcome.image * (shown + 2)
      (whole[row], whole[row + 1]) = (1, Int64(outcome.ahead))
      for (place, label) in outcome.best.enumerated() {
        whole[row + 2 + place] = Int64(label)
        real[outcome.image * shown + place] = outcome.probabilities[place]
      }
    }
    var losses = outcomes.losses
    try world.allReduce(&whole, .sum)
    try world.allReduce(&real, .sum)
    try world.allReduce(&losses, .sum)
    let seen = (0..<images).filter { whole[$0 * (shown + 2)] > 0 }
    return Evaluation(
      classNames: classes, images: seen,
      labels: seen.map { matching.label(dataset.label(split, $0)) },
      best: seen.map { image in
        (0..<shown).map { Int(whole[image * (shown + 2) + 2 + $0]) }
      },
      probabilities: seen.map { Array(real[$0 * shown..<($0 + 1) * shown]) },
      ahead: seen.map { Int(whole[$0 * (shown + 2) + 1]) },
      loss: losses.reduce(0, +) / Double(max(1, seen.count)))
  }
}
