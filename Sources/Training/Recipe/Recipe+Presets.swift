import Data
package import Networks
import System

extension Recipe {
  /// A recipe with the changes for one of the built-in networks.
  /// - Parameters:
  ///   - name: The recipe's name.
  ///   - preset: The network's name; nil if it is not built in.
  /// - Returns: The recipe, and what the network changes in it, in words; nil if it changes
  ///   nothing.
  package static func named(_ name: RecipeName, preset: String?) -> (
    recipe: Recipe, changes: String?
  ) {
    var recipe = named(name)
    switch preset {
    case "cifar-four-layer":
      // Figure 1: "No regularization of any kind was employed." The rate is that of
      // layers-18pct.cfg.
      recipe.learningRate = 0.001
      recipe.weightDecay = 0
      recipe.augmentation = recipe.augmentation.withoutChance
      return (
        recipe,
        "learning rate \(plain(recipe.learningRate)), no weight decay and no augmentation, as in "
          + "the paper's figure 1"
      )
    default: return (recipe, nil)
    }
  }
}
