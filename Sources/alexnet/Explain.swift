import AlexNet
import Checkpoints
import Data
import Evaluation
import Foundation
import Images
import JSON
import MPI
import Networks
import Options
import Report
import System
import Training

/// `alexnet explain`: draws where a network looked.
enum Explain: Subcommand {
  static let name = "explain"
  static let summary = "draw where a network looked in pictures (also under mpirun -np N)"

  private static let out = Option(
    "out", "FOLDER", .path, "The folder for NAME.svg and NAME.json of each picture.")
  private static let className = Option(
    "class", "NAME", .text, default: "the most probable one", "The class to explain.")
  private static let layer = Option(
    "layer", "NAME", .text, default: "the last convolution, conv5 in AlexNet",
    "The layer whose maps Grad-CAM draws.")
  private static let square = Option(
    "square", "PIXELS", .integer(in: 1...4096), default: "a seventh of the crop's side",
    "The side of the square that hides a part.")
  private static let stride = Option(
    "stride", "PIXELS", .integer(in: 1...4096), default: "a quarter of the square's side",
    "How far the square moves.")

  static let command = Command(
    "alexnet explain",
    overview: """
      Draws, for pictures that are given as to 'alexnet predict', where the network looked in the
      middle crop: how far the class's probability falls where a grey square hides a part (Zeiler
      and Fergus 2014), and where the maps of the last convolution speak for the class (Grad-CAM,
      Selvaraju et al. 2017), of all towers and of each. The numbers are written beside. Under
      'mpirun -np N' the pictures are spread over the ranks.
      """,
    synopsis: "RUN|CHECKPOINT IMAGE|FOLDER|-... --out FOLDER [options]",
    takesOperands: true,
    groups: [
      (
        "What",
        [SharedOptions.best, SharedOptions.resize, className, layer]
      ),
      ("How", [square, stride]),
      ("Output", [out]),
      ("Machine", [SharedOptions.rankThreads, SharedOptions.watchdog]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    try OverRanks.run(command, words) { try explain($0, over: $1) }
  }

  private static func explain(_ arguments: Arguments, over world: Communicator) throws {
    guard arguments.operands.count > 1 else {
      throw Failure(
        .usage,
        "Name a run or a checkpoint, and then pictures, folders of them, or '-' for a list on "
          + "standard input: alexnet explain RUN cat.jpg --out FOLDER.")
    }
    guard let folder = arguments[out] else {
      throw Failure(.usage, "Give --out FOLDER, where the drawings go.")
    }
    let threads = try Cores(world, threads: arguments[SharedOptions.rankThreads]).threads
    let network = try TrainedNetwork(arguments.checkpoint(arguments.operands[0]))
    if world.rank == 0, let choice = network.choice { StandardStream.error.tell("\(choice)\n") }
    let explainer = try Explainer(
      network, layer: arguments[layer], square: arguments[square],
      stride: { arguments[stride] ?? $0 / 4 }, threads: threads)
    let classifier = explainer.classifier
    let label = try arguments[className].map { name throws(Failure) in
      try Self.label(name, among: classifier.classNames)
    }
    let pictures = try PictureList(telling: Array(arguments.operands.dropFirst()), over: world)
    if !pictures.files.isEmpty { try Features.createFolder(folder) }
    let names = OutputNames(pictures.files)
    if world.rank == 0 {
      for file in pictures.files {
        for ending in [".svg", ".json"] {
          try OutputPlace.check("\(folder)/\(names[file])" + ending)
        }
      }
    }
    var reader = PictureReader(
      pictures, side: classifier.imageSide,
      resizing: arguments[SharedOptions.resize] ?? classifier.preprocessing.resizing,
      team: ThreadTeam(count: threads), over: world)
    while let read = reader.read(threads) {
      var lines = ""
      for (file, picture) in read {
        let explanation = try explainer.explain(picture, label: label)
        let name = "\(folder)/\(names[file])"
        let drawing = ExplanationPicture(
          explanation, title: file, classNames: classifier.classNames)
        try TextFile.write(lines: drawing.svgFile(), to: name + ".svg")
        let numbers = ExplanationNumbers(
          explanation, image: file, classNames: classifier.classNames)
        try TextFile.write(JSONText.encode(numbers), to: name + ".json")
        lines += "\(escaped(file)): \(numbers.text) \(quoted(name + ".svg"))\n"
      }
      try world.write(lines)
    }
    try reader.allProblems().report(by: world)
  }

  private static func label(_ name: String, among names: [String]) throws(Failure) -> Int {
    guard let label = names.firstIndex(of: name) else {
      let near = Hint.nearest(to: name, among: names).map { "did you mean \(quoted($0))? It" }
      throw Failure(
        .usage,
        "The network has no class \(quoted(name)); \(near ?? "it") has \(listed(names)).")
    }
    return label
  }
}

/// Names for what is written about pictures: those of their files, told apart by numbers where
/// files of different folders have the same.
private struct OutputNames {
  private var names: [String: String] = [:]

  init(_ files: [String]) {
    var taken: Set<String> = []
    for file in files where names[file] == nil {
      let last = file.split(separator: "/").last ?? "picture"
      let dot = last.dropFirst().lastIndex(of: ".")
      let stem = dot.map { last[..<$0] } ?? last
      var name = String(stem)
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(stem)-\(number)"
        number += 1
      }
      names[file] = name
    }
  }

  subscript(file: String) -> String { names[file] ?? "picture" }
}

/// The numbers of an explanation, for programs.
private struct ExplanationNumbers: Encodable {
  let image: String
  let `class`: String
  let probability: Double
  /// The square's side, its left and upper edges in the crop, and the class's probability with it
  /// there, row by row.
  let occlusion: Occlusion
  let gradCAM: Maps

  struct Occlusion: Encodable {
    let side: Int
    let square: Int
    let places: [Int]
    let probabilities: [[Double]]
  }

  /// The map of all towers, and each tower's sum with its negative numbers.
  struct Maps: Encodable {
    let layer: String
    let whole: [[Double]]
    let towers: [[[Double]]]
  }

  init(_ explanation: Explanation, image: String, classNames: [String]) {
    self.image = image
    `class` = classNames[explanation.label]
    probability = explanation.prediction.probabilities[explanation.label]
    let map = explanation.occlusion
    let count = map.places.count
    occlusion = Occlusion(
      side: map.side, square: map.square, places: map.places,
      probabilities: (0..<count).map {
        Array(map.probabilities[$0 * count..<($0 + 1) * count])
      })
    func rows(_ map: HeatMap) -> [[Double]] {
      (0..<map.height).map { Array(map.values[$0 * map.width..<($0 + 1) * map.width]) }
    }
    let cam = explanation.gradCAM
    gradCAM = Maps(layer: cam.layer, whole: rows(cam.whole), towers: cam.towers.map(rows))
  }

  /// What is said in the terminal.
  var text: String {
    let lowest = occlusion.probabilities.joined().min() ?? 0
    return escaped(`class`)
      + String(
        format: " %.2f %%, %.2f %% with a part hidden:", 100 * probability, 100 * lowest)
  }
}
