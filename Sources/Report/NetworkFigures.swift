import AlexNet
package import Data
package import Evaluation
import Images
import MPI
import System
import Training

/// The predictions of a run's newest checkpoint for validation images: samples, neighbours,
/// confusions.
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

  /// The checkpoint's number of steps.
  package let steps: Int?
  /// The results on the images evaluated.
  package let evaluation: Evaluation
  /// The number of images in the validation set.
  package let imageCount: Int
  /// Images to show.
  package let samples: [Sample]
  /// Small pictures: a query and the images with the nearest features, the nearest first.
  package let neighbours: [[Sample]]

  /// The side of the small pictures.
  static let smallSide = 112

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
    // Half in order, half those where the network was most confident and wrong.
    let errors = evaluation.mostConfidentErrors(4)
    let even = (0..<8).map { $0 * count / 8 }.filter { !errors.contains($0) }
    // In a small set the same image may be chosen twice.
    var places: [Int] = []
    for place in even.prefix(8 - errors.count) + errors where !places.contains(place) {
      places.append(place)
    }
    samples = try places.map { try Self.sample(evaluation, $0, dataset, side: dataset.side) }
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

  private static func sample(
    _ evaluation: Evaluation, _ place: Int, _ dataset: Dataset, side: Int
  ) throws(Failure) -> Sample {
    let image = evaluation.images[place]
    var pixels = [UInt8](repeating: 0, count: dataset.side * dataset.side * 3)
    try pixels.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try dataset.decode(.validation, image, into: buffer)
    }
    do throws(ImageProblem) {
      let shown = min(max(side, 64), max(dataset.side, 96))
      let picture = try SquarePicture(
        pixels: pixels, width: dataset.side, height: dataset.side, side: shown)
      let encoder = try? RecordEncoder(.jpeg, quality: 85, side: shown)
      let bytes = try picture.pixels.withUnsafeBufferPointer { pixels throws(ImageProblem) in
        try encoder.map { encoder throws(ImageProblem) in
          [UInt8](try encoder.encode(pixels))
        }
      }
      return Sample(
        image: image, name: dataset.name(.validation, image), label: evaluation.labels[place],
        best: evaluation.best[place], probabilities: evaluation.probabilities[place],
        jpeg: bytes ?? [])
    } catch {
      throw Failure(.badData, "Image \(image) of \(quoted(dataset.path)) \(error.reason).")
    }
  }
}
