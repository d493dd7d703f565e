import AlexNet
import Console
import Data
import Failures
import Images
import Interchange
import Layers
import Options
import Tensors
import Training

/// `alexnet features`: what a layer makes of a dataset's pictures, as an array for NumPy.
enum Features: Subcommand {
  static let name = "features"
  static let summary = "write a layer's outputs for the pictures of a dataset as .npy"

  private static let command = Command(
    "alexnet features",
    overview: """
      Shows the network of a checkpoint the middle crop of each picture of a dataset, in the dataset's order, and
      writes what a layer makes of it: pictures x neurons, or pictures x maps x rows x columns, all towers' maps in
      a row. 'numpy.load' reads the file.
      """,
    synopsis: "RUN|CHECKPOINT --data DATASET --out FILE.npy [options]", takesOperands: true,
    groups: [
      (
        "Where",
        [
          Option("data", "DATASET", "A dataset that 'alexnet prepare' made."),
          Option("split", "train|validation", default: "validation", "The part of the dataset."),
          Option("limit", "N", default: "all", "Only the first N pictures."),
          Option("out", "FILE.npy", "The file to write."),
        ]
      ),
      (
        "What",
        [
          Option(
            "layer", "NAME", default: "the last one: the logits",
            "The layer; drop7 of AlexNet are the 4096 features behind the classes."),
          Option("batch-size", "N", default: "32 pictures", "Pictures at a time."),
        ]
      ),
      ("Machine", [Option("threads", "N", default: "one for each core", "Threads of each tower.")]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return StandardStream.output.write(command.helpText) }
    guard arguments.operands.count == 1, let data = arguments.string("data"),
      let out = arguments.string("out"), !out.isEmpty
    else {
      throw Failure(
        .usage, "Name one run or checkpoint, and give --data DATASET and --out FILE.npy.")
    }
    let split: Split =
      try arguments.choice("split", of: ["train", "validation"]) == "train" ? .train : .validation
    let file = try NetworkFile(
      opening: RunDirectory.checkpoint(named: arguments.operands[0]))
    let layer = try layer(arguments.string("layer"), of: file.network)
    let dataset = try Dataset(opening: data)
    guard dataset.side == file.network.imageSide else {
      throw Failure(
        .usage,
        "The pictures of \(quoted(data)) are \(dataset.side) pixels wide and the network "
          + "'\(file.network.name)' reads \(file.network.imageSide); prepare them with --size "
          + "\(file.network.imageSide).")
    }
    let classifier = try Classifier(
      file, batchSize: try arguments.integer("batch-size", in: 1...65_536) ?? 32,
      threadsPerTower: try arguments.integer("threads", in: 1...1024))
    let count = min(
      dataset.count(split), try arguments.integer("limit", in: 1...Int.max) ?? .max)
    let features = LayerFeatures(classifier.network, layer: layer)
    let writer = try NumPyWriter(creating: out, shape: [count] + features.shape)
    var done = 0
    while done < count {
      let places = done..<min(count, done + classifier.batchSize)
      var pictures: [SquarePicture] = []
      for place in places { pictures.append(try picture(place, split, dataset)) }
      try classifier.forward(pictures, crops: .centre)
      for image in pictures.indices {
        try features.values(ofImage: image).withUnsafeBufferPointer { values throws(Failure) in
          try writer.append(values)
        }
      }
      done = places.upperBound
    }
    try writer.finish()
    StandardStream.output.write(
      "Wrote \(([count] + features.shape).map(String.init).joined(separator: " x ")) outputs of "
        + "'\(layer)' to \(quoted(out)).\n")
  }

  private static func picture(
    _ place: Int, _ split: Split, _ dataset: Dataset
  ) throws(Failure) -> SquarePicture {
    var pixels = [UInt8](repeating: 0, count: dataset.side * dataset.side * 3)
    try pixels.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try dataset.decode(split, place, into: buffer)
    }
    do {
      return try SquarePicture(
        pixels: pixels, width: dataset.side, height: dataset.side, side: dataset.side)
    } catch {
      throw Failure(.badData, "Picture \(place) of \(quoted(dataset.path)) \(error.reason).")
    }
  }

  /// The layer of a name, whose output no later layer overwrites.
  private static func layer(
    _ name: String?, of network: NetworkSpecification
  ) throws(Failure) -> String {
    let layers = network.layers
    guard let name else { return layers[layers.count - 1].name }
    guard let number = layers.firstIndex(where: { $0.name == name }) else {
      throw Failure(
        .usage,
        "The network '\(network.name)' has no layer \(quoted(name)); it has "
          + "\(layers.map(\.name).joined(separator: ", ")).")
    }
    let overwriting = layers[(number + 1)...].prefix { layer in
      switch layer {
      case .relu, .tanh, .dropout: true
      default: false
      }
    }
    if let last = overwriting.last {
      throw Failure(
        .usage,
        "'\(last.name)' works in place on what layer \(quoted(name)) makes; name '\(last.name)' instead."
      )
    }
    return name
  }
}

/// A layer's outputs of the pass that was done last, all towers' maps in a row.
private struct LayerFeatures {
  /// Neurons, or maps x rows x columns.
  let shape: [Int]

  private let towers: [(output: Tensor, shape: MapShape)]

  init(_ network: Network, layer: String) {
    let specification = network.specification
    towers = (0..<specification.towers).map { tower in
      let shapes = specification.shapes(ofTower: tower)
      guard let output = network.output(of: layer, tower: tower),
        let shape = shapes.first(where: { $0.layer.name == layer })?.output
      else { preconditionFailure("The network was built from a description with the layer.") }
      return (output, shape)
    }
    let maps = towers.reduce(0) { $0 + $1.shape.maps }
    let first = towers[0].shape
    shape = first.pixels == 1 ? [maps] : [maps, first.height, first.width]
  }

  func values(ofImage image: Int) -> [Float] {
    towers.flatMap { output, shape in
      (0..<shape.maps).flatMap { map in
        (0..<shape.pixels).map { pixel in
          output.pointer[image * shape.count + pixel * shape.maps + map]
        }
      }
    }
  }
}
