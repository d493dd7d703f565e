import Data
import Options
import System

/// `alexnet preview`: draws what training sees of a dataset.
enum Preview: Subcommand {
  static let name = "preview"
  static let summary = "draw pictures of a dataset as training sees them, with their labels"

  private static let command = Command(
    "alexnet preview",
    overview: """
      Writes a contact sheet of crops as the network gets them, mirrored and shifted in colour as the
      recipe has it, with the mean added again and the class below.
      """,
    synopsis: "--data DATASET --out FILE.png [options]",
    groups: [
      (
        "Where",
        [
          Option("data", "DATASET", "A dataset that 'alexnet prepare' made."),
          Option("out", "FILE.png", "The picture to write."),
        ]
      ),
      (
        "What",
        [
          Option("recipe", "paper|code2012|none", default: "paper", "How pictures are augmented."),
          Option("split", "train|validation|test", default: "train", "The part of the dataset."),
          Option("input-size", "PIXELS", default: "7/8 of the pictures' size", "Size of a crop."),
          Option("count", "N", default: "40", "Crops to show."),
          Option("seed", "N", default: "1", "Draws order, crops, coins and colours."),
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return try StandardStream.output.write(command.helpText) }
    guard let data = arguments.string("data"), let path = arguments.string("out") else {
      throw Failure(.usage, "Give --data DATASET and --out FILE.png.")
    }
    try OutputPlace.check(path)
    var sheet = ContactSheet(try Dataset(opening: data))
    sheet.augmentation = try Self.augmentation(arguments)
    sheet.split = try arguments.split(of: [.train, .validation, .test])
    if let side = try arguments.integer("input-size", in: 1...4096) { sheet.inputSide = side }
    if let count = try arguments.integer("count", in: 1...10_000) { sheet.count = count }
    if let seed = try arguments.integer("seed", in: 0...Int.max) { sheet.seed = UInt64(seed) }
    try sheet.write(to: path)
    if let note = sheet.fontNote { StandardStream.error.tell("Note: \(note)\n") }
    try StandardStream.confirm("Drew \(quoted(path)).\n", of: path)
  }

  /// The augmentation that `--recipe` names.
  static func augmentation(_ arguments: Arguments) throws(Failure) -> Augmentation {
    switch try arguments.choice("recipe", of: ["paper", "code2012", "none"]) {
    case "code2012": .code2012
    case "none": .none
    default: .paper
    }
  }
}
