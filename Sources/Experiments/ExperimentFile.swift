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

  package init(
    experiment: String, program: String, datasets: [String], scope: Scope, records: [RunRecord]
  ) {
    self.experiment = experiment
    self.program = program
    self.datasets = datasets
    self.scope = scope
    self.records = records.map { record in
      var record = record
      record.dataset = nil
      return record
    }
  }

  /// Reads a file.
  /// - Throws: `Failure` (badData) where it is none.
  package init(_ text: String, from path: String) throws(Failure) {
    self = try JSONText.decode(ExperimentFile.self, text, from: path)
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
    let diverged = records.filter(\.isDiverged).map(\.run.name)
    return
      ([
        experiment.claim, "", result.table,
        counted(records.count, "run", "runs") + ", \(shown(hours, 1)) hours of training, "
          + counted(scope.seeds, "seed", "seeds") + ". ± is the standard deviation over seeds.",
      ] + result.notes
      + (diverged.isEmpty ? [] : ["Stopped as diverged: \(listed(diverged))."])
      + datasets.map { "Data: \($0)" } + [program]).joined(separator: "\n") + "\n"
  }
}
