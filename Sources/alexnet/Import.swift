import AlexNet
import Failures
import Foundation
import Interchange
import Options
import Safetensors

/// `alexnet import`: a network that was trained elsewhere as a checkpoint.
enum Import: Subcommand {
  static let name = "import"
  static let summary = "make a checkpoint of weights from PyTorch, torchvision or Caffe"

  private static let command = Command(
    "alexnet import",
    overview: """
      Makes a checkpoint to evaluate, predict or start from (alexnet-train --init-from) of weights that another
      program saved:
        FILE.safetensors  --network alexnet, of the grouped AlexNet in PyTorch, or torchvision-alexnet
        FILE.npz          the same saved with numpy.savez
        FILE.caffemodel   --network caffe-alexnet, Caffe's bvlc_alexnet
      What 'alexnet export' wrote as safetensors or npz says itself what network it is.
      """,
    synopsis: "FILE --out CHECKPOINT [options]", takesOperands: true,
    groups: [
      (
        "Output",
        [Option("out", "FILE.safetensors", "The checkpoint to write.")]
      ),
      (
        "Network",
        [
          Option(
            "network", "NAME|FILE",
            "\(NetworkSpecification.presetNames.joined(separator: ", ")), or a JSON description."),
          Option(
            "variant", "NAME", repeats: true,
            "A change to the network, as in training. May be repeated."),
          Option(
            "recipe", "paper|code2012", default: "paper", "The recipe that the network is of."),
        ]
      ),
      (
        "Pictures and classes",
        [
          Option(
            "classes", "FILE", default: "0, 1, 2 ...", "A text file with a name a line, in order."),
          Option(
            "mean", "FILE|R,G,B", default: "the network's",
            "The mean image, a .binaryproto of Caffe or a .npy of side x side x 3, or a mean colour, 0 to 255."
          ),
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return try StandardStream.output.write(command.helpText) }
    guard arguments.operands.count == 1, let out = arguments.string("out"), !out.isEmpty else {
      throw Failure(.usage, "Name one file of weights, and the checkpoint to write with --out.")
    }
    try OutputPlace.check(out)
    let source = try WeightFile.open(arguments.operands[0])
    let described = try source.described()
    let choice = try arguments.string("network").map { name throws(Failure) in
      try NetworkChoice(
        name: name,
        recipe: try arguments.choice("recipe", of: RecipeName.self) ?? .paper,
        variants: arguments.strings("variant"))
    }
    guard choice != nil || described != nil else {
      throw Failure(
        .usage,
        "\(quoted(source.path)) does not say which network it is of; give --network "
          + "\(NetworkSpecification.presetNames.joined(separator: ", ")) or a description.")
    }
    let network = try NetworkImport(
      source,
      network: { classes throws(Failure) in
        if let choice { return try choice.network(classes: classes) }
        guard let described else { throw Failure(.usage, "Give --network.") }
        return described.network
      },
      preprocessing: { network, mean throws(Failure) in
        let names = try arguments.string("classes").map(Self.classNames)
        var preprocessing =
          choice == nil ? described?.preprocessing : nil
        if let names { preprocessing?.classNames = names }
        let given = try arguments.string("mean").map { text throws(Failure) in
          try Self.mean(text, network)
        }
        if let given { preprocessing?.mean = given }
        return preprocessing
          ?? .published(
            for: network, classNames: names ?? (0..<network.classes).map(String.init),
            mean: given ?? mean)
      })
    let warnings = try network.write(to: out)
    for warning in warnings { StandardStream.error.tell("Warning: \(escaped(warning))\n") }
    try StandardStream.confirm(
      "Wrote \(network.network.name), \(network.network.parameterCount) weights, "
        + "\(network.network.classes) classes, to \(quoted(out)).\n", of: out)
  }

  /// The longest list of classes that is read, in bytes.
  private static let longestList = 64 << 20

  private static func classNames(_ path: String) throws(Failure) -> [String] {
    let bytes = try RegularFile.contents(of: path, limit: longestList)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(
        .badData, "The names of the classes cannot be read from \(quoted(path)) as UTF-8.")
    }
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .map(String.init)
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  private static func mean(
    _ text: String, _ network: NetworkSpecification
  ) throws(Failure) -> [Float] {
    let side = network.imageSide
    if text.hasSuffix(".binaryproto") { return try CaffeMean.read(text, side: side) }
    if text.hasSuffix(".npy") {
      let array = try NumPyArray(contentsOf: text)
      guard array.shape == [side, side, 3] else {
        throw Failure(
          .badData,
          "The mean in \(quoted(text)) has the shape \(array.shape); [\(side), \(side), 3] is expected."
        )
      }
      return array.values
    }
    let colour = text.split(separator: ",", omittingEmptySubsequences: false).compactMap {
      Float($0)
    }
    guard colour.count == 3, colour.allSatisfy({ $0.isFinite && abs($0) <= 255 }) else {
      throw Failure(
        .usage,
        "--mean takes a .binaryproto, a .npy or three numbers R,G,B from 0 to 255, not \(quoted(text))."
      )
    }
    return Preprocessing.filled(network, colour)
  }
}
