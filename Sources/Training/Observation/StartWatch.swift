import Foundation
import System

/// Detects in the first steps the two ways in which AlexNet fails to start, and says what to
/// change.
///
/// With few classes, the gradient at the outputs is large and the hidden biases of 1 pass it on, so
/// the paper's learning rate makes the loss jump far above chance in the first steps. A network
/// that does not learn stays at chance.
package struct StartWatch {
  /// The number of steps in which a jump is reported.
  private static let jumpSteps = 30

  private let chance: Chance
  private let patience: Int
  private let remedies: Remedies
  private var saidJump = false
  private var saidStall = false
  /// The first loss seen, and its step.
  private var first: (loss: Double, step: Int)?

  /// - Parameters:
  ///   - chance: What a network reaches that has learnt nothing.
  ///   - recipe: What the run is trained with.
  ///   - remedies: The run's advice.
  package init(_ chance: Chance, _ recipe: Recipe, _ remedies: Remedies) {
    self.chance = chance
    patience = chance.patience(batchSize: recipe.batchSize)
    self.remedies = remedies
  }

  /// Records a step's loss.
  /// - Parameters:
  ///   - loss: The batch's mean loss in nats.
  ///   - step: The step's number, from 1.
  ///   - stall: How long nothing has been learnt, this step included.
  /// - Returns: A sentence for the user, once for each of the two.
  package mutating func note(loss: Double, step: Int, _ stall: Stall) -> String? {
    // The loss of the first step is from before any update: no rate is to blame for it.
    guard let first else {
      self.first = (loss, step)
      return nil
    }
    if !saidJump, step <= Self.jumpSteps, loss > 2 * max(chance.loss, first.loss) + 2 {
      saidJump = true
      return String(
        format: "The loss jumped to %.1f in step %d, from %.2f in step %d: the learning rate %@ is "
          + "too large for the first steps with %d classes.", loss, step, first.loss, first.step,
        plain(remedies.learningRate, digits: 4), chance.classes) + remedies.sentence(.smaller)
    }
    guard !saidStall, let sentence = stall.sentence(after: patience, chance) else { return nil }
    saidStall = true
    return sentence + "." + remedies.sentence(.smaller)
  }
}
