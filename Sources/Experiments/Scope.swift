package import System
import Training

/// How large an experiment is made.
package struct Scope: Codable, Equatable, Sendable {
  /// Seeds of each setting.
  package var seeds: Int
  /// Epochs of a run.
  package var epochs: Int
  /// The network that is varied.
  package var network: String
  /// Images in a batch.
  package var batchSize = 128
  /// How many datasets there are.
  package var datasets = 1
  /// The training pictures of each; nil in files of older programs.
  package var pictures: [Int]?
  /// Options of alexnet-train for every run.
  package var with: [String] = []

  package init(seeds: Int, epochs: Int, network: String) {
    self.seeds = seeds
    self.epochs = epochs
    self.network = network
  }

  /// The options of a training: those of all, its own, and the user's, which come before others of
  /// the same name.
  /// - Parameter own: Options with their values, `--epochs 3`.
  /// - Returns: The words.
  package func words(_ own: [String]) -> [String] {
    var chosen: [[String]] = []
    let common = [
      ["--network", network], ["--batch-size", "\(batchSize)"], ["--epochs", "\(epochs)"],
    ]
    for words in common + own.map({ $0.split(separator: " ").map(String.init) }) {
      // A variant is added to others.
      if words[0] != "--variant" {
        guard !with.contains(where: { $0 == words[0] || $0.hasPrefix(words[0] + "=") }) else {
          continue
        }
        chosen.removeAll { $0[0] == words[0] }
      }
      chosen.append(words)
    }
    return chosen.flatMap { $0 } + with
  }

  /// The option by which the learning rate falls after 0.6 and 0.85 of the epochs, so that all
  /// settings see as many images at each rate.
  package var fixedSchedule: String { Self.fixedSchedule(epochs) }

  /// The same for another number of epochs.
  package static func fixedSchedule(_ epochs: Int) -> String {
    "--divide-rate-at \(plain(0.6 * Double(epochs), digits: 6)),"
      + plain(0.85 * Double(epochs), digits: 6)
  }

  /// Checks the numbers that were read from a file.
  /// - Parameters:
  ///   - datasets: How many datasets the experiment takes.
  ///   - path: The file.
  /// - Throws: `Failure` (badData) that names the file.
  func check(_ datasets: ClosedRange<Int>, from path: String) throws(Failure) {
    guard (1...1000).contains(seeds), (1...1_000_000).contains(epochs),
      (0...SettingBounds.batchSize.upperBound).contains(batchSize),
      datasets.contains(self.datasets), pictures.map({ $0.count == self.datasets }) ?? true
    else {
      throw Failure(.badData, "\(quoted(path)) is damaged: no experiment has such a size.")
    }
  }

  /// Refuses options for all runs that would undo what tells the settings apart, or that have
  /// options of their own.
  /// - Throws: `Failure` (usage) that names the option.
  package func check(_ experiment: any Experiment.Type) throws(Failure) {
    var bare = self
    bare.with = []
    let runs = try experiment.runs(bare, after: []) + experiment.later(bare)
    for option in with where option.hasPrefix("--") {
      let name = String(option.prefix { $0 != "=" })
      guard !["--epochs", "--batch-size", "--network"].contains(name) else {
        throw Failure(.usage, "Give \(name) to 'alexnet reproduce' itself, not within --with.")
      }
      guard !["--data", "--out", "--seed", "--resume", "--keep", "--config"].contains(name) else {
        throw Failure(
          .usage,
          "\(name) within --with would hold for all runs, but each run has its own; leave it out.")
      }
      let trainings = runs.filter { $0.program == .train }
      // Variants add up: only one that some of the settings have makes others like them.
      let places = with.indices.filter { with[$0] == "--variant" && $0 + 1 < with.count }
      let isUndoing =
        name == "--variant"
        ? places.contains { place in
          Set(trainings.map { $0.values(of: name).contains(with[place + 1]) }).count > 1
        }
        : Set(trainings.map { $0.values(of: name) }).count > 1
      guard !isUndoing else {
        throw Failure(
          .usage,
          "\(name) within --with would make settings alike that \(experiment.name) compares; leave "
            + "it out.")
      }
    }
  }
}
