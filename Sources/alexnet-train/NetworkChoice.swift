import AlexNet
import Failures
import Options

/// The network that the command line asks for, before the number of classes is known.
struct NetworkChoice {
  private let name: String
  private let described: NetworkSpecification?
  private let recipe: RecipeName
  private let variants: [NetworkVariant]

  init(_ arguments: Arguments) throws(Failure) {
    name = arguments.string("network") ?? "alexnet"
    let isPreset = NetworkSpecification.presetNames.contains(name)
    guard isPreset || name.contains("/") || name.hasSuffix(".json") else {
      throw Failure(
        .usage,
        "--network takes \(NetworkSpecification.presetNames.joined(separator: ", ")) or a .json file, not "
          + "\(quoted(name)).")
    }
    described = isPreset ? nil : try NetworkSpecification(contentsOf: name)
    recipe =
      try arguments.choice("recipe", of: RecipeName.allCases.map(\.rawValue))
      .flatMap { RecipeName(rawValue: $0) } ?? .paper
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
    var network =
      described ?? NetworkSpecification.preset(name, classes: classes ?? 1000, recipe: recipe)
    for variant in variants { network = try network?.applying(variant) }
    guard let network else { throw Failure(.usage, "There is no network '\(name)'.") }
    try network.validate()
    return network
  }
}
