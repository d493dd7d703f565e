import Data
import Options
import System

/// `alexnet preview`: draws training crops of a dataset.
enum Preview: Subcommand {
  static let name = "preview"
  static let summary = "draw pictures of a dataset as training sees them, with their labels"

  private static let out = Option("out", "FILE.png", .picture("png"), "The picture to write.")
  private static let split = Setting(
    "split", "train|validation|test", .word(of: [Split.train, .validation, .test]),
    default: .train, "The part of the dataset.")
  private static let images = Setting(
    "images", "N", .integer(in: 1...10_000), default: 40, former: "count", "Crops to show.")
  private static let seed = Setting(
    "seed", "N", .integer(in: 0...Int.max), default: 1,
    "Seed for the order, crops, mirror images and colour noise.")

  static let command = Command(
    "alexnet preview",
    overview: """
      Writes a contact sheet of crops as the network sees them, mirrored and with colour noise as in
      the recipe, with the mean added back and the class below.
      """,
    synopsis: "DATASET|RUN --out FILE.png [options]", takesOperands: true,
    groups: [
      ("Where", [SharedOptions.formerDataset, out]),
      ("What", [SharedOptions.augmentation, split, SharedOptions.inputSize, images, seed]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    guard let path = arguments[out] else {
      throw Failure(.usage, "Give --out FILE.png, the picture to write.")
    }
    let dataset = try arguments.namedDataset()
    try arguments.checkOutputs([out])
    var sheet = ContactSheet(dataset)
    sheet.augmentation = arguments.augmentation
    sheet.split = arguments[split]
    sheet.inputSide = arguments[SharedOptions.inputSize] ?? sheet.inputSide
    sheet.count = arguments[images]
    sheet.seed = UInt64(arguments[seed])
    try sheet.write(to: path)
    if let note = sheet.fontNote { StandardStream.error.tell("Note: \(note)\n") }
    try StandardStream.confirm("Drew \(quoted(path)).\n", of: path)
  }
}
