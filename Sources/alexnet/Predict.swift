import AlexNet
import Evaluation
import Failures
import Foundation
import Options
import Threads
import Training

/// `alexnet predict`: what a trained network sees in pictures.
enum Predict: Subcommand {
  static let name = "predict"
  static let summary = "classify pictures with a trained network"

  private static let command = Command(
    "alexnet predict",
    overview: """
      Names the most probable classes of pictures: JPEG, PNG, WebP, TIFF or BMP files, folders of them at any depth,
      and '-' for a list on standard input, a path a line. A picture that cannot be read is reported and the
      others are done; the exit code is then 65.
      """,
    synopsis: "--checkpoint RUN|FILE IMAGE|FOLDER|-... [options]", takesOperands: true,
    groups: [
      (
        "What",
        [
          Option(
            "checkpoint", "RUN|FILE", "The network: the newest checkpoint of a run, or a file."),
          Option(
            "crops", "1|10", default: "1",
            "The middle of each picture, or the mean over the paper's ten crops."),
          Option("top", "N", default: "5", "Classes to name."),
        ]
      ),
      (
        "Output",
        [
          .flag("json", "Write a JSON object a line for each picture."),
          .flag("csv", "Write a line of comma-separated values for each picture."),
        ]
      ),
      ("Machine", [Option("threads", "N", default: "one for each core", "Threads to work with.")]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return StandardStream.output.write(command.helpText) }
    guard let path = arguments.string("checkpoint") else {
      throw Failure(.usage, "Give --checkpoint RUN, the folder of a run, or a checkpoint in it.")
    }
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name pictures, folders of them, or '-' for a list on standard input.")
    }
    let crops = try arguments.choice("crops", of: ["1", "10"]) == "10" ? Crops.ten : .centre
    let top = try arguments.integer("top", in: 1...1_000_000) ?? 5
    let threads = try arguments.integer("threads", in: 1...1024) ?? Affinity.coreCount
    let format: PredictionFormat =
      arguments.has("json") ? .json : arguments.has("csv") ? .csv : .table
    let network = try TrainedNetwork(opening: path)
    let pictures = PictureList(arguments.operands)
    let batch = min(max(1, pictures.files.count), 4 * threads)
    let classifier = try Classifier(
      network.file, batchSize: batch * crops.rawValue,
      threadsPerTower: max(1, threads / network.file.network.towers))
    let writer = PredictionWriter(
      format, classNames: classifier.classNames, top: min(top, classifier.classNames.count))
    StandardStream.output.write(writer.heading)
    var reader = PictureReader(
      pictures, side: classifier.imageSide, team: ThreadTeam(count: threads))
    while let read = reader.read(batch) {
      let predictions = try classifier.classify(read.map(\.picture), crops: crops)
      for ((file, _), prediction) in zip(read, predictions) {
        StandardStream.output.write(writer.text(file, prediction))
      }
    }
    try reader.problems.report()
  }
}

extension [Failure] {
  /// Says what went wrong on standard error; the last sentence ends the program with its code.
  func report() throws(Failure) {
    for problem in dropLast() { StandardStream.error.write("alexnet: \(problem.message)\n") }
    if let last { throw last }
  }
}
