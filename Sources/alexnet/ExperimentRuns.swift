import Data
import Experiments
import Foundation
import Glibc
import JSON
import Networks
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

  func path(_ name: String) -> String { "\(folder)/runs/\(name)" }

  /// The records that are there, and the runs that are not whole.
  func state() throws(Failure) -> (records: [RunRecord], missing: [PlannedRun]) {
    var records: [RunRecord] = []
    // A stage's runs are known when the records of the one before are.
    while true {
      let planned = try experiment.runs(scope, after: records)
      var known: [RunRecord] = []
      var makings: [String: String] = [:]
      for run in planned {
        guard let record = try record(of: run, makings) else { continue }
        known.append(record)
        makings[run.name] = record.making
      }
      if known.count == records.count {
        let done = Set(known.map(\.run.name))
        return (known, planned.filter { !done.contains($0.name) })
      }
      records = known
    }
  }

  /// What is written of a run; nil if nothing is.
  private func written(_ name: String) throws(Failure) -> RunRecord? {
    let path = path(name) + ".json"
    guard FileStatus(path) != nil else { return nil }
    do throws(Failure) {
      let record = try JSONText.decode(RunRecord.self, TextFile.read(path), from: path)
      try record.check(from: path)
      return record
    } catch {
      // Another job has removed it since.
      if error.exitCode == .inputMissing, FileStatus(path) == nil { return nil }
      throw error.exitCode == .badData
        ? Failure(
          .badData, error.message + " Remove the file: it is made again from the run's folder.")
        : error
    }
  }

  /// The record of a run that is whole; nil if it is not.
  /// - Parameters:
  ///   - run: The run.
  ///   - makings: Those of the runs before it, which it may have read.
  /// - Returns: The record.
  /// - Throws: `Failure` (usage) where the run's folder holds another one.
  private func record(
    of run: PlannedRun, _ makings: [String: String]
  ) throws(Failure) -> RunRecord? {
    guard let record = try written(run.name) else { return nil }
    let isOfOthers = record.read?.contains { makings[$0.key] != $0.value } == true
    // An evaluation is soon made again: with more seeds, other networks are averaged.
    if run.program == .evaluate, isOfOthers || record.run != run { return nil }
    func another(_ what: String) -> Failure {
      Failure(
        .usage,
        "\(quoted(path(run.name) + ".json")) is of a run \(what); choose another --out, or remove it "
          + "and the folder \(quoted(path(run.name))).")
    }
    // First of all, since options may follow from the dataset's size.
    guard [nil, datasets[run.data].checksum].contains(record.dataset) else {
      throw another("on another dataset than \(quoted(datasets[run.data].path))")
    }
    guard record.run == run else {
      throw another("\(record.run.difference(from: run)), in this folder")
    }
    guard !isOfOthers else {
      throw another("that started from a network that was made again since")
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
  @discardableResult
  func carryOut(_ run: PlannedRun) throws(Failure) -> RunRecord {
    var record = RunRecord(run)
    let log = path(run.name) + ".out"
    try RunDirectory("\(folder)/runs").makeFolder()
    (record.dataset, record.isUnfinished) = (datasets[run.data].checksum, true)
    let before = try written(run.name)
    record.read = [:]
    for source in run.sources { record.read?[source] = making(of: source) }
    try write(record)
    record.isUnfinished = nil
    do throws(Failure) {
      try carryOut(run, into: &record, log: log)
    } catch {
      // What never made a step binds nobody to its settings.
      if before == nil, !isBegun(run) { unlink(path(run.name) + ".json") }
      throw error
    }
    record.making = making(of: run.name)
    try write(record)
    return record
  }

  /// Whether a run has made a step.
  func isBegun(_ run: PlannedRun) -> Bool {
    run.program == .train && FileStatus(RunDirectory(path(run.name)).metrics)?.size ?? 0 > 0
  }

  /// What tells a training from others of its name: a digest of the first line of its provenance.
  ///
  /// The line says when and where the run was begun, and stays when it goes on.
  private func making(of name: String) -> String? {
    let path = RunDirectory(path(name)).provenance
    guard let text = try? TextFile.read(path), let line = text.split(separator: "\n").first else {
      return nil
    }
    return String(SHA256.digest(of: Array(line.utf8)).prefix(16))
  }

  private func carryOut(
    _ run: PlannedRun, into record: inout RunRecord, log: String
  ) throws(Failure) {
    switch run.program {
    case .train:
      let said = FileStatus(log)?.size ?? 0
      let code = try Child.run(training(run), saves: true, output: log)
      guard code == 0 || code == ExitCode.diverged.rawValue else {
        throw ended(run, code, log, behind: said)
      }
      let metrics = try RunMetrics(path(run.name))
      if let last = metrics.steps.last {
        (record.steps, record.epochs, record.hours) = (last.step, last.epoch, last.hours)
      }
      if code == 0 {
        try experiment.read(metrics, into: &record)
        // Guessing is wrong in all but one of so many cases.
        let chance = 100 - 100 / Double(metrics.settings.network.classes)
        if let last = metrics.validations.last, last.top1Error >= 0.98 * chance {
          record.figures["at chance"] = 1
        }
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
      let said = FileStatus(log)?.size ?? 0
      let code = try Child.run(words, saves: false, output: figures, complaints: log)
      guard code == 0 else { throw ended(run, code, log, behind: said) }
      try experiment.read(
        JSONText.decode(Evaluated.self, TextFile.read(figures), from: figures), run,
        folder: { path($0) }, into: &record)
    }
  }

  private func ended(
    _ run: PlannedRun, _ code: Int32, _ log: String, behind said: Int
  ) -> Failure {
    // An evaluation has nothing to save, and ends at a signal.
    Child.isAskedToStop
      || [ExitCode.savedUnfinished.rawValue, 128 + SIGINT, 128 + SIGTERM, 128 + SIGUSR1]
        .contains(code)
      ? Failure(
        .savedUnfinished,
        "Stopped in \(quoted(run.name)); the same command goes on from there.")
      : Failure(
        ExitCode(rawValue: code) ?? .internal,
        "The run \(quoted(run.name)) ended with code \(code). "
          + (Self.complaint(log, behind: said) ?? "")
          + "All that it said is in \(quoted(log)).")
  }

  /// The last sentence by which a program of this package said why it ended, with a blank behind
  /// it; what stood in the file before is of an earlier try.
  private static func complaint(_ log: String, behind said: Int) -> String? {
    let names = ["alexnet-train: ", "alexnet-train (rank ", "alexnet: ", "alexnet evaluate"]
    let text = (try? TextFile.read(log)).map {
      String(decoding: $0.utf8.dropFirst(said), as: UTF8.self)
    }
    let lines = text?.split(separator: "\n") ?? []
    return lines.last { line in names.contains { line.hasPrefix($0) } }.map { "\($0) " }
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
}
