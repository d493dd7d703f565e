import Foundation
import System

/// Detects in the first steps the two ways in which AlexNet fails to start, and says what to
/// change.
///
/// With few classes, the gradient at the outputs is large and the hidden biases of 1 pass it on, so
/// the paper's learning rate makes the loss jump far above ln(classes) in the first steps. A
/// network that does not learn stays at ln(classes).
package struct StartWatch: Sendable {
  /// The number of steps in which a jump is reported.
  package static let jumpSteps = 30
  /// The number of steps for which a loss must stay at ln(classes).
  package static let plateauSteps = 100

  private let classes: Int
  private let learningRate: Double
  private var saidJump = false
  private var saidPlateau = false
  private var recent: [Double] = []

  package init(classes: Int, learningRate: Double) {
    self.classes = classes
    self.learningRate = learningRate
  }

  /// Records a step's loss.
  /// - Parameters:
  ///   - loss: The batch's mean loss in nats.
  ///   - step: The step's number, from 1.
  /// - Returns: A sentence for the user, once for each of the two.
  package mutating func note(loss: Double, step: Int) -> String? {
    let chance = log(Double(classes))
    let remedy =
      "Try --learning-rate \(plain(learningRate / 10)), a smaller --batch-size, or --recipe "
      + "code2012, whose conv3-5 start from larger weights."
    if !saidJump, step <= Self.jumpSteps, loss > 2 * chance + 2 {
      saidJump = true
      return String(
        format:
          "The loss jumped to %.1f in step %d, from ln(%d) = %.2f at the start: the learning rate "
          + "%@ is too large for the first steps with %d classes. ", loss, step, classes, chance,
        plain(learningRate), classes) + remedy
    }
    recent.append(loss)
    if recent.count > Self.plateauSteps { recent.removeFirst() }
    guard !saidPlateau, recent.count == Self.plateauSteps else { return nil }
    let mean = recent.reduce(0, +) / Double(recent.count)
    guard recent.allSatisfy({ abs($0 - mean) < 0.1 }), mean > 0.97 * chance else { return nil }
    saidPlateau = true
    return String(
      format: "The loss has stayed at ln(%d) = %.2f for %d steps: the network is not learning. ",
      classes, chance, Self.plateauSteps) + remedy
  }
}
