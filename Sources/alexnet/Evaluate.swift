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

  private static let classMap = Option("class-map", "FILE|by-name", .path, ClassMap.optionHelp)
  private static let weights = Option(
    "weights", "equal|fitted|W,W,...", .text, default: "equal",
    "Weight of each network of an ensemble; fitted: found on the even-numbered images, with the "
      + "figures from the odd-numbered ones.")
  private static let json = Flag("json", "Write one JSON object instead of the tables.")
  private static let csv = Flag(
    "csv", "Write the errors class by class as CSV instead of the tables.")
  private static let worst = Setting(
    "top", "N", .integer(in: 0...1_000_000), default: 10, former: "worst",
    "Confusions and confident errors to list.")
  private static let predictions = Option(
    "predictions", "FILE.csv", .path, "Write each image's five classes and probabilities.")
  private static let confusion = Option(
    "confusion", "FILE.csv", .path, "Write the confusion matrix.")
  private static let ilsvrc = Option(
    "ilsvrc", "FILE.txt", .path,
    "Write each image's five classes in the format of ILSVRC's server, and check the file.")
  private static let devkit = Option(
    "devkit", "FOLDER", .path,
    "The folder with ILSVRC's development kit, for the class numbers of ILSVRC.")
  private static let checkILSVRC = Option(
    "check-ilsvrc", "FILE.txt", .path,
    "Check and score such a file from any program instead; needs no checkpoint.")
  private static let threadsPerTower = Option(
    "threads-per-tower", "N", .integer(in: SettingBounds.threads), default: "as in training",
    "Threads of each tower; the same number gives the same figures to the last digit.")

  static let command = Command(
    "alexnet evaluate",
    overview: """
      Loss, top-1 and top-5 error of a trained network over all validation images, its confusions
      and its most confident errors. Several checkpoints make an ensemble: their outputs are
      averaged. Under 'mpirun -np N' the images are spread over the ranks; the figures are the same.
      """,
    synopsis: "RUN|CHECKPOINT... [options]", takesOperands: true,
    groups: [
      (
        "What",
        [
          SharedOptions.best, SharedOptions.dataset, SharedOptions.split, classMap,
          SharedOptions.crops, weights,
        ]
      ),
      ("Output", [json, csv, worst, predictions, confusion, ilsvrc, devkit, checkILSVRC]),
      (
        "Machine",
        [
          SharedOptions.rankThreads, threadsPerTower, SharedOptions.precision,
          SharedOptions.watchdog,
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    try OverRanks.run(command, words) { try evaluate($0, over: $1) }
  }

  private static func evaluate(_ arguments: Arguments, over world: Communicator) throws {
    let split = arguments[SharedOptions.split]
    let crops = arguments.crops
    if let path = arguments[checkILSVRC] {
      guard let data = arguments[SharedOptions.dataset] else {
        throw Failure(.usage, "--check-ilsvrc needs --data DATASET, which the file is about.")
      }
      return try check(
        path, arguments, Dataset(opening: data), split, speaks: world.rank == 0)
    }
    guard !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name the folder of a run or a checkpoint to measure.")
    }
    let networks = try arguments.operands.map { try TrainedNetwork(arguments.checkpoint($0)) }
    let dataset = try arguments.dataset(of: networks.map(\.file))
    if world.rank == 0, let notice = networks.compactMap({ $0.notice(on: dataset) }).first {
      StandardStream.error.tell("Warning: \(notice)\n")
    }
    let weighting = try weighting(arguments, networks: networks.count)
    // Problems with the output files are found before the work, not after it.
    if world.rank == 0 { try arguments.checkOutputs([predictions, confusion, ilsvrc]) }
    // What else there is to say must not get between the lines of a file.
    let streamed = [predictions, confusion, ilsvrc].filter {
      arguments[$0].map(OutputPlace.isStandardOutput) == true
    }.map { "--\($0.declaration.name)" }
    let wanted =
      streamed + [json, csv].filter { arguments[$0] }.map { "--\($0.declaration.name)" }
    guard streamed.isEmpty || wanted.count == 1 else {
      throw Failure(
        .usage,
        "\(wanted.joined(separator: " and ")) would write to standard output one after the other; "
          + "name files.")
    }
    let submission = try arguments[ilsvrc].map { _ in
      try ILSVRCSubmission(
        classNames: networks[0].file.preprocessing.classNames, kit: arguments[devkit])
    }
    let classMap = try arguments[Self.classMap].map { try ClassMap($0) } ?? .byName
    let threads = try Cores(world, threads: arguments[SharedOptions.rankThreads]).threads
    let evaluator = Evaluator(
      dataset, split: split, crops: crops, classMap: classMap, over: world, threads: threads,
      precision: arguments[SharedOptions.precision])
    if let note = try evaluator.matching(networks[0]).note, world.rank == 0 {
      StandardStream.error.tell("Note: \(note)\n")
    }
    let isForPeople = !arguments[json] && !arguments[csv] && world.rank == 0
    let status = isForPeople && streamed.isEmpty ? StatusLine() : nil
    let result = try evaluator.evaluate(
      networks, weighting: weighting,
      threadsPerTower: arguments[threadsPerTower]
    ) { done, total in
      status?.update(isLast: done == total) { "\(done) of \(total) images" }
    }
    guard world.rank == 0 else { return }
    for choice in networks.compactMap(\.choice) { StandardStream.error.tell("\(choice)\n") }
    let report = EvaluationReport(
      result, checkpoints: networks.map(\.path), weighting: weighting,
      title: "\(split.rawValue) images of \(quoted(dataset.path)), "
        + (crops == .ten ? "mean of ten crops" : "centre crop"),
      worst: arguments[worst], names: { dataset.name(split, $0) })
    for (option, text) in [
      (predictions, report.predictionsCSV), (confusion, report.confusionCSV),
    ] {
      if let path = arguments[option] {
        try TextFile.write(lines: text, to: path)
        if OutputPlace.isFile(path) { status?.say("Wrote \(quoted(path)).") }
      }
    }
    if arguments[json] || arguments[csv] {
      try StandardStream.output.write(arguments[json] ? report.json : report.csv)
    } else {
      try (streamed.isEmpty ? StandardStream.output : .error).show(report.text)
    }
    if let path = arguments[ilsvrc], let submission {
      let text = submission.text(result.whole)
      try TextFile.write(lines: text, to: path)
      let score = try submission.check(text, labels: result.whole.labels, path: path)
      guard score.top5Errors == result.whole.top5Errors else {
        throw Failure(.internal, "\(quoted(path)) scores differently from the evaluation.")
      }
      status?.say("Wrote \(quoted(path)) and checked it: \(score.top5Errors) top-5 errors.")
    }
  }

  private static func check(
    _ path: String, _ arguments: Arguments, _ dataset: Dataset, _ split: Split, speaks: Bool
  ) throws(Failure) {
    let submission = try ILSVRCSubmission(
      classNames: dataset.classNames, kit: arguments[devkit])
    let images = dataset.count(split)
    let score = try submission.check(
      TextFile.read(path), labels: (0..<images).map { dataset.label(split, $0) }, path: path)
    guard speaks else { return }
    try StandardStream.output.write(
      "\(quoted(path)) is well-formed: \(counted(images, "line", "lines")), \(score.top1Errors) "
        + "top-1 errors, "
        + "\(score.top5Errors) top-5 errors.\n")
  }

  private static func weighting(
    _ arguments: Arguments, networks: Int
  ) throws(Failure) -> EnsembleWeighting {
    guard let text = arguments[weights], text != "equal" else { return .equal }
    guard networks > 1 else {
      throw Failure(.usage, "--weights needs two checkpoints or more.")
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
