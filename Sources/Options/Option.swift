/// One option of a command line, as `--help` shows it.
package struct Option: Sendable {
  /// The name without its two dashes, `batch-size`.
  package let name: String
  /// What stands for the value in the help text, `N`; nil for a flag, which takes no value.
  package let value: String?
  /// The default as the help text shows it, with its unit; nil where there is none.
  package let defaultText: String?
  /// One sentence.
  package let help: String
  /// Whether it may be given several times.
  package let repeats: Bool
  /// Words that may follow a flag as its value; none where it takes none.
  package let words: [String]
  /// Whether `--help` leaves it out.
  package let isHidden: Bool

  /// An option with a value.
  package init(
    _ name: String, _ value: String, default defaultText: String? = nil, repeats: Bool = false,
    isHidden: Bool = false, _ help: String
  ) {
    self.name = name
    self.value = value
    self.defaultText = defaultText
    self.help = help
    self.repeats = repeats
    self.isHidden = isHidden
    words = []
  }

  /// An option that takes no value, or one of a few words.
  package static func flag(_ name: String, words: [String] = [], _ help: String) -> Option {
    Option(flag: name, words, help)
  }

  private init(flag name: String, _ words: [String], _ help: String) {
    self.name = name
    value = nil
    defaultText = nil
    self.help = help
    self.words = words
    repeats = false
    isHidden = false
  }
}
