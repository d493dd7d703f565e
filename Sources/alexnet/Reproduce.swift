import Data
import Experiments
import Foundation
import Options
import Report
import System
import Training

/// `alexnet reproduce`: tries a claim of the paper, from its runs to a table and a figure.
enum Reproduce: Subcommand {
  static let name = "reproduce"
  static let summary = "try a claim of the paper: its runs, a table with spread, a figure"

  private static let data = ListOption(
    "data", "DATASET", .path, "A dataset that 'alexnet prepare' made; some experiments take more.")
  private static let out = Option(
    "out", "DIR", .path,
    "The folder of the runs, of NAME.md, NAME.svg and NAME.json. Runs that are there go on.")
  private static let seeds = Option(
    "seeds", "N", .integer(in: 1...1000), default: "the experiment's", "Seeds of each setting.")
  private static let epochs = Option(
    "epochs", "N", .integer(in: 1...1_000_000), default: "the experiment's",
    "Epochs of a run.")
  private static let batchSize = Option(
    "batch-size", "N", .integer(in: SettingBounds.batchSize), default: "the experiment's",
    "Images in a batch.")
  private static let network = Option(
    "network", "NAME|FILE", .path, default: "the experiment's", "The network that is varied.")
  private static let with = Option(
    "with", "OPTIONS", .text,
    "Options of alexnet-train for every run, in one word: '--max-steps 50 --threads 1'.")
  private static let launch = Option(
    "launch", "COMMAND", .text, default: "as 'alexnet launch' does, on 2 ranks",
    "What starts a training on its ranks, such as 'mpirun -np 4'; none for one process.")
  private static let dryRun = Flag(
    "dry-run", "Time some steps of each setting, say what all runs will take, and make none.")
  private static let slurm = Option(
    "slurm", "OPTIONS", .text,
    "Submit the runs as an array of jobs with these options of sbatch ('-c 16 --time=12:00:00'), "
      + "and the next stage or the table as a job after them.")
  private static let fromJSON = Option(
    "from-json", "FILE", .path, "Write table and figure again from NAME.json, without training.")
  private static let only = Option(
    "only", "RUN", .text, isHidden: true, "Carry out one run, for a job of an array.")

