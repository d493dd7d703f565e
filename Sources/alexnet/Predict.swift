import AlexNet
import Checkpoints
import Evaluation
import Images
import MPI
import Networks
import Options
import System
import Training

/// `alexnet predict`: classifies pictures with a trained network.
enum Predict: Subcommand {
  static let name = "predict"
  static let summary = "classify pictures with a trained network (also under mpirun -np N)"

  private static let top = Setting(
    "top", "N", .integer(in: 1...1_000_000), default: 5, "Classes to name.")
  private static let json = Flag("json", "Write one line of JSON for each picture.")
  private static let csv = Flag(
    "csv", "Write a line of comma-separated values for each picture.")

  static let command = Command(
    "alexnet predict",
    overview: """
      Names the most probable classes of pictures: files (JPEG, PNG, WebP, TIFF and other formats of
      pictures), folders of them at any depth, and '-' for a list on standard input, one path per
      line. A picture that cannot be read is reported and the others are done; the exit code is then
      65. Under 'mpirun -np N' the pictures are spread over the ranks.
      """,
    synopsis: "RUN|CHECKPOINT IMAGE|FOLDER|-... [options]", takesOperands: true,
    groups: [
      (
        "What",
        [
          SharedOptions.formerCheckpoint, SharedOptions.best, SharedOptions.crops,
          SharedOptions.resize, top,
        ]
      ),
      ("Output", [json, csv]),
      (
        "Machine",
        [SharedOptions.rankThreads, SharedOptions.precision, SharedOptions.watchdog]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    try OverRanks.run(command, words) { try predict($0, over: $1) }
  }

  private static func predict(_ arguments: Arguments, over world: Communicator) throws {
    let words = arguments.operands(orBy: SharedOptions.formerCheckpoint)
    guard words.count > 1 else {
      throw Failure(
        .usage,
        "Name a run or a checkpoint, and then pictures, folders of them, or '-' for a list on "
          + "standard input: alexnet predict RUN cat.jpg.")
    }
    let crops = arguments.crops
    let threads = try Cores(world, threads: arguments[SharedOptions.rankThreads]).threads
    let format: PredictionFormat =
      arguments[json] ? .json : arguments[csv] ? .csv : .table
    let network = try TrainedNetwork(arguments.checkpoint(words[0]))
    if world.rank == 0, let choice = network.choice { StandardStream.error.tell("\(choice)\n") }
    let pictures = try PictureList(telling: Array(words.dropFirst()), over: world)
    // The ranks take turns, so all use the same number of pictures.
    let batch = min(
      max(1, pictures.files.count), 4 * Int(try world.allReduce(Int64(threads), .min)))
    let classifier = try Classifier(
      network.file, batchSize: batch * crops.rawValue,
      threadsPerTower: max(1, threads / network.file.network.towers),
      precision: arguments[SharedOptions.precision])
    let writer = PredictionWriter(
      format, classNames: classifier.classNames,
      top: min(arguments[top], classifier.classNames.count))
    if world.rank == 0 { try StandardStream.output.write(writer.heading) }
    var reader = PictureReader(
      pictures, side: classifier.imageSide,
      resizing: arguments[SharedOptions.resize] ?? classifier.preprocessing.resizing,
      team: ThreadTeam(count: threads), over: world)
    while let read = reader.read(batch) {
      let predictions = try classifier.classify(read.map(\.picture), crops: crops)
      try world.write(zip(read, predictions).map { writer.text($0.file, $1) }.joined())
    }
    try reader.allProblems().report(by: world)
  }
}

extension Communicator {
  /// Makes the first rank print the texts of all ranks on standard output, in rank order.
  func write(_ text: String) throws {
    for text in try allGather(text) where rank == 0 { try StandardStream.output.write(text) }
  }
}

extension PictureList {
  /// Makes the list on all ranks, and reports on standard error what was left out of folders.
  init(telling words: [String], over world: Communicator) throws(MPIError) {
    try self.init(words, over: world)
    for note in notes { StandardStream.error.tell("\(note)\n") }
  }
}

extension [Failure] {
  /// Reports errors on standard error; the last one ends the program with its code.
  func report(by world: Communicator) throws(Failure) {
    if world.rank == 0 {
      for problem in dropLast() { StandardStream.error.tell("alexnet: \(problem.message)\n") }
    }
    if let last { throw last }
  }
}
