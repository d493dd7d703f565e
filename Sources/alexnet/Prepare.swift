import Data
import Images
import MPI
import Options
import System

/// `alexnet prepare`: turns pictures into a dataset.
enum Prepare: Subcommand {
  static let name = "prepare"
  static let summary = "turn pictures into a dataset that training reads at full speed"

  private static let command = Command(
    "alexnet prepare",
    overview: """
      Turns pictures with labels into a dataset: squares of one size in tar shards with an index, their
      mean image and colour components. 'mpirun -np N alexnet prepare' shares the work among N ranks on
      machines that see the same files. What was recognised is said first. The source is a folder:
        DIR/train/<class>/..., DIR/val/..., DIR/test/...   pictures in a folder for each class
        DIR/<class>/...                                 the same without other parts
        DIR/train-images-idx3-ubyte[.gz] ...            the files of MNIST and its relatives
        DIR/data_batch_1.bin ..., DIR/train.bin ...     CIFAR-10 or CIFAR-100, the binary version
        DIR/ILSVRC2012_img_train.tar ...                ILSVRC's archives as downloaded (2010 or 2012)
        DIR/*.tar                                       WebDataset shards
      and others that Docs/Data.md lists. Test pictures are kept apart for 'alexnet evaluate --split test'.
      """,
    synopsis: "--source DIR --out DATASET [options]",
    groups: [
      (
        "Where",
        [
          Option("source", "DIR", "The folder with the pictures."),
          Option("out", "DATASET", "The folder to make; it must not exist."),
          .flag("dry-run", "Say what the source is taken for, and make nothing."),
        ]
      ),
      (
        "What the source is, where it does not speak for itself",
        [
          Option(
            "train-folder", "FOLDER",
            "The folder below DIR whose folders are the classes to train on."),
          Option("validation-folder", "FOLDER", "The same for validation."),
          Option("test-folder", "FOLDER", "The same for testing."),
          Option(
            "list", "FILE",
            "Take these pictures only, with these labels: lines of path and label, CSV, TSV, JSON lines or .lst."
          ),
          Option("root", "FOLDER", default: "DIR", "Where the list's paths start."),
        ]
      ),
      (
        "Pictures",
        [
          Option(
            "size", "PIXELS", default: "256", "Width and height of the pictures that are made."),
          Option(
            "resize", "crop|squeeze", default: "crop",
            "Scale the shorter side and take the middle, or squeeze both sides to a square as Caffe's tools do."
          ),
          Option(
            "encoding", "jpeg|png|raw", default: "jpeg; png up to 64 pixels",
            "How the pictures are stored; png keeps every pixel, raw as well and needs no decoding."
          ),
          Option("quality", "1-100", default: "95", "The quality of a JPEG."),
        ]
      ),
      (
        "Selection",
        [
          Option(
            "hold-out", "SHARE", default: "10%",
            "The part of each class to validate on, where the source has no validation part."),
          Option(
            "limit-per-class", "N", "Take at most N pictures of each class, drawn by the seed."),
          Option("seed", "N", default: "1", "Draws the hold-out, the limit and the order on disk."),
          .flag("strict", "Stop at the first picture that cannot be used."),
          .flag("skip-corrupt", "Use damaged archives as far as they can be read."),
        ]
      ),
      (
        "Check",
        [
          Option(
            "preview", "FILE.png",
            "Draw 40 pictures as training will see them; see also 'alexnet preview'.")
        ]
      ),
      (
        "Machine",
        [
          Option("threads", "N", default: "one for each core", "Threads to work with."),
          OverRanks.watchdogOption,
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return try StandardStream.output.write(command.helpText) }
    let settings = try settings(arguments)
    if arguments.has("dry-run") { return try survey(settings) }
    if let path = arguments.string("preview") { try OutputPlace.check(path) }
    let display = PreparationDisplay(destination: settings.destination)
    guard Launcher.hasStartedRanks else {
      display.show(try Preparation.run(settings) { display.show($0) })
      try preview(arguments, settings)
      return
    }
    OverRanks.start("alexnet prepare") { world in
      try OverRanks.watched("alexnet prepare", arguments, world) {
        let crew = RankCrew(world)
        if let summary = try Preparation.run(settings, crew: crew, report: { display.show($0) }) {
          display.show(summary)
          try preview(arguments, settings)
        }
      }
    }
  }

  private static func survey(_ settings: PreparationSettings) throws(Failure) {
    func say(_ world: Communicator) throws(Failure) {
      guard world.rank == 0 else { return }
      let display = PreparationDisplay(destination: settings.destination)
      try Preparation.survey(settings) { display.show($0) }
    }
    guard Launcher.hasStartedRanks else { return try say(.alone) }
    OverRanks.start("alexnet prepare") { try say($0) }
  }

  private static func preview(
    _ arguments: Arguments, _ settings: PreparationSettings
  ) throws(Failure) {
    guard let path = arguments.string("preview") else { return }
    let sheet = ContactSheet(try Dataset(opening: settings.destination))
    try sheet.write(to: path)
    if let note = sheet.fontNote { StandardStream.error.tell("Note: \(note)\n") }
    try StandardStream.confirm("Drew \(quoted(path)).\n", of: path)
  }

  private static func settings(_ arguments: Arguments) throws(Failure) -> PreparationSettings {
    guard let source = arguments.string("source"), !source.isEmpty else {
      throw Failure(.usage, "Give --source DIR, the folder that holds the pictures.")
    }
    let destination = arguments.string("out") ?? ""
    guard !destination.isEmpty || arguments.has("dry-run") else {
      throw Failure(.usage, "Give --out DATASET, the folder to make.")
    }
    var settings = PreparationSettings(source: source, destination: destination)
    settings.reading.list = arguments.string("list")
    settings.reading.root = arguments.string("root")
    settings.reading.trainFolder = arguments.string("train-folder")
    settings.reading.validationFolder = arguments.string("validation-folder")
    settings.reading.testFolder = arguments.string("test-folder")
    settings.reading.skipsCorrupt = arguments.has("skip-corrupt")
    if let side = try arguments.integer("size", in: PreparationSettings.sides) {
      settings.side = side
    }
    if let resizing = try arguments.choice("resize", of: Resizing.self) {
      settings.resizing = resizing
    }
    let encodings = RecordEncoding.allCases.map(\.rawValue)
    settings.encoding = try arguments.choice("encoding", of: encodings)
      .flatMap { RecordEncoding(rawValue: $0) }
    if let quality = try arguments.integer("quality", in: 1...100) { settings.quality = quality }
    if let text = arguments.string("hold-out") { settings.holdOut = try share(text) }
    settings.limitPerClass = try arguments.integer("limit-per-class", in: 1...Int.max)
    if let seed = try arguments.integer("seed", in: 0...Int.max) { settings.seed = UInt64(seed) }
    settings.isStrict = arguments.has("strict")
    settings.threads = try arguments.integer("threads", in: 1...1024)
    return settings
  }

  /// Reads `5%` or `0.05`.
  private static func share(_ text: String) throws(Failure) -> Double {
    let isPercent = text.hasSuffix("%")
    let number = Double(isPercent ? String(text.dropLast()) : text)
    guard let number, case let share = isPercent ? number / 100 : number, share > 0, share < 1
    else {
      throw Failure(
        .usage, "--hold-out takes a share between 0 and 1 such as 5% or 0.05, not \(quoted(text)).")
    }
    return share
  }
}
