import AlexNet
package import Data
package import Evaluation
import Images
import MPI
import System
import Training

/// The predictions of a run's checkpoint (the newest unless another was chosen) for validation
/// images: samples, mistakes, neighbours, confusions.
package struct NetworkFigures: Sendable {
  /// A validation image with its prediction.
  package struct Sample: Sendable {
    let image: Int
    let name: String
    let label: Int
    let best: [Int]
    let probabilities: [Double]
    let jpeg: [UInt8]
  }

  /// A wrong prediction with its explanation.
  package struct Mistake: Sendable {
    let sample: Sample
    /// The crop and the maps over it, by their names.
    let pictures: [(name: String, jpeg: [UInt8])]
  }

  /// The checkpoint's number of steps.
  package let steps: Int?
  /// The results on the images evaluated.
  package let evaluation: Evaluation
  /// The number of images in the validation set.
  package let imageCount: Int
  /// Images to show.
  package let samples: [Sample]
  /// The wrong predictions with the highest probabilities, the highest first; empty where the
  /// network makes none, or has no convolution that could show where it looked.
  package let mistakes: [Mistake]
  /// Small pictures: a query and the images with the nearest features, the nearest first.
  package let neighbours: [[Sample]]

  /// The side of the small pictures.
  static let smallSide = 112
  /// The most mistakes to explain: each takes some hundred pictures through the network, and three
  /// small ones on the page.
  private static let mostMistakes = 8

  /// Evaluates a network on validation images.
  /// - Parameters:
  ///   - network: The network.
  ///   - dataset: The images.
  ///   - limit: The largest number of images, evenly spread.
  ///   - threads: The number of threads.
  ///   - progress: Called with the number of images done and their total.
  /// - Throws: `Failure` if they do not fit together or cannot be read.
  package init(
    _ network: TrainedNetwork, _ dataset: Dataset, limit: Int, threads: Int,
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    let all = dataset.count(.validation)
    imageCount = all
    steps = network.steps
    let count = min(limit, all)
    let images = (0..<count).map { $0 * all / count }
    var features: [Float] = []
    let evaluator = Evaluator(
      dataset, crops: .centre, images: images, over: .alone, threads: threads)
    let evaluation = try evaluator.evaluate([network], progress: progress) { classifier, shown in
      for crop in shown.indices { features += classifier.features(ofCrop: crop) }
    }.whole
    self.evaluation = evaluation
    // In a small set the same image may be chosen twice.
    let places = Set((0..<8).map { $0 * count / 8 }).sorted()
    samples = try places.map { try Self.sample(evaluation, $0, dataset, side: dataset.side) }
    mistakes = try Self.mistakes(evaluation, network, dataset, threads: threads)
    let length = features.count / max(1, count)
    let search = NearestNeighbours(features, length: length)
    neighbours = try (0..<min(5, count)).map { number in
      let query = number * count / 5 + count / 10
      let place = min(query, count - 1)
      let near = search.nearest(
        to: Array(features[place * length..<(place + 1) * length]), count: 7)
      return try ([place] + near.map(\.row).filter { $0 != place }.prefix(6)).map {
        try Self.sample(evaluation, $0, dataset, side: Self.smallSide)
      }
    }
  }

  private static func mistakes(
    _ evaluation: Evaluation, _ network: TrainedNetwork, _ dataset: Dataset, threads: Int
  ) throws(Failure) -> [Mistake] {
    let places = evaluation.mostConfidentErrors(mostMistakes)
    guard !places.isEmpty else { return [] }
    let explainer: Explainer
    do throws(Failure) {
      explainer = try Explainer(network, stride: { $0 / 2 }, threads: threads)
    } catch {
      // A network without convolutions cannot be explained so.
      if error.exitCode == .usage { return [] }
      throw error
    }
    let pictures = try dataset.pictures(
      .validation, places.map { evaluation.images[$0] }, team: ThreadTeam(count: threads))
    var mistakes: [Mistake] = []
    for (place, picture) in zip(places, pictures) {
      let explanation = try explainer.explain(picture, label: evaluation.best[place][0])
      var shown: [(name: String, jpeg: [UInt8])] = []
      for (name, drawn) in try ExplanationPicture.thumbnails(explanation, side: smallSide) {
        shown.append((name, try drawn.jpeg()))
      }
      mistakes.append(
        Mistake(
          sample: try sample(evaluation, place, dataset, side: smallSide), pictures: shown))
    }
    return mistakes
  }

  private static func sample(
    _ evaluation: Evaluation, _ place: Int, _ dataset: Dataset, side: Int
  ) throws(Failure) -> Sample {
    let image = evaluation.images[place]
    var pixels = [UInt8](repeating: 0, count: dataset.side * dataset.side * 3)
    try pixels.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try dataset.decode(.validation, image, into: buffer)
    }
    let shown = min(max(side, 64), max(dataset.side, 96))
    return Sample(
      image: image, name: dataset.name(.validation, image), label: evaluation.labels[place],
      best: evaluation.best[place], probabilities: evaluation.probabilities[place],
      jpeg: try SquarePicture(square: pixels, side: dataset.side).scaled(to: shown).jpeg())
  }
}
