package import System

/// What is kept of a run: enough to draw the experiment's figure again.
package struct RunRecord: Codable, Equatable, Sendable {
  /// The run.
  package var run: PlannedRun
  /// The checksum of its dataset while the runs are made; nil in the file behind a table.
  package var dataset: String?
  /// What tells it from another training of its name that was made anew; nil in the file behind a
  /// table, and in records of older programs.
  package var making: String?
  /// The same of the runs that it read, by name.
  package var read: [String: String]?
  /// Whether the run has begun and is not whole; nil where it is whole.
  package var isUnfinished: Bool?
  /// Steps, epochs and hours that it took; 0 for an evaluation.
  package var steps = 0
  package var epochs = 0.0
  package var hours = 0.0
  /// What the experiment reads from it, by name; what did not happen is left out.
  package var figures: [String: Double] = [:]
  /// The points of its curve, if the experiment draws one.
  package var curve: [[Double]] = []

  package init(_ run: PlannedRun) { self.run = run }

  /// Checks what was read from a file.
  /// - Throws: `Failure` (badData) that names the file.
  package func check(from path: String) throws(Failure) {
    guard curve.allSatisfy({ $0.count == 2 }), (0..<9).contains(run.data) else {
      throw Failure(
        .badData,
        "\(quoted(path)) is damaged: in \(quoted(run.name)) a point of the curve is not two "
          + "numbers, or the number of the dataset is not from 0 to 8.")
    }
  }

  /// Whether the training was stopped since its loss had become far too large, or no number.
  package var isDiverged: Bool { figures["diverged"] != nil }

  /// Whether the network was no better than guessing at the end.
  package var isAtChance: Bool { figures["at chance"] != nil }
}
extension [RunRecord] {
  /// The records of a setting in the order of their seeds.
  package func of(_ arm: String) -> [RunRecord] {
    filter { $0.run.arm == arm }.sorted { $0.run.seed < $1.run.seed }
  }

  /// A figure of a setting, by seed; runs without it are left out.
  package func figures(_ name: String, of arm: String) -> [Int: Double] {
    Dictionary(
      of(arm).compactMap { record in record.figures[name].map { (record.run.seed, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// A figure of a setting.
  package func sample(_ name: String, of arm: String) -> Sample {
    let figures = figures(name, of: arm)
    return Sample(figures.keys.sorted().compactMap { figures[$0] })
  }

  /// The verdict on a claim that a figure is higher in a setting than in another, paired by seed.
  ///
  /// What diverges has no figure, and the seeds that are left are no fair sample: if all runs of
  /// one setting diverge and none of the other, and there are three of each at least, that decides
  /// (if settings made no difference, three of six that diverge would all be of this one once in
  /// twenty times); if some do, nothing can be told.
  package func verdict(_ name: String, of arm: String, above base: String) -> Verdict {
    let runs = [of(arm), of(base)]
    let diverged = runs.map { $0.count(where: \.isDiverged) }
    if diverged == [0, 0] { return Verdict(difference(name, arm, from: base), above: 0) }
    guard runs.allSatisfy({ $0.count >= 3 }) else { return .tooSmall }
    if diverged == [runs[0].count, 0] { return .shown }
    return diverged == [0, runs[1].count] ? .opposite : .tooSmall
  }

  /// How many of a setting's runs have a figure: `3`, or `2 of 3`.
  package func count(_ name: String, of arm: String) -> String {
    let (have, all) = (figures(name, of: arm).count, of(arm).count)
    return have == all ? "\(all)" : "\(have) of \(all)"
  }

  /// Whether a run is whole.
  package func has(_ run: PlannedRun) -> Bool { contains { $0.run == run } }

  /// The seeds of a setting whose runs did not diverge.
  package func seeds(of arm: String) -> [Int] { of(arm).filter { !$0.isDiverged }.map(\.run.seed) }

  /// The differences of a figure between two settings, for the seeds that have both.
  package func difference(_ name: String, _ arm: String, from base: String) -> Sample {
    let (one, other) = (figures(name, of: arm), figures(name, of: base))
    return Sample(
      one.sorted { $0.key < $1.key }.compactMap { seed, figure in
        other[seed].map { figure - $0 }
      })
  }
}

/// What `alexnet evaluate --json` says, as far as experiments read it.
package struct Evaluated: Decodable, Sendable {
  /// Errors of an ensemble or of a network.
  package struct Figures: Decodable, Sendable {
    package let images: Int
    package let loss: Double
    package let top1Error: Double
  }

  package let figures: Figures
  /// The same with equal weights, where weights were fitted.
  package let equalWeights: Figures?
}