  static let command = Command(
    "alexnet reproduce",
    overview: """
      Makes the runs of an experiment one after the other, each once: a run that was interrupted
      goes on where it stopped. Then writes a table with means, standard deviations and 95 %
      intervals over seeds (Student's t, paired by seed where settings are compared), a figure, and
      a small JSON from which both can be made again. Experiments:
      \(Experiments.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")).
      """,
    synopsis: "NAME --data DATASET --out DIR [options]  |  --from-json FILE --out DIR",
    takesOperands: true,
    groups: [
      ("What", [data, out, seeds, epochs, batchSize, network, with]),
      ("How", [launch, dryRun, slurm, fromJSON, only]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    let names = Experiments.all.map { $0.name }
    let others: [any AnyOption] = [
      data, seeds, epochs, batchSize, network, with, launch, dryRun, slurm, only,
    ]
    if arguments.has(fromJSON), let other = others.first(where: arguments.has) {
      throw Failure(
        .usage,
        "--from-json draws what the file holds, so --\(other.declaration.name) means nothing to it; "
          + "leave it out.")
    }
    let given = try arguments[fromJSON].map { path throws(Failure) in
      try ExperimentFile(try TextFile.read(path), from: path)
    }
    // The file names its experiment; whoever does so too must name the same.
    let named = arguments.operands + (arguments.operands.isEmpty ? [given?.experiment ?? ""] : [])
    guard named.count == 1,
      let experiment = Experiments.all.first(where: { $0.name == named[0] })
    else {
      throw Failure(.usage, "Name one experiment: \(names.joined(separator: ", ")).")
    }
    guard let folder = arguments[out] else {
      throw Failure(.usage, "Give --out DIR, the folder of the experiment.")
    }
    if let file = given, let path = arguments[fromJSON] {
      guard file.experiment == experiment.name else {
        throw Failure(.usage, "\(quoted(path)) is of the experiment \(quoted(file.experiment)).")
      }
      try RunDirectory(folder).makeFolder()
      return try write(file, experiment, into: folder)
    }
    let datasets = arguments[data]
    guard experiment.datasets.contains(datasets.count) else {
      let (least, most) = (experiment.datasets.lowerBound, experiment.datasets.upperBound)
      throw Failure(
        .usage,
        "\(experiment.name) takes --data \(least == most ? "once" : "\(least) to \(most) times"), "
          + "not \(counted(datasets.count, "time", "times")).")
    }
    let opened = try datasets.map { path throws(Failure) in try Dataset(opening: path) }
    guard Set(opened.map(\.checksum)).count == opened.count else {
      throw Failure(.usage, "Two of the datasets of --data are the same; give each once.")
    }
    try checkEnvironment()
    // Grey pictures have one component of colour.
    if experiment.needsColour, let grey = opened.first(where: { !$0.isColoured }) {
      throw Failure(
        .usage,
        "The pictures of \(quoted(grey.path)) are grey, and \(experiment.name) is about colour; "
          + "choose coloured ones.")
    }
    var scope = scope(arguments, experiment)
    scope.pictures = opened.map { $0.count(.train) }
    try scope.check(experiment)
    let runs = ExperimentRuns(
      experiment: experiment, scope: scope, folder: folder, datasets: opened,
      launcher: RunLauncher(arguments[launch]))
    try runs.checkLauncher()
    if arguments[dryRun] { return try forecast(runs) }
    if let name = arguments[only] {
      let (records, missing) = try runs.state()
      if let run = missing.first(where: { $0.name == name }) {
        _ = try runs.carryOut(run)
      } else if !records.contains(where: { $0.run.name == name }) {
        throw Failure(
          .usage,
          "There is no run \(quoted(name)) to make; what it starts from may not be whole yet.")
      }
      return
    }
    if let options = arguments[slurm], try runs.state().missing.count > 0 {
      return try SlurmArray(runs, words: words, options: split(options)).submit()
    }
    let lock = try lock(folder)
    defer { close(lock) }
    let problem = try carryOut(runs)
    let (records, missing) = try runs.state()
    let file = ExperimentFile(
      experiment: experiment.name, program: ProgramVersion().text(of: "alexnet").firstLine,
      datasets: opened.map(\.description), scope: runs.scope, records: records,
      missing: missing.map(\.name))
    // Of what there is.
    if problem == nil || !file.records.isEmpty { try write(file, experiment, into: folder) }
    if let problem { throw problem }
  }

  /// Refuses variables that would change every run without being in any record.
  private static func checkEnvironment() throws(Failure) {
    guard let name = Child.trainerVariables.first else { return }
    throw Failure(
      .usage,
      "The environment sets \(name), which would change every run and be in no record; unset it, "
        + "and give the option within --with.")
  }

  /// Keeps a second command out of the experiment's folder while this one is at work in it.
  /// - Returns: The open folder, whose lock ends with it.
  private static func lock(_ folder: String) throws(Failure) -> Int32 {
    try RunDirectory(folder).makeFolder()
    let place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    // Some network file systems have no such locks.
    guard place >= 0, flock(place, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else {
      return place
    }
    throw Failure(
      .cannotCreate,
      "Another 'alexnet reproduce' is at work in \(quoted(folder)); wait for its end, or choose "
        + "another --out.")
  }

  /// The words of a text between blanks.
  private static func split(_ text: String) -> [String] {
    text.split(separator: " ").map(String.init)
  }

  /// The options of a text, each with its value behind it: `--name=value` is two words.
  private static func options(_ text: String) -> [String] {
    split(text).flatMap { word in
      word.hasPrefix("--") ? word.split(separator: "=", maxSplits: 1).map(String.init) : [word]
    }
  }

  private static func scope(_ arguments: Arguments, _ experiment: any Experiment.Type) -> Scope {
    var scope = experiment.standard
    scope.seeds = arguments[seeds] ?? scope.seeds
    scope.epochs = arguments[epochs] ?? scope.epochs
    scope.batchSize = arguments[batchSize] ?? scope.batchSize
    scope.network = arguments[network] ?? scope.network
    scope.datasets = arguments[data].count
    scope.with = arguments[with].map(options) ?? []
    return scope
  }

  /// Makes all runs, stage by stage; one that fails does not keep others from being made, unless it
  /// is the first of all and made no step.
  /// - Returns: What to say of those that failed; nil where none did.
  /// - Throws: `Failure` (savedUnfinished) where it was asked to stop.
  private static func carryOut(_ runs: ExperimentRuns) throws(Failure) -> Failure? {
    var failed: [(name: String, failure: Failure)] = []
    // Of the trainings that this command has made.
    var (images, seconds) = (0.0, 0.0)
    while true {
      let (records, missing) = try runs.state()
      let left = missing.filter { run in !failed.contains { $0.name == run.name } }
      guard let run = left.first else { break }
      var line =
        "[\(records.count + 1) of \(records.count + missing.count)] \(run.arm), seed \(run.seed)"
      if images > 0 {
        let rest = left.reduce(0) { $0 + runs.images(of: $1) } * seconds / images
        line += ", about \(time(rest)) left for these runs"
      }
      StandardStream.output.tell(line + "\n")
      // One that goes on is sooner whole, and tells nothing of others.
      let (isNew, start) = (run.program == .train && !runs.isBegun(run), MonotonicClock.seconds)
      do {
        let record = try runs.carryOut(run)
        if isNew {
          images += Double(record.steps) * ExperimentRuns.batchSize(of: run)
          seconds += MonotonicClock.seconds - start
        }
      } catch {
        if error.exitCode == .savedUnfinished { throw error }
        // What is wrong with the first is most often wrong with all.
        if records.isEmpty, failed.isEmpty, !runs.isBegun(run) { throw error }
        StandardStream.error.tell("alexnet: \(error.message)\n")
        failed.append((run.name, error))
      }
    }
    return failed.first.map { first in
      Failure(
        first.failure.exitCode,
        "\(counted(failed.count, "run", "runs")) did not end well: \(listed(failed.map(\.name))). "
          + "The table is without them and what follows from them. The others are kept, and the "
          + "same command tries these again.")
    }
  }

  /// A time in words, with one unit: `40 s`, `12 min`, `1.4 h`.
  private static func time(_ seconds: Double) -> String {
    seconds < 99.5
      ? String(format: "%.0f s", seconds)
      : seconds < 99.5 * 60
        ? String(format: "%.0f min", seconds / 60) : String(format: "%.1f h", seconds / 3600)
  }

  private static func forecast(_ runs: ExperimentRuns) throws(Failure) {
    let (records, missing) = try runs.state()
    // Settings whose runs are known count once.
    let known = Set((records.map(\.run) + missing).map(\.name))
    let later = runs.experiment.later(runs.scope).filter { !known.contains($0.name) }
    let status = StatusLine()
    let costs = try runs.costs(of: missing + later) { words in
      status.update(isLast: false) { words }
    }
    status.update(isLast: true) { "timed" }
    let columns: [Column] = [.left(44), .right(5), .right(9), .right(9), .right(8)]
    var text = tableLine(["setting", "runs", "steps", "s a step", "time"], columns, gap: 2) + "\n"
    for cost in costs {
      text +=
        tableLine(
          [
            cost.arm, "\(cost.runs)", "\(cost.steps)", plain(cost.seconds, digits: 3),
            time(3600 * cost.hours),
          ], columns, gap: 2) + "\n"
    }
    let hours = costs.map(\.hours).reduce(0, +)
    text +=
      "\(time(3600 * hours)) of steps in all; \(counted(records.count, "run is", "runs are")) done. "
      + "Starts, some seconds each, and evaluations come on top, and a search may need more rates.\n"
    try StandardStream.output.write(text)
  }

  private static func write(
    _ file: ExperimentFile, _ experiment: any Experiment.Type, into folder: String
  ) throws(Failure) {
    let result = experiment.result(file.scope, file.records)
    let place = "\(folder)/\(experiment.name)"
    try TextFile.write(lines: file.json, to: place + ".json")
    let page = file.page(experiment, result)
    try TextFile.write(lines: page, to: place + ".md")
    try TextFile.write(lines: try result.svg(), to: place + ".svg")
    try StandardStream.output.write(page + "Written: \(place).md, .svg and .json\n")
  }
}

extension String {
  fileprivate var firstLine: String {
    split(separator: "\n").first.map(String.init) ?? ""
  }
}
