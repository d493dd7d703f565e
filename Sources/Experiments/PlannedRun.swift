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
