import Checkpoints
import Data
import Foundation
import Interchange
import Networks
import Options
import Safetensors
import System
import Towers

/// `alexnet import`: converts a network that was trained elsewhere to a checkpoint.
enum Import: Subcommand {
  static let name = "import"
  static let summary = "make a checkpoint from weights of PyTorch, Caffe or ONNX"

  private static let out = Option("out", "FILE.safetensors", .path, "The checkpoint to write.")
  private static let network = Option(
    "network", "NAME|FILE", .path,
    "\(NetworkSpecification.presetNames.joined(separator: ", ")), or a JSON description.")
  private static let variant = ListOption(
    "variant", "NAME", .text, "A change to the network, as in training. May be repeated.")
  private static let recipe = Setting(
    "recipe", "paper|code2012", .word, default: RecipeName.paper,
    "The recipe whose network the weights belong to.")
  private static let imageSide = Option(
    "image-side", "PIXELS", .integer(in: 1...8192), default: "the network's",
    "The size of the pictures, before crops of the network's input size are cut out of them.")
  private static let layer = ListOption(
    "layer", "OURS=THEIRS", .text,
    "The file's name for a layer of the network: fc8=head. May be repeated.")
  private static let prefix = Option(
    "prefix", "WORDS", .text, default: "the most common one",
    "The prefix of the tensors' names in the file: model.")
  private static let leaveOut = ListOption(
    "leave-out", "WORDS", .text,
    "Tensors of the file that the network does without, by the start of their names: aux. May be "
      + "repeated.")
  private static let classes = Option(
    "classes", "FILE", .path, default: "0, 1, 2 ...", "A text file with a name a line, in order.")
  private static let mean = Option(
    "mean", "FILE|R,G,B", .path, default: "the network's",
    "The mean image, a .binaryproto of Caffe or a .npy of side x side x 3, or a mean colour, 0 to "
      + "255."
  )
  private static let channelOrder = Option<ChannelOrder>(
    "channel-order", "RGB|BGR", .word, default: "the network's",
    "The order in which the first layer sees the colours.")
  private static let scale = Option(
    "scale", "NUMBER", .number(in: 1e-6...1e6), default: "the network's",
    "Factor for pixels from 0 to 255: 0.00392156862745098 gives 0 to 1.")
  private static let deviation = Option(
    "deviation", "R,G,B", .text, default: "the network's",
    "Standard deviations that the scaled colours are divided by after the mean is subtracted.")

