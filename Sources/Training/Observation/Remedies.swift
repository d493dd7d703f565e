import Networks
import System

/// The advice of a run, which never turns round: what has been told to learn slower is not told to
/// learn faster.
package final class Remedies {
  /// Where the learning rate should go.
  package enum Direction: Equatable, Sendable {
    case smaller, larger
  }

  /// What rollbacks have left of the recipe's learning rate.
  package var rateFactor = 1.0
  private let recipeRate: Double
  private let batchSize: Int
  private let hasOtherRecipe: Bool
  private var direction: Direction?

  /// - Parameters:
  ///   - recipe: What the run is trained with; its advice is to change something of it.
  ///   - network: The network's name.
  ///   - isFineTuned: Whether layers begin with weights of a file.
  package init(_ recipe: Recipe, network: String, isFineTuned: Bool) {
    (recipeRate, batchSize) = (recipe.learningRate, recipe.batchSize)
    // What the authors' code begins with is known of the paper's network alone.
    hasOtherRecipe = recipe.name == .paper && network.hasPrefix("alexnet") && !isFineTuned
  }

  /// The rate that a smaller or larger one is compared with.
  package var learningRate: Double { (recipeRate * rateFactor).asWritten }

  /// Decides where the rate should go, if that is not decided.
  package func lean(_ direction: Direction) { self.direction = self.direction ?? direction }

  /// A sentence, with a space before it; empty where it would contradict an earlier one.
  package func sentence(_ wanted: Direction) -> String {
    lean(wanted)
    guard direction == wanted else { return "" }
    let rate = wanted == .smaller ? learningRate / 10 : learningRate * 10
    var ways = ["--learning-rate \(plain(rate, digits: 4))"]
    if wanted == .smaller, batchSize > 32 { ways.append("a --batch-size below \(batchSize)") }
    if hasOtherRecipe {
      ways.append("--recipe code2012, whose conv3-5 start from larger weights")
    }
    return " Try \(ways.joined(separator: ", or "))."
  }
}
