package import System

/// The network that a command line asks for, before the number of classes is known.
package struct NetworkChoice {
  /// The network for a number of classes.
  private var named: (Int) -> NetworkSpecification
  private let variants: [NetworkVariant]
  private let recipe: RecipeName
  /// Where its initial values come from; nil for its own.
  package var initial: InitialScheme?
  /// The pictures' size, in place of the network's own; nil for that.
  package var imageSide: Int?
  /// The program's own network that this one is, whatever its variants; nil for one that somebody
  /// described.
  package let preset: String?

  /// Understands the words of the options `--network`, `--recipe` and `--variant`.
  /// - Parameters:
  ///   - name: A preset's name or a JSON file.
  ///   - recipe: Which source settles what the two tell differently.
  ///   - variants: Names of changes, several with commas between them.
  /// - Throws: `Failure` (usage) for a name that there is not, (inputMissing, badData) for a file
  ///   that is not there or describes no network.
  package init(name: String, recipe: RecipeName, variants: [String]) throws(Failure) {
    named = try NetworkSpecification.named(name, recipe: recipe)
    self.recipe = recipe
    preset = NetworkSpecification.presetNames.first { $0 == name }
    var known: [NetworkVariant] = []
    for word in variants.flatMap({ $0.split(separator: ",") }) {
      guard let variant = NetworkVariant(word: String(word)) else {
        let all = NetworkVariant.allCases.map(\.words).joined(separator: ", ")
        throw Failure(.usage, "--variant takes \(all), not \(quoted(String(word))).")
      }
      known.append(variant)
    }
    self.variants = known
  }

  /// Takes the network of a file of weights, whatever the number of its classes.
  package init(_ network: NetworkSpecification) {
    named = { network.withClasses($0) }
    variants = []
    recipe = .paper
    preset = NetworkSpecification.presetNames.first {
      network.name == $0 || network.name.hasPrefix($0 + "+")
    }
  }

  /// The same network with pictures read in some way.
  package func reading(_ preprocessing: PixelScaling?) -> NetworkChoice {
    var changed = self
    let named = named
    changed.named = { classes in
      var network = named(classes)
      network.preprocessing = preprocessing
      return network
    }
    return changed
  }

  /// The network for a number of classes; nil stands for any.
  /// - Throws: `Failure` (usage) where a variant has nothing to change, (badData) where there is no
  ///   such network.
  package func network(classes: Int?) throws(Failure) -> NetworkSpecification {
    var network = try named(classes ?? 1000).applying(variants, recipe: recipe)
    network.imageSide = imageSide ?? network.imageSide
    try network.validate()
    return initial.map(network.beginning(with:)) ?? network
  }
}

extension NetworkSpecification {
  /// The network with another number of classes: its last layer has as many kernels.
  package func withClasses(_ classes: Int) -> NetworkSpecification {
    var changed = self
    changed.classes = classes
    if var last = layers.last?.weights, last.isFullyConnected {
      last.kernels = classes
      changed.layers[layers.count - 1] = last.specification
    }
    return changed
  }
}