  static let command = Command(
    "alexnet import",
    overview: """
      Makes a checkpoint from weights that another program saved, to evaluate, to predict with or to
      start training from (alexnet-train --init-from):
        FILE.safetensors  --network alexnet, of the grouped AlexNet in PyTorch, or torchvision-alexnet
        FILE.npz          the same saved with numpy.savez
        FILE.caffemodel   --network caffe-alexnet, Caffe's bvlc_alexnet, or caffenet, its CaffeNet
        FILE.onnx         any of them, one layer after the other
      A file that 'alexnet export' wrote names its network itself. From other files (.pth, .ckpt,
      .npy, .mat, .keras) scripts/interchange/to_safetensors.py makes safetensors. If a file
      describes its layers or its preprocessing, they must match the network's.
      """,
    synopsis: "FILE --out CHECKPOINT [options]", takesOperands: true,
    groups: [
      ("Output", [out]),
      ("Network", [network, variant, recipe, layer, prefix, leaveOut]),
      ("Pictures and classes", [classes, imageSide, mean, channelOrder, scale, deviation]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard arguments.operands.count == 1, let out = arguments[Self.out] else {
      throw Failure(.usage, "Name one file of weights, and the checkpoint to write with --out.")
    }
    try arguments.checkOutputs([Self.out])
    // Whatever reads a checkpoint goes by its ending.
    guard out.hasSuffix(".safetensors") || !OutputPlace.isFile(out) else {
      throw Failure(
        .usage,
        "A checkpoint's name ends in .safetensors, and \(quoted(out)) does not; name another file "
          + "with --out.")
    }
    let source = try WeightFile.open(arguments.operands[0])
    let described = try source.described()
    let choice = try arguments[network].map { name throws(Failure) in
      var chosen = try NetworkChoice(
        name: name, recipe: arguments[recipe], variants: arguments[variant])
      chosen.imageSide = arguments[imageSide]
      return chosen
    }
    guard choice != nil || described != nil else {
      throw Failure(
        .usage,
        "\(quoted(source.path)) does not name its network; give --network "
          + "\(NetworkSpecification.presetNames.joined(separator: ", ")) or a description.")
    }
    if choice == nil {
      let options = given([variant, recipe, imageSide], arguments)
      guard options.isEmpty else {
        throw Failure(
          .usage,
          "\(quoted(source.path)) names its network itself; leave out "
            + options.joined(separator: " and ") + ".")
      }
    }
    let pictures = try pictures(arguments)
    if described != nil {
      let options = given([channelOrder, scale, deviation, layer, prefix], arguments)
      guard options.isEmpty else {
        throw Failure(
          .usage,
          "\(quoted(source.path)) itself describes its preprocessing and its layers' names; leave "
            + "out "
            + options.joined(separator: ", ") + ".")
      }
    }
    let classNames = try arguments[classes].map(ClassNameList.read)
    var statements: [String] = []
    let network = try NetworkImport(
      source, named: try layerNames(arguments), prefix: arguments[prefix],
      leavingOut: arguments[leaveOut],
      network: { classes throws(Failure) in
        if let choice {
          var network = try choice.network(classes: classes)
          if let described {
            try Self.check(network, is: described, in: source.path)
            // What the network does not specify comes from the file.
            network.preprocessing = described.network.preprocessing
          }
          return network
        }
        guard let described else { throw Failure(.usage, "Give --network.") }
        return described.network
      },
      preprocessing: { network, imageInFile throws(Failure) in
        let given = try arguments[mean].map { text throws(Failure) in
          try Self.mean(text, network)
        }
        // A file of this program specifies everything.
        if var preprocessing = described?.preprocessing {
          if let classNames {
            preprocessing.classNames = classNames
            preprocessing.namesClasses = true
          }
          if let given { preprocessing.mean = given }
          try Self.checkRange(of: arguments[mean], preprocessing)
          return preprocessing
        }
        var pictures = pictures
        pictures.mean = given
        let names =
          classNames ?? (0..<network.classes).map(String.init)
        var result = try pictures.preprocessing(
          for: network, classNames: names, of: source, imageInFile: imageInFile)
        try Self.checkRange(of: arguments[mean], result.preprocessing)
        statements = result.statements
        if arguments[mean]?.hasSuffix(".binaryproto") == true,
          result.preprocessing.channelOrder == .rgb
        {
          statements.append(
            "The maps of the mean image are taken for B, G and R, as Caffe's tools write them; if "
              + "they are R, G and B, as the network reads them, give the image as a .npy.")
        }
        if classNames == nil {
          result.preprocessing.namesClasses = false
          statements.append(
            "Neither the file nor --classes names the classes, so they are called 0 to "
              + "\(network.classes - 1)."
          )
        }
        return result.preprocessing
      })
    let warnings = try network.write(to: out)
    for warning in warnings + Self.repeated(network.preprocessing.classNames) {
      StandardStream.error.tell("Warning: \(escaped(warning))\n")
    }
    try StandardStream.confirm(
      (network.notes + statements + [
        "Wrote \(network.network.name), \(network.network.parameterCount) weights, "
          + "\(counted(network.network.classes, "class", "classes")), to \(quoted(out))."
      ]).map { escaped($0) + "\n" }.joined(), of: out)
  }

  /// Those of some options that were given, as the user wrote them.
  private static func given(_ options: [any AnyOption], _ arguments: Arguments) -> [String] {
    options.filter(arguments.has).map { "--\($0.declaration.name)" }
  }

  /// The options about pictures, except the mean, whose size depends on the network.
  private static func pictures(_ arguments: Arguments) throws(Failure) -> PictureChoice {
    var pictures = PictureChoice()
    pictures.channelOrder = arguments[channelOrder]
    pictures.scale = arguments[scale]
    pictures.deviation = try arguments[deviation].map { text throws(Failure) in
      let numbers = text.split(separator: ",", omittingEmptySubsequences: false).compactMap {
        Double($0)
      }
      guard numbers.count == 3, numbers.allSatisfy({ $0.isFinite && $0 > 1e-6 && $0 < 1e6 }) else {
        throw Failure(
          .usage, "--deviation takes three positive numbers R,G,B, not \(quoted(text)).")
      }
      return numbers
    }
    return pictures
  }

  private static func layerNames(_ arguments: Arguments) throws(Failure) -> [String: String] {
    var names: [String: String] = [:]
    for word in arguments[layer] {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw Failure(.usage, "--layer takes OURS=THEIRS, as fc8=head, not \(quoted(word)).")
      }
      names[parts[0]] = parts[1]
    }
    return names
  }

  /// Checks that the chosen network is the one that a file of this program describes.
  private static func check(
    _ network: NetworkSpecification, is described: DescribedNetwork, in path: String
  ) throws(Failure) {
    let (ours, theirs) = (network, described.network)
    func refusal(_ difference: String) -> Failure {
      Failure(
        .usage,
        "\(quoted(path)) holds the network \(quoted(theirs.name))\(difference); leave out "
          + "--network."
      )
    }
    let place = zip(ours.layers.dropLast(), theirs.layers.dropLast()).first { $0 != $1 }
    let layer = place.map { ", which differs in layer \(quoted($0.1.name))" }
    guard layer == nil, ours.layers.count == theirs.layers.count, ours.towers == theirs.towers
    else { throw refusal(layer ?? "") }
    guard ours.inputSide == theirs.inputSide, ours.imageSide == theirs.imageSide else {
      throw refusal(
        ", whose pictures are crops of \(theirs.inputSide) of \(theirs.imageSide) pixels and not "
          + "of \(ours.inputSide) of \(ours.imageSide)")
    }
    if let difference = described.pictureDifference(from: network) {
      throw refusal(": " + difference)
    }
  }

  /// Names shared by several classes, which a class map cannot distinguish; some lists for ImageNet
  /// have them.
  private static func repeated(_ names: [String]) -> [String] {
    let places = Dictionary(grouping: names.indices) { names[$0] }.values.filter { $0.count > 1 }
    guard let first = places.min(by: { $0[0] < $1[0] }) else { return [] }
    return [
      "\(places.count) \(places.count == 1 ? "name is used" : "names are used") for several "
        + "classes: classes \(first.map(String.init).joined(separator: " and ")) are both called "
        + "\(quoted(names[first[0]]))."
    ]
  }

  private static func mean(
    _ text: String, _ network: NetworkSpecification
  ) throws(Failure) -> [Float] {
    let side = network.imageSide
    if text.hasSuffix(".binaryproto") { return try CaffeMean.read(text, side: side) }
    if text.hasSuffix(".npy") {
      let array = try NumPyArray(contentsOf: text)
      guard array.shape == [side, side, 3] else {
        let shape = array.shape
        var remedy = "."
        if shape == [3, side, side] {
          remedy =
            " (of Caffe's .npy, maps of B, G, R: numpy.load(FILE)[::-1].transpose(1, 2, 0))."
        } else if shape.count == 3, shape[0] == shape[1], shape[2] == 3 {
          remedy += CaffeMean.sideRemedy(shape[0])
        }
        throw Failure(
          .badData,
          "The mean in \(quoted(text)) has the shape \(shape); [\(side), \(side), 3] is "
            + "expected, rows x columns x R, G, B" + remedy)
      }
      return array.values
    }
    let colour = text.split(separator: ",", omittingEmptySubsequences: false).compactMap {
      Float($0)
    }
    guard colour.count == 3, colour.allSatisfy({ $0.isFinite && abs($0) <= 255 }) else {
      throw Failure(
        .usage,
        "--mean takes a .binaryproto, a .npy or three numbers R,G,B from 0 to 255, not "
          + "\(quoted(text))."
      )
    }
    return Preprocessing.filled(network, colour)
  }

  /// Refuses a mean from 0 to 1, as PyTorch has it, for pixels that are scaled to about that range.
  private static func checkRange(
    of text: String?, _ preprocessing: Preprocessing
  ) throws(Failure) {
    let mean = preprocessing.mean
    guard let text, mean.count >= 3, mean.allSatisfy({ $0 > 0 && $0 <= 1 }),
      preprocessing.factors.allSatisfy({ $0 < 0.1 })
    else { return }
    let colour = mean.prefix(3).map { plain((Double($0) * 255_000).rounded() / 1000) }
    let isImage = text.hasSuffix(".npy") || text.hasSuffix(".binaryproto")
    throw Failure(
      .usage,
      "--mean is from 0 to 255, and \(quoted(text)) is from 0 to 1; give "
        + (isImage ? "255 times as much." : "--mean \(colour.joined(separator: ","))."))
  }
}
