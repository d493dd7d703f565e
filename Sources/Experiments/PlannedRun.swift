package import System

/// One run of a program that an experiment consists of.
package struct PlannedRun: Codable, Hashable, Sendable {
  /// What is run.
  package enum Program: String, Codable, Sendable {
    /// `alexnet-train`.
    case train
    /// `alexnet evaluate`, of runs that are whole.
    case evaluate
  }

  /// Its name within the experiment, which is that of its folder.
  package var name: String
  /// What it has in common with the runs of other seeds.
  package var arm: String
  /// The seed.
  package var seed: Int
  /// What is run.
  package var program = Program.train
  /// The program's options, without dataset, folder and seed; `run:NAME` stands for another run's
  /// folder, and `own:FILE` for a file in this one's.
  package var words: [String]
  /// The number of ranks where the experiment is about that; nil for those that the user chose.
  package var ranks: Int?
  /// Which of the datasets of `--data` it uses.
  package var data = 0

  package init(
    _ arm: String, seed: Int, _ words: [String], program: Program = .train, ranks: Int? = nil,
    data: Int = 0
  ) {
    name = Self.name(arm, seed: seed)
    self.arm = arm
    self.seed = seed
    self.program = program
    self.words = words
    self.ranks = ranks
    self.data = data
  }

  /// A run's name: letters, digits, dots and dashes.
  package static func name(_ arm: String, seed: Int) -> String {
    let plain = arm.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }
    return String(plain) + "-seed-\(seed)"
  }

  /// The values that an option has among the words; none where it is not there.
  func values(of option: String) -> [String] {
    words.indices.filter { words[$0] == option && $0 + 1 < words.count }.map { words[$0 + 1] }
  }

  /// The runs that it reads.
  package var sources: [String] {
    words.filter { $0.hasPrefix("run:") }.map { String($0.dropFirst(4)) }
  }

  /// How the options differ from another run's, as a phrase, `with --epochs 2 and without --epochs
  /// 4`.
  package func difference(from other: PlannedRun) -> String {
    func options(_ words: [String]) -> [String] {
      var options: [String] = []
      for word in words {
        if word.hasPrefix("--") || options.isEmpty {
          options.append(word)
        } else {
          options[options.count - 1] += " " + word
        }
      }
      return options
    }
    let (own, others) = (options(words), options(other.words))
    let (added, missing) = (
      own.filter { !others.contains($0) }, others.filter { !own.contains($0) }
    )
    let parts = [
      added.isEmpty ? nil : "with \(added.joined(separator: " "))",
      missing.isEmpty ? nil : "without \(missing.joined(separator: " "))",
    ]
    let phrase = parts.compactMap(\.self).joined(separator: " and ")
    return phrase.isEmpty ? "with its options in another order, or on other ranks" : phrase
  }

  /// The options with folders in the place of names.
  package func words(folder: (String) -> String) -> [String] {
    words.map { word in
      if word.hasPrefix("run:") { return folder(String(word.dropFirst(4))) }
      if word.hasPrefix("own:") { return folder(name) + "/" + word.dropFirst(4) }
      return word
    }
  }
}

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

  /// Whether the training was stopped since its loss had become far too large, or no number.
  package var isDiverged: Bool { figures["diverged"] != nil }

  /// Whether the network was no better than guessing at the end.
  package var isAtChance: Bool { figures["at chance"] != nil }
}

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
          .usage, "\(name) within --with would be that of every run, which has its own.")
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
