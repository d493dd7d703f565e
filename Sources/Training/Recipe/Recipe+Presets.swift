import Data
package import Networks

extension Recipe {
  /// A source's recipe with what is known of the training of one of the program's own networks.
  /// - Parameters:
  ///   - name: The source.
  ///   - preset: What the network is called; nil for one that is not the program's.
  /// - Returns: The recipe, and what the network changes in it, in words; nil if it changes nothing.
  package static func named(_ name: RecipeName, preset: String?) -> (
    recipe: Recipe, changes: String?
  ) {
    var recipe = named(name)
    switch preset {
    case "cifar-four-layer":
      // Figure 1: "No regularization of any kind was employed." The rate is that of layers-18pct.cfg.
      recipe.learningRate = 0.001
      recipe.weightDecay = 0
      recipe.augmentation = recipe.augmentation.withoutChance
      return (
        recipe,
        "learning rate 0.001, no weight decay and no augmentation, as in the paper's figure 1"
      )
    default: return (recipe, nil)
    }
  }
}
