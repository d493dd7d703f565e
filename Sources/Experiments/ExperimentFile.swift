import JSON
package import System

/// The small JSON behind a table and its figure: `DIR/NAME.json`.
package struct ExperimentFile: Codable, Equatable, Sendable {
  /// The experiment's name.
  package var experiment: String
  /// The program that made it, and the datasets in words.
  package var program: String
  package var datasets: [String]
  /// How large it was made.
  package var scope: Scope
  /// The runs.
  package var records: [RunRecord]
  /// The names of those that are not there, since they failed; nil for none.
  package var missing: [String]?

  package init(
    experiment: String, program: String, datasets: [String], scope: Scope, records: [RunRecord],
    missing: [String] = []
  ) {
    self.experiment = experiment
    self.program = program
    self.datasets = datasets
    self.scope = scope
    self.missing = missing.isEmpty ? nil : missing
    self.records = records.map { record in
      var record = record
      (record.dataset, record.making, record.read) = (nil, nil, nil)
      return record
    }
  }

  /// Reads a file.
  /// - Throws: `Failure` (badData) where it is none.
  package init(_ text: String, from path: String) throws(Failure) {
    self = try JSONText.decode(ExperimentFile.self, text, from: path)
    try scope.check(
      Experiments.all.first { $0.name == experiment }?.datasets ?? 1...9, from: path)
    for record in records { try record.check(from: path) }
    let names = records.map(\.run.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw Failure(.badData, "\(quoted(path)) is damaged: it has the run \(quoted(twice)) twice.")
    }
  }

  /// The text of the file.
  package var json: String { JSONText.encode(self) + "\n" }

  /// The table with what belongs to it, as Markdown.
  /// - Parameters:
  ///   - experiment: What the runs are for.
  ///   - result: What they say.
  /// - Returns: The page.
  package func page(_ experiment: any Experiment.Type, _ result: ExperimentResult) -> String {
    let hours = records.reduce(0) { $0 + $1.hours }
    let stuck = records.filter(\.isAtChance).map(\.run.name)
    let diverged = records.filter(\.isDiverged).map(\.run.name)
    return
      ([
        experiment.claim, "", result.table,
        counted(records.count, "run", "runs") + ", \(shown(hours, 1)) hours of training, "
          + counted(scope.seeds, "seed", "seeds") + ". ± is the standard deviation over seeds.",
      ] + result.notes
      + (missing.map { ["Not there, since they failed: \(listed($0))."] } ?? [])
      + (stuck.isEmpty ? [] : ["No better than guessing at the end: \(listed(stuck))."])
      + (diverged.isEmpty ? [] : ["Stopped as diverged: \(listed(diverged))."])
      + datasets.map { "Data: \($0)" } + [program]).joined(separator: "\n") + "\n"
  }
}
