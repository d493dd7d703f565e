import Data
import Foundation
import Images
import MPI
import Options
import System

/// `alexnet prepare`: turns pictures into a dataset.
enum Prepare: Subcommand {
  static let name = "prepare"
  static let summary = "turn pictures into a dataset that training reads at full speed"

  private static let standard = PreparationSettings(source: "", destination: "")
  private static let source = Option("source", "DIR", .path, "The folder with the pictures.")
  private static let out = Option(
    "out", "DATASET", .path, "The folder to make; it must not exist.")
  private static let dryRun = Flag(
    "dry-run", "Show what would be prepared from the source, and write nothing.")
  private static let trainFolder = Option(
    "train-folder", "FOLDER", .path,
    "The folder below DIR whose folders are the classes to train on.")
  private static let validationFolder = Option(
    "validation-folder", "FOLDER", .path, "The same for validation.")
  private static let testFolder = Option("test-folder", "FOLDER", .path, "The same for testing.")
  private static let list = Option(
    "list", "FILE", .path,
    "Take these pictures only, with these labels: lines of path and label, CSV, TSV, JSON lines or "
      + ".lst."
  )
  private static let root = Option(
    "root", "FOLDER", .path, default: "DIR", "Where the list's paths start.")
  private static let size = Setting(
    "size", "PIXELS", .integer(in: PreparationSettings.sides), default: standard.side,
    "Width and height of the pictures that are made.")
  private static let resize = Setting(
    "resize", "crop|squeeze", .word, default: standard.resizing,
    "Scale the shorter side and take the middle, or squeeze both sides to a square as Caffe's "
      + "tools do."
  )
  private static let encoding = Option<RecordEncoding>(
    "encoding", "jpeg|png|raw", .word, default: "jpeg; png up to 64 pixels",
    "How the pictures are stored; png and raw keep every pixel, and raw needs no decoding.")
  private static let quality = Setting(
    "quality", "1-100", .integer(in: PreparationSettings.qualities), default: standard.quality,
    "The quality of a JPEG.")
  private static let holdOut = Option(
    "hold-out", "SHARE", .share,
    default: "\(plain(100 * PreparationSettings.defaultHoldOut))%",
    "Share of each class held out for validation, if the source has no validation split.")
  private static let limitPerClass = Option(
    "limit-per-class", "N", .integer(in: 1...Int.max),
    "Take at most N pictures of each class, drawn by the seed.")
  private static let seed = Setting(
    "seed", "N", .integer(in: 0...Int.max), default: Int(standard.seed),
    "Seed for the hold-out, the limit and the order on disk.")
  private static let strict = Flag("strict", "Stop at the first picture that cannot be used.")
  private static let skipCorrupt = Flag(
    "skip-corrupt", "Use damaged archives as far as they can be read.")
  private static let preview = Option(
    "preview", "FILE.png", .picture("png"),
    "Draw 40 pictures as training will see them; see also 'alexnet preview'.")

  static let command = Command(
    "alexnet prepare",
    overview: """
      Turns pictures with labels into a dataset: squares of one size in tar shards with an index,
      their mean image and colour components. 'mpirun -np N alexnet prepare' splits the work among N
      ranks on machines that see the same files. It first says what it recognised. The source is a
      folder:
        DIR/train/<class>/..., DIR/val/..., DIR/test/...   pictures in a folder for each class
        DIR/<class>/...                                 the same without other splits
        DIR/train-images-idx3-ubyte[.gz] ...            the files of MNIST and its relatives
        DIR/data_batch_1.bin ..., DIR/train.bin ...     CIFAR-10 or CIFAR-100, the binary version
        DIR/ILSVRC2012_img_train.tar ...                ILSVRC's archives as downloaded (2010 or 2012)
        DIR/*.tar                                       WebDataset shards
      and others that Docs/Data.md lists. Test pictures are kept apart for 'alexnet evaluate --split
      test'.
      """,
    synopsis: "--source DIR --out DATASET [options]",
    groups: [
      ("Where", [source, out, dryRun]),
      (
        "The source, if it is not recognised",
        [trainFolder, validationFolder, testFolder, list, root]
      ),
      ("Pictures", [size, resize, encoding, quality]),
      ("Selection", [holdOut, limitPerClass, seed, strict, skipCorrupt]),
      ("Check", [preview]),
      ("Machine", [SharedOptions.threads, SharedOptions.watchdog]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    try OverRanks.run(command, words) { arguments, world in
      let settings = try settings(arguments)
      if arguments[dryRun] {
        // The lines are the result.
        guard world.rank == 0 else { return }
        let display = PreparationDisplay(destination: settings.destination, isResult: true)
        try Preparation.survey(settings) { display.show($0) }
        return try display.finish()
      }
      if let path = arguments[preview] {
        try OutputPlace.check(path, coming: settings.destination)
      }
      let display = PreparationDisplay(destination: settings.destination)
      let crew = RankCrew(world)
      if let summary = try Preparation.run(settings, crew: crew, report: { display.show($0) }) {
        display.show(summary)
        try drawPreview(arguments, settings)
      }
    }
  }

  private static func drawPreview(
    _ arguments: Arguments, _ settings: PreparationSettings
  ) throws(Failure) {
    guard let path = arguments[preview] else { return }
    let sheet = ContactSheet(try Dataset(opening: settings.destination))
    try sheet.write(to: path)
    if let note = sheet.fontNote { StandardStream.error.tell("Note: \(note)\n") }
    try StandardStream.confirm("Drew \(quoted(path)).\n", of: path)
  }

  private static func settings(_ arguments: Arguments) throws(Failure) -> PreparationSettings {
    guard let source = arguments[Self.source] else {
      throw Failure(.usage, "Give --source DIR, the folder that holds the pictures.")
    }
    let destination = arguments[out]
    guard destination != nil || arguments[dryRun] else {
      throw Failure(.usage, "Give --out DATASET, the folder to make.")
    }
    var settings = PreparationSettings(source: source, destination: destination ?? "")
    settings.reading.list = arguments[list]
    settings.reading.root = arguments[root]
    settings.reading.trainFolder = arguments[trainFolder]
    settings.reading.validationFolder = arguments[validationFolder]
    settings.reading.testFolder = arguments[testFolder]
    settings.reading.skipsCorrupt = arguments[skipCorrupt]
    settings.side = arguments[size]
    settings.resizing = arguments[resize]
    settings.encoding = arguments[encoding]
    settings.quality = arguments[quality]
    settings.holdOut = arguments[holdOut]
    settings.limitPerClass = arguments[limitPerClass]
    settings.seed = UInt64(arguments[seed])
    settings.isStrict = arguments[strict]
    settings.threads = arguments[SharedOptions.threads]
    return settings
  }
}
