import Data
import Experiments
import Foundation
import Glibc
import JSON
import Launching
import Report
import System
import Training

/// The runs of an experiment in a folder: which are done, and how one is carried out.
///
/// `DIR/runs/NAME` is a run's folder, `DIR/runs/NAME.out` what its programs said, and
/// `DIR/runs/NAME.json` its record: of what is to be run when it begins, and of what came of it when
/// it is whole.
struct ExperimentRuns {
  let experiment: any Experiment.Type
  let scope: Scope
  let folder: String
  let datasets: [Dataset]
  let launcher: RunLauncher

  private func path(_ name: String) -> String { "\(folder)/runs/\(name)" }

  /// The records that are there, and the runs that are not whole.
  func state() throws(Failure) -> (records: [RunRecord], missing: [PlannedRun]) {
    var records: [RunRecord] = []
    // A stage's runs are known when the records of the one before are.
    while true {
      let planned = try experiment.runs(scope, after: records)
      var known: [RunRecord] = []
      for run in planned {
        if let record = try record(of: run) { known.append(record) }
      }
      if known.count == records.count {
        let done = Set(known.map(\.run.name))
        return (known, planned.filter { !done.contains($0.name) })
      }
      records = known
    }
  }

  private func record(of run: PlannedRun) throws(Failure) -> RunRecord? {
    let path = path(run.name) + ".json"
    guard FileStatus(path) != nil else { return nil }
    let record = try JSONText.decode(RunRecord.self, TextFile.read(path), from: path)
    // An evaluation is soon made again: with more seeds, other networks are averaged.
    if run.program == .evaluate, record.run != run { return nil }
    guard record.run == run else {
      throw Failure(
        .usage,
        "\(quoted(path)) is of a run with other settings; choose another --out, or remove it and "
          + "the run's folder.")
    }
    guard [nil, datasets[run.data].checksum].contains(record.dataset) else {
      throw Failure(
        .usage,
        "\(quoted(path)) is of a run on another dataset than \(quoted(datasets[run.data].path)); "
          + "choose another --out, or remove it and the run's folder.")
    }
    return record.isUnfinished == true ? nil : record
  }

  private func write(_ record: RunRecord) throws(Failure) {
    try TextFile.write(JSONText.encode(record) + "\n", to: path(record.run.name) + ".json")
  }

  // MARK: One run

  /// Carries a run out, from where it stopped if it has begun, and keeps its record.
  /// - Throws: `Failure` (savedUnfinished) where it was asked to stop; otherwise with the run's
  ///   exit code or (internal), and the file where the reason is.
  func carryOut(_ run: PlannedRun) throws(Failure) {
    var record = RunRecord(run)
    let log = path(run.name) + ".out"
    try RunDirectory("\(folder)/runs").makeFolder()
    (record.dataset, record.isUnfinished) = (datasets[run.data].checksum, true)
    try write(record)
    record.isUnfinished = nil
    switch run.program {
    case .train:
      let code = try Child.run(training(run), saves: true, output: log)
      guard code == 0 || code == ExitCode.diverged.rawValue else {
        throw ended(run, code, log)
      }
      let metrics = try RunMetrics(path(run.name))
      if let last = metrics.steps.last {
        (record.steps, record.epochs, record.hours) = (last.step, last.epoch, last.hours)
      }
      if code == 0 {
        try experiment.read(metrics, into: &record)
      } else {
        record.figures["diverged"] = 1
        try experiment.readDiverged(metrics, into: &record)
      }
    case .evaluate:
      try RunDirectory(path(run.name)).makeFolder()
      let figures = path(run.name) + "/figures.json"
      try? FileManager.default.removeItem(atPath: figures)
      let words =
        [Child.own, "evaluate"] + run.words { path($0) }
        + ["--data", datasets[run.data].path, "--json"]
      let code = try Child.run(words, saves: false, output: figures, complaints: log)
      guard code == 0 else { throw ended(run, code, log) }
      try experiment.read(
        JSONText.decode(Evaluated.self, TextFile.read(figures), from: figures), run,
        folder: { path($0) }, into: &record)
    }
    try write(record)
  }

  private func ended(_ run: PlannedRun, _ code: Int32, _ log: String) -> Failure {
    // An evaluation has nothing to save, and ends at a signal.
    Child.isAskedToStop
      || [ExitCode.savedUnfinished.rawValue, 128 + SIGINT, 128 + SIGTERM, 128 + SIGUSR1]
        .contains(code)
      ? Failure(
        .savedUnfinished,
        "Stopped in \(quoted(run.name)); the same command goes on from there.")
      : Failure(
        ExitCode(rawValue: code) ?? .internal,
        "The run \(quoted(run.name)) ended with code \(code); \(quoted(log)) says why, and the "
          + "same command tries it again.")
  }

  /// The command line of a training.
  private func training(_ run: PlannedRun) -> [String] {
    launcher.words(Child.trainer, ranks: run.ranks)
      + ["--data", datasets[run.data].path, "--out", path(run.name), "--resume", "auto"]
      + ["--seed", "\(run.seed)", "--keep", "1"] + run.words { path($0) }
  }

  /// Refuses a plan with runs on several ranks where the launcher cannot be told how many.
  func checkLauncher() throws(Failure) {
    let runs = try state().missing
    guard !launcher.takesRanks, let run = runs.first(where: { ($0.ranks ?? 1) > 1 }) else { return }
    throw Failure(
      .usage,
      "The setting \(quoted(run.arm)) is about the number of ranks; leave --launch out, or give "
        + "one that says the number, such as 'mpirun -np 2': each setting's own takes its place.")
  }

