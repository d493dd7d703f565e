import AlexNet
import Checkpoints
import Data
import Evaluation
import MPI
import Options
import System
import Training

/// `alexnet evaluate`: measures trained networks as the paper does.
enum Evaluate: Subcommand {
  static let name = "evaluate"
  static let summary = "measure trained networks on a dataset (also under mpirun -np N)"

  private static let command = Command(
    "alexnet evaluate",
    overview: """
      Loss, top-1 and top-5 error of a trained network over all validation images, its confusions and its most
      confident errors. Several checkpoints make an ensemble: their outputs are averaged. Under
      'mpirun -np N' the images are spread over the ranks; the figures are the same.
      """,
    synopsis: "RUN|CHECKPOINT... --data DATASET [options]", takesOperands: true,
    groups: [
      (
        "What",
        [
          Option("data", "DATASET", "A dataset that 'alexnet prepare' made."),
          Option(
            "split", "validation|test|train", default: "validation", "The part of the dataset."),
          Option("class-map", "FILE|by-name", ClassMap.optionHelp),
          Option(
            "crops", "1|10", default: "1",
            "The middle of each image, or the mean over the paper's ten crops."),
          Option(
            "weights", "equal|fitted|W,W,...", default: "equal",
            "What each network of an ensemble counts for; fitted: on the images of even number, with the "
              + "figures from the others."),
        ]
      ),
      (
        "Output",
        [
          .flag("json", "Write one JSON object in place of the tables."),
          .flag("csv", "Write the errors class by class as CSV in place of the tables."),
          Option("worst", "N", default: "10", "Confusions and confident errors to list."),
          Option("predictions", "FILE.csv", "Write each image's five classes and probabilities."),
          Option("confusion", "FILE.csv", "Write the confusion matrix."),
          Option(
            "ilsvrc", "FILE.txt",
            "Write each image's five classes as ILSVRC's server takes them, and check the file."),
          Option(
            "devkit", "FOLDER",
            "The folder with ILSVRC's development kit, for the class numbers of ILSVRC."),
          Option(
            "check-ilsvrc", "FILE.txt",
            "Check and score such a file of any program instead; needs no checkpoint."),
        ]
      ),
      (
        "Machine",
        [
          Option(
            "threads", "N", default: "the cores that the rank may use", "Threads of each rank."),
          Option(
            "threads-per-tower", "N", default: "as in training",
            "Threads of each tower; figures are equal to the last digit for equal numbers."),
          OverRanks.watchdogOption,
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    try OverRanks.run(command, words) { try evaluate($0, over: $1) }
  }

  private static func evaluate(_ arguments: Arguments, over world: Communicator) throws {
    guard let data = arguments.string("data") else {
      throw Failure(.usage, "Give --data DATASET, a dataset that 'alexnet prepare' made.")
    }
    let split = try arguments.split(of: [.validation, .test, .train])
    let crops = try arguments.choice("crops", of: ["1", "10"]) == "10" ? Crops.ten : .centre
    let worst = try arguments.integer("worst", in: 0...1_000_000) ?? 10
    let dataset = try Dataset(opening: data)
    if let path = arguments.string("check-ilsvrc") {
      return try check(path, arguments, dataset, split, speaks: world.rank == 0)
    }
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name the folder of a run or a checkpoint to measure.")
    }
    let networks = try arguments.operands.map { try TrainedNetwork(opening: $0) }
    if world.rank == 0, let notice = networks.compactMap({ $0.notice(on: dataset) }).first {
      StandardStream.error.tell("Warning: \(notice)\n")
    }
    let weighting = try weighting(arguments, networks: networks.count)
    // What the files need is found out before the work, not after it.
    for option in ["predictions", "confusion", "ilsvrc"] {
      if let path = arguments.string(option), world.rank == 0 { try OutputPlace.check(path) }
    }
    let submission = try arguments.string("ilsvrc").map { _ in
      try ILSVRCSubmission(
        classNames: networks[0].file.preprocessing.classNames, kit: arguments.string("devkit"))
    }
    let classMap = try arguments.string("class-map").map { try ClassMap($0) } ?? .byName
    let threads = try Cores(world, threads: arguments.integer("threads", in: 1...1024)).threads
    let evaluator = Evaluator(
      dataset, split: split, crops: crops, classMap: classMap, over: world, threads: threads)
    if let note = try evaluator.matching(networks[0]).note, world.rank == 0 {
      StandardStream.error.tell("Note: \(note)\n")
    }
    let isForPeople = !arguments.has("json") && !arguments.has("csv") && world.rank == 0
    let status = isForPeople ? StatusLine() : nil
    let result = try evaluator.evaluate(
      networks, weighting: weighting,
      threadsPerTower: arguments.integer("threads-per-tower", in: 1...1024)
    ) { done, total in
      status?.update(isLast: done == total) { "\(done) of \(total) images" }
    }
    guard world.rank == 0 else { return }
    let report = EvaluationReport(
      result, checkpoints: networks.map(\.path), weighting: weighting,
      title: "\(split.rawValue) images of \(quoted(data)), "
        + (crops == .ten ? "mean of ten crops" : "centre crop"),
      worst: worst, names: { dataset.name(split, $0) })
    for (option, text) in [
      ("predictions", report.predictionsCSV), ("confusion", report.confusionCSV),
    ] {
      if let path = arguments.string(option) { try TextFile.write(lines: text, to: path) }
    }
    if arguments.has("json") || arguments.has("csv") {
      try StandardStream.output.write(arguments.has("json") ? report.json : report.csv)
    } else {
      try StandardStream.output.show(report.text)
    }
    if let path = arguments.string("ilsvrc"), let submission {
      let text = submission.text(result.whole)
      try TextFile.write(lines: text, to: path)
      let score = try submission.check(text, labels: result.whole.labels, path: path)
      guard score.top5Errors == result.whole.top5Errors else {
        throw Failure(.internal, "\(quoted(path)) does not score as the evaluation does.")
      }
      status?.say("Wrote \(quoted(path)) and checked it: \(score.top5Errors) top-5 errors.")
    }
  }

  private static func check(
    _ path: String, _ arguments: Arguments, _ dataset: Dataset, _ split: Split, speaks: Bool
  ) throws(Failure) {
    let submission = try ILSVRCSubmission(
      classNames: dataset.classNames, kit: arguments.string("devkit"))
    let images = dataset.count(split)
    let score = try submission.check(
      TextFile.read(path), labels: (0..<images).map { dataset.label(split, $0) }, path: path)
    guard speaks else { return }
    try StandardStream.output.write(
      "\(quoted(path)) is well-formed: \(images) lines, \(score.top1Errors) top-1 errors, "
        + "\(score.top5Errors) top-5 errors.\n")
  }

  private static func weighting(
    _ arguments: Arguments, networks: Int
  ) throws(Failure) -> EnsembleWeighting {
    guard let text = arguments.string("weights"), text != "equal" else { return .equal }
    guard networks > 1 else {
      throw Failure(.usage, "--weights goes with two checkpoints or more.")
    }
    if text == "fitted" { return .fitted }
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
    let weights = words.compactMap { Double($0) }
    guard weights.count == words.count, weights.count == networks,
      weights.allSatisfy({ $0 >= 0 && $0.isFinite }), weights.reduce(0, +) > 0
    else {
      throw Failure(
        .usage,
        "--weights takes 'equal', 'fitted' or \(networks) numbers of 0 or more for \(networks) "
          + "checkpoints, not \(quoted(text)).")
    }
    return .given(weights)
  }
}
