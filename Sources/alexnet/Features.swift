import AlexNet
import Checkpoints
import Data
import Evaluation
import Glibc
import Interchange
import Layers
import Networks
import Options
import System
import Tensors
import Towers
import Training

/// `alexnet features`: writes a layer's outputs for a dataset's pictures as an array for NumPy.
enum Features: Subcommand {
  static let name = "features"
  static let summary = "write a layer's outputs for the pictures of a dataset as .npy"

  private static let images = Option(
    "images", "N", .integer(in: 1...Int.max), default: "all", former: "limit",
    "Only the first N pictures.")
  private static let out = Option(
    "out", "FILE.npy", .path,
    "The file to write; with several layers, a folder with LAYER.npy for each.")
  private static let layer = Option(
    "layer", "NAME,...", .text, default: "the last one: the logits",
    "The layers; AlexNet's drop7 has the 4096 features that the last layer classifies.")
  private static let batchSize = Setting(
    "batch-size", "N", .integer(in: SettingBounds.batchSize), default: 32, unit: "pictures",
    "Pictures at a time.")
  private static let threads = Option(
    "threads", "N", .integer(in: SettingBounds.threads), default: "one for each core",
    "Threads of each tower.")

  static let command = Command(
    "alexnet features",
    overview: """
      Runs the network of a checkpoint on the middle crop of each picture of a dataset, in the
      dataset's order, and writes a layer's outputs: pictures x neurons, or pictures x maps x rows x
      columns, with the maps of all towers one after another. 'numpy.load' reads the file. The names
      of the pictures, after a line that says what network made the outputs, are in a .txt file next
      to it. Several layers go into a folder, two files each.
      """,
    synopsis: "RUN|CHECKPOINT --out FILE.npy [options]", takesOperands: true,
    groups: [
      ("Where", [SharedOptions.dataset, SharedOptions.split, images, out]),
      ("What", [SharedOptions.best, layer, batchSize]),
      ("Machine", [threads]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard arguments.operands.count == 1, let out = arguments[Self.out] else {
      throw Failure(.usage, "Name one run or checkpoint, and give --out FILE.npy.")
    }
    let split = arguments[SharedOptions.split]
    // Several layers go into a folder.
    if arguments[layer]?.contains(",") != true { try arguments.checkOutputs([Self.out]) }
    let chosen = try arguments.checkpoint(arguments.operands[0])
    if let note = chosen.note { StandardStream.error.tell("\(note)\n") }
    let network = try TrainedNetwork(chosen)
    let file = network.file
    let layers = try layers(arguments[layer], of: file.network)
    let dataset = try arguments.dataset(of: [file])
    try network.check(fits: dataset)
    let count = min(dataset.count(split), arguments[images] ?? .max)
    let classifier = try Classifier(
      file, batchSize: max(1, min(arguments[batchSize], count)),
      threadsPerTower: arguments[threads])
    if layers.count > 1 { try createFolder(out) }
    var files: [FeatureFile] = []
    for layer in layers {
      files.append(
        try FeatureFile(
          layers.count > 1 ? "\(out)/\(Self.fileName(layer)).npy" : out, count,
          LayerFeatures(classifier.network, layer: layer)))
    }
    let team = ThreadTeam(count: Processors.own.threads)
    var origin = try FeatureOrigin(network)
    origin.resizing = dataset.resizing
    var done = 0
    while done < count {
      let places = Array(done..<min(count, done + classifier.batchSize))
      try classifier.forward(try dataset.pictures(split, places, team: team), crops: .centre)
      for file in files { try file.append(images: places.count) }
      done += places.count
    }
    for (layer, file) in zip(layers, files) {
      try file.writer.finish()
      if OutputPlace.isFile(file.path) {
        origin.layer = layer
        try FeatureSet.write(
          names: (0..<count).map { dataset.name(split, $0) }, of: origin, beside: file.path)
      }
      try StandardStream.confirm(
        "Wrote \(([count] + file.features.shape).map(String.init).joined(separator: " x ")) "
          + "outputs of \(quoted(layer)) to \(quoted(file.path)).\n", of: file.path)
    }
  }

  /// A layer's name as a file name: Caffe's names contain slashes, and descriptions come from other
  /// people.
  private static func fileName(_ layer: String) -> String {
    layer.replacing("%", with: "%25").replacing("/", with: "%2F")
  }

  static func createFolder(_ path: String) throws(Failure) {
    guard mkdir(path, 0o777) == 0 || PictureFiles.isFolder(path) else {
      throw .system(.cannotCreate, "The folder \(quoted(path)) cannot be created", errno: errno)
    }
  }

  /// The layers in a list of names; no later layer may overwrite their outputs.
  private static func layers(
    _ names: String?, of network: NetworkSpecification
  ) throws(Failure) -> [String] {
    var layers: [String] = []
    for name in names?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
      let layer = try layer(String(name), of: network)
      guard !layers.contains(layer) else {
        throw Failure(.usage, "--layer names \(quoted(layer)) twice.")
      }
      layers.append(layer)
    }
    return layers.isEmpty ? [network.layers[network.layers.count - 1].name] : layers
  }

  private static func layer(
    _ name: String, of network: NetworkSpecification
  ) throws(Failure) -> String {
    let layers = network.layers
    let number = try network.place(ofLayer: name)
    let overwriting = layers[(number + 1)...].prefix { $0.traits.worksInPlace }
    if let last = overwriting.last {
      throw Failure(
        .usage,
        "\(quoted(last.name)) overwrites the output of layer \(quoted(name)); name "
          + "\(quoted(last.name)) instead."
      )
    }
    return name
  }
}

/// A file to which a layer's outputs are written batch by batch.
private struct FeatureFile {
  let path: String
  let features: LayerFeatures
  let writer: NumPyWriter

  init(_ path: String, _ pictures: Int, _ features: LayerFeatures) throws(Failure) {
    self.path = path
    self.features = features
    writer = try NumPyWriter(creating: path, shape: [pictures] + features.shape)
  }

  /// Appends the layer's outputs for the first images of the last forward pass.
  func append(images: Int) throws(Failure) {
    for image in 0..<images {
      try features.values(ofImage: image).withUnsafeBufferPointer { values throws(Failure) in
        try writer.append(values)
      }
    }
  }
}

/// A layer's outputs in the last forward pass, with all towers' maps together.
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
      else { preconditionFailure("The network must have the layer \(layer).") }
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
