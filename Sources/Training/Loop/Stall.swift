import Foundation
import System

/// What a network reaches that has learnt nothing but how frequent the classes are.
package struct Chance: Equatable, Sendable {
  /// The number of classes.
  package let classes: Int
  /// The loss in nats of the best answer that is the same for every training image.
  package let loss: Double
  /// The loss of the right answer to every image: what smoothed targets leave.
  private let floor: Double
  /// The validation error (top-1, percent) from which a network does no better than chance: that of
  /// naming the most frequent class, less two standard deviations for so many images.
  package let error: Double

  /// - Parameters:
  ///   - training: The training images of each class.
  ///   - validation: The validation images of each class.
  ///   - smoothing: The share of a target that is spread over all classes.
  package init(training: [Int], validation: [Int], smoothing: Double = 0) {
    func entropy(_ shares: [Double]) -> Double {
      shares.filter { $0 > 0 }.reduce(0) { $0 - $1 * log($1) }
    }
    func smoothed(_ share: Double) -> Double {
      (1 - smoothing) * share + smoothing / Double(max(1, training.count))
    }
    classes = training.count
    let all = Double(max(1, training.reduce(0, +)))
    loss = entropy(training.map { smoothed(Double($0) / all) })
    floor = entropy(training.indices.map { smoothed($0 == 0 ? 1 : 0) })
    let images = Double(max(1, validation.reduce(0, +)))
    let hit = Double(validation.max() ?? 0) / images
    error = 100 * (1 - hit - 2 * (hit * (1 - hit) / images).squareRoot())
  }

  /// Whether a training loss says that nothing is learnt yet.
  ///
  /// With one class there is nothing to learn.
  package func holds(loss other: Double) -> Bool {
    loss > floor && other - floor > 0.97 * (loss - floor)
  }

  /// Whether a validation error says so.
  package func holds(error other: Double) -> Bool { loss > 0 && other >= error }

  /// Whether a loss, though finite, is that of numbers that have exploded.
  package func isExploded(loss other: Double) -> Bool { other > 1000 * max(1, loss) }

  /// How many images of a class are seen before a network at chance is suspected not to learn.
  static let patientImages = 1000
  /// The fewest steps before that.
  static let patientSteps = 100

  /// The steps at chance after which a network is suspected not to learn.
  ///
  /// Healthy networks of a thousand classes stay near ln(1000) for thousands of steps, so what
  /// counts is how many images of a class were seen.
  package func patience(batchSize: Int) -> Int {
    max(Self.patientSteps, (Self.patientImages * classes + batchSize - 1) / batchSize)
  }
}

/// How long a run has not been learning; saved in every checkpoint.
///
/// Whole numbers, so that it is the same however the ranks add up a loss.
package struct Stall: Codable, Equatable, Sendable {
  /// Steps at chance, less twice those below it: single batches may be below by luck.
  package private(set) var steps = 0
  /// The validations in a row at which a whole layer was dead.
  package private(set) var deadLooks = 0
  /// That layer.
  package private(set) var deadLayer: String?

  /// The validations in a row after which a dead layer is one for good.
  private static let mostDeadLooks = 2

  /// The state at the start of a run.
  package init() {}

  /// Counts a step.
  package mutating func note(loss: Double, _ chance: Chance) {
    steps = chance.holds(loss: loss) ? steps + 1 : max(0, steps - 2)
  }

  /// Counts a look at the layers.
  package mutating func note(_ layers: [LayerHealth], step: Int) {
    guard step >= HealthWatch.firstSteps else { return }
    deadLayer = layers.first { $0.deadShare == 1 }?.name
    deadLooks = deadLayer == nil ? 0 : deadLooks + 1
  }

  /// What is said of a run that does not learn.
  /// - Parameters:
  ///   - limit: The steps at chance after which it is said.
  ///   - chance: What chance is.
  /// - Returns: The sentence, without its stop; nil of a run that learns, or may yet.
  package func sentence(after limit: Int, _ chance: Chance) -> String? {
    if deadLooks >= Self.mostDeadLooks, let deadLayer {
      return "The network is not learning: all kernels of \(quoted(deadLayer)) have output only "
        + "zeros at \(deadLooks) validations in a row, and no gradient passes them"
    }
    guard steps >= limit else { return nil }
    return String(
      format: "The network is not learning: for %d steps the loss has not fallen below chance, "
        + "which is %.2f for the %d classes", steps, chance.loss, chance.classes)
  }
}
