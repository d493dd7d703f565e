import Data
import Experiments
import Foundation
import Glibc
import JSON
import Report
import System
import Training

/// The runs of an experiment in a folder: which are done, and how one is carried out.
///
/// `DIR/runs/NAME` is a run's folder, `DIR/runs/NAME.out` what its programs said, and
/// `DIR/runs/NAME.json` its record, which is written when the run is whole.
struct ExperimentRuns {
  let experiment: any Experiment.Type
  let scope: Scope
  let folder: String
  let datasets: [String]
  /// What starts a training on several ranks; empty for one process.
  let launcher: [String]

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
    guard record.run == run else {
      throw Failure(
        .usage,
        "\(quoted(path)) is of a run with other settings; choose another --out, or remove it.")
    }
    return record
  }

  // MARK: One run

  /// Carries a run out, from where it stopped if it has begun, and keeps its record.
  /// - Throws: `Failure` (savedUnfinished) where it was asked to stop; otherwise with the run's
  ///   exit code or (internal), and the file where the reason is.
  func carryOut(_ run: PlannedRun) throws(Failure) {
    var record = RunRecord(run)
    let log = path(run.name) + ".out"
    try RunDirectory("\(folder)/runs").makeFolder()
    switch run.program {
    case .train:
      let code = try Child.run(training(run), output: log)
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
      }
    case .evaluate:
      try RunDirectory(path(run.name)).makeFolder()
      let figures = path(run.name) + "/figures.json"
      try? FileManager.default.removeItem(atPath: figures)
      let words =
        [Child.own, "evaluate"] + run.words { path($0) } + ["--data", datasets[run.data], "--json"]
      let code = try Child.run(words, output: figures, complaints: log)
      guard code == 0 else { throw ended(run, code, log) }
      try experiment.read(
        JSONText.decode(Evaluated.self, TextFile.read(figures), from: figures), run,
        folder: { path($0) }, into: &record)
    }
    try TextFile.write(JSONText.encode(record) + "\n", to: path(run.name) + ".json")
  }

  private func ended(_ run: PlannedRun, _ code: Int32, _ log: String) -> Failure {
    code == ExitCode.savedUnfinished.rawValue
      ? Failure(
        .savedUnfinished,
        "Stopped in \(quoted(run.name)), which is saved; the same command goes on from there.")
      : Failure(
        ExitCode(rawValue: code) ?? .internal,
        "The run \(quoted(run.name)) ended with code \(code); \(quoted(log)) says why, and the "
          + "same command tries it again.")
  }

  /// The command line of a training.
  private func training(_ run: PlannedRun) -> [String] {
    start(run)
      + ["--data", datasets[run.data], "--out", path(run.name), "--resume", "auto"]
      + ["--seed", "\(run.seed)", "--keep", "1"] + run.words { path($0) }
  }

  /// The program, and what starts it on the run's ranks.
  private func start(_ run: PlannedRun) -> [String] {
    var words = run.ranks == 1 ? [] : launcher
    if let ranks = run.ranks, let place = words.firstIndex(where: { $0 == "-np" || $0 == "-n" }),
      place + 1 < words.count
    {
      words[place + 1] = "\(ranks)"
    }
    return (words.isEmpty ? [] : ["/usr/bin/env"] + words) + [Child.trainer]
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
    let counts = try datasets.map { path throws(Failure) in
      let dataset = try Dataset(opening: path)
      return (train: dataset.count(.train), validation: dataset.count(.validation))
    }
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
      let count = counts[run.data]
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
      start(run) + ["--data", datasets[run.data], "--out", timing + "/run"]
      + ["--max-steps", "\(Self.timedSteps)", "--epochs", "\(epochs)"]
      + ["--validate-every", "1000000"] + timed.words { path($0) }
    let code = try Child.run(words, output: timing + "/out")
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
  static var trainer: String {
    URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("alexnet-train")
      .path
  }

  /// The process that runs, for the handler of signals, and how often it was asked to stop.
  nonisolated(unsafe) private static var running: pid_t = 0
  nonisolated(unsafe) private static var requests = 0

  /// From now on a signal to this program asks the one that runs to save and leave; a second one
  /// ends it.
  static func passSignalsOn() {
    for number in [SIGINT, SIGTERM, SIGUSR1] {
      signal(number) { _ in
        Child.requests += 1
        if Child.running > 0 { kill(Child.running, Child.requests > 1 ? SIGTERM : SIGUSR1) }
      }
    }
  }

  /// Runs a program to its end.
  /// - Parameters:
  ///   - words: Its path and arguments.
  ///   - output: The file to which its output is added.
  ///   - complaints: The file for standard error; nil for the same.
  /// - Returns: Its exit code; 128 and the signal's number where a signal ended it.
  /// - Throws: `Failure` where it cannot be started.
  static func run(
    _ words: [String], output: String, complaints: String? = nil
  ) throws(Failure) -> Int32 {
    guard requests == 0 else {
      throw Failure(.savedUnfinished, "Stopped between two runs; the same command goes on.")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try handle(output)
    process.standardError = try complaints.map(handle) ?? process.standardOutput
    do { try process.run() } catch {
      throw Failure(.inputMissing, "\(quoted(words[0])) cannot be started: \(error).")
    }
    running = process.processIdentifier
    process.waitUntilExit()
    running = 0
    return process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0)
  }

  private static func handle(_ path: String) throws(Failure) -> FileHandle {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .system(
        .cannotCreate, "\(quoted(path)) cannot be written", errno: errno,
        remedy: "Choose another --out.")
    }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }
}
