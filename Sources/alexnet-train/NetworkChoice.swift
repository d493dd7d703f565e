import AlexNet
import Failures
import Options

/// The network that the command line asks for, before the number of classes is known.
struct NetworkChoice {
  /// The network for a number of classes.
  private let named: (Int) -> NetworkSpecification
  private let variants: [NetworkVariant]

  init(_ arguments: Arguments) throws(Failure) {
    let recipe = try arguments.choice("recipe", of: RecipeName.self) ?? .paper
    named = try NetworkSpecification.named(arguments.string("network") ?? "alexnet", recipe: recipe)
    var variants: [NetworkVariant] = []
    for word in arguments.strings("variant").flatMap({ $0.split(separator: ",") }) {
      guard let variant = NetworkVariant(rawValue: String(word)) else {
        let all = NetworkVariant.allCases.map(\.rawValue).joined(separator: ", ")
        throw Failure(.usage, "--variant takes \(all), not \(quoted(String(word))).")
      }
      variants.append(variant)
    }
    self.variants = variants
  }

  /// The network for a number of classes; nil stands for any.
  func network(classes: Int?) throws(Failure) -> NetworkSpecification {
    var network = named(classes ?? 1000)
    for variant in variants { network = try network.applying(variant) }
    try network.validate()
    return network
  }
}