  // MARK: What they will take

  /// A setting's runs, and the seconds of a step in a short timing; nil where it ended too soon.
  struct Cost {
    var arm: String
    var runs: Int
    var steps: Int
    var seconds: Double?
    var hours: Double?
  }

  /// The steps of a timing, and those at its beginning that do not count: they touch memory for the
  /// first time.
  private static let timedSteps = 8
  static let untimedSteps = 3

  /// Times some steps of each setting that has runs to make.
  func costs(of runs: [PlannedRun], progress: (String) -> Void) throws(Failure) -> [Cost] {
    var costs: [Cost] = []
    for run in runs where run.program == .train {
      if let place = costs.firstIndex(where: { $0.arm == run.arm }) {
        costs[place].runs += 1
        costs[place].hours = costs[place].hours.map {
          $0 * Double(costs[place].runs) / Double(costs[place].runs - 1)
        }
        continue
      }
      progress("timing \(run.arm)")
      let dataset = datasets[run.data]
      let count = (train: dataset.count(.train), validation: dataset.count(.validation))
      let batch = Double(run.number("--batch-size") ?? 128)
      let all = Double(run.number("--epochs") ?? 90) * Double(count.train) / batch
      let steps = min(Int(all.rounded(.up)), run.number("--max-steps") ?? .max)
      // A run of few steps still takes as long as they do.
      let epochs = Int((Double(Self.timedSteps) * batch / Double(max(1, count.train))).rounded(.up))
      let seconds = try secondsOfAStep(run, epochs: min(1_000_000, epochs + 1))
      // A validation computes a third of what a step does, and there is one an epoch.
      let validations = Double(steps) * batch / Double(max(1, count.train))
      let hours = seconds.map {
        $0 * (Double(steps) + validations * Double(count.validation) / batch / 3) / 3600
      }
      costs.append(Cost(arm: run.arm, runs: 1, steps: steps, seconds: seconds, hours: hours))
    }
    return costs
  }

  private func secondsOfAStep(
    _ run: PlannedRun, epochs: Int
  ) throws(Failure) -> Double? {
    let timing = NSTemporaryDirectory() + "alexnet-timing-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: timing) }
    try RunDirectory(timing).makeFolder()
    var timed = run
    timed.words = run.without([
      "--max-steps", "--validate-every", "--init-from", "--reset", "--epochs",
    ])
    let words =
      launcher.words(Child.trainer, ranks: run.ranks)
      + ["--data", datasets[run.data].path, "--out", timing + "/run"]
      + ["--max-steps", "\(Self.timedSteps)", "--epochs", "\(epochs)"]
      + ["--validate-every", "1000000"] + timed.words { path($0) }
    let code = try Child.run(words, saves: true, output: timing + "/out")
    guard code == 0 else {
      let said = (try? TextFile.read(timing + "/out")) ?? ""
      throw Failure(
        ExitCode(rawValue: code) ?? .internal,
        "A short run of \(quoted(run.arm)) ended with code \(code) and these words:\n\(said)")
    }
    let seconds = try RunMetrics(timing + "/run").steps.dropFirst(Self.untimedSteps)
      .map(\.seconds).sorted()
    return seconds.isEmpty ? nil : seconds[seconds.count / 2]
  }
}

extension PlannedRun {
  /// The number behind an option.
  fileprivate func number(_ option: String) -> Int? {
    words.lastIndex(of: option).flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
  }

  /// The options without some, and without their values.
  fileprivate func without(_ options: [String]) -> [String] {
    words.indices.filter { place in
      !options.contains(words[place]) && (place == 0 || !options.contains(words[place - 1]))
    }.map { words[$0] }
  }
}

/// A program that is run and waited for.
enum Child {
  /// This program.
  static var own: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }

  /// alexnet-train, which is installed beside it.
  static var trainer: String { beside("alexnet-train") }

  /// One of the programs that are installed beside this one.
  static func beside(_ name: String) -> String {
    URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
  }

  /// Whether a program was asked to stop: then no other begins.
  nonisolated(unsafe) private(set) static var isAskedToStop = false

  /// Runs a program to its end; signals to this one go to it.
  /// - Parameters:
  ///   - words: Its path and arguments.
  ///   - saves: Whether SIGUSR1 makes it save and stop.
  ///   - output: The file to which its output is added.
  ///   - complaints: The file for standard error; nil for the same.
  /// - Returns: Its exit code; 128 and the signal's number where a signal ended it.
  /// - Throws: `Failure` where it cannot be started.
  static func run(
    _ words: [String], saves: Bool, output: String, complaints: String? = nil
  ) throws(Failure) -> Int32 {
    guard !isAskedToStop else {
      throw Failure(.savedUnfinished, "Stopped between two runs; the same command goes on.")
    }
    let first = try descriptor(output)
    defer { close(first) }
    let second = try complaints.map(descriptor)
    defer { if let second { close(second) } }
    // It says something where it is asked to stop.
    return try HeldJob.run(words, saves: saves, output: (first, second ?? first)) { sentence in
      isAskedToStop = true
      StandardStream.error.tell("alexnet: \(sentence)\n")
    }
  }

  private static func descriptor(_ path: String) throws(Failure) -> Int32 {
    let opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard opened >= 0 else {
      throw .system(
        .cannotCreate, "\(quoted(path)) cannot be written", errno: errno,
        remedy: "Choose another --out.")
    }
    // Where a stream of this program is closed, the file has taken its number.
    defer { close(opened) }
    return fcntl(opened, F_DUPFD_CLOEXEC, 3)
  }
}
