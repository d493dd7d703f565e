import System

/// A search for the learning rate at which a setting ends with the lowest error.
///
/// It begins with some rates of a ladder, and goes on until the best one has a worse one on both
/// sides. Its runs have a seed of their own, which is none of those that are measured.
struct RateLadder {
  /// The setting whose rate is searched.
  let arm: String
  /// The first rates, as places on the ladder.
  let first: ClosedRange<Int>
  /// The figure of a run's record that is to be low.
  let figure: String

  /// The rates that may be tried.
  static let ladder = [
    1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000,
  ]
  private static let seed = 1001

  private func name(_ place: Int) -> String { "search \(arm) \(plain(Self.ladder[place]))" }

  /// The rates that were tried, with the error at the end; infinite where the loss was.
  private func tried(_ records: [RunRecord]) -> [(place: Int, error: Double)] {
    Self.ladder.indices.compactMap { place in
      records.of(name(place)).first.map { (place, $0.figures[figure] ?? .infinity) }
    }
  }

  /// The rate with the lowest error; the middle one of several.
  ///
  /// Nil where none is better than another: then the network has learnt at none of them.
  private func best(_ tried: [(place: Int, error: Double)]) -> Int? {
    let least = tried.map(\.error).min() ?? .infinity
    let places = tried.filter { $0.error == least }.map(\.place)
    return least == .infinity || (places.count == tried.count && places.count > 1)
      ? nil : places[places.count / 2]
  }

  /// What is to be run.
  /// - Parameters:
  ///   - records: The runs that are whole.
  ///   - words: The options of a run with a rate.
  /// - Returns: The search's runs so far, and the rate once it is found.
  /// - Throws: `Failure` (badData) if no rate lets the network learn.
  func runs(after records: [RunRecord], _ words: (Double) -> [String]) throws(Failure)
    -> (runs: [PlannedRun], rate: Double?)
  {
    let tried = tried(records)
    var wanted = Set(first).union(tried.map(\.place))
    var rate: Double?
    if tried.count >= first.count {
      guard let best = best(tried) else {
        throw Failure(
          .badData,
          "No learning rate that was tried lets \(quoted(arm)) learn in a search's epochs "
            + "(\(text(records))); give more --epochs, or a smaller --batch-size. The runs' .out "
            + "files say how each ended.")
      }
      // The best rate has a worse one on both sides, as far as there are any.
      let neighbours = [best - 1, best + 1].filter(Self.ladder.indices.contains)
      if neighbours.allSatisfy(wanted.contains) { rate = Self.ladder[best] }
      wanted.formUnion(neighbours)
    }
    let runs = wanted.sorted().map { place in
      PlannedRun(name(place), seed: Self.seed, words(Self.ladder[place]))
    }
    return (runs, rate)
  }

  /// The rates that were tried, in words.
  func text(_ records: [RunRecord]) -> String {
    arm + " "
      + tried(records).map { place, error in
        "\(plain(Self.ladder[place])): " + (error.isFinite ? "\(shown(error)) %" : "diverged")
      }.joined(separator: ", ")
  }
}
