package import System

/// An option as `--help`, the parser and whoever describes a command see it, whatever its type.
package protocol AnyOption: Sendable {
  /// What the help text shows.
  var declaration: OptionDeclaration { get }
  /// Reads a word that follows the option.
  /// - Throws: `Failure` (usage) that names the option, the word and what it takes.
  func value(of word: String) throws(Failure) -> any Sendable
}

/// An option that has no default of its own: `arguments[option]` is nil where the user did not give
/// it.
package struct Option<Value: Sendable>: AnyOption {
  package let declaration: OptionDeclaration
  private let reading: Reading<Value>

  /// Declares an option.
  /// - Parameters:
  ///   - name: The name without its two dashes, `batch-size`.
  ///   - valueName: What stands for the value in the help text, `N`.
  ///   - reading: How the value is read.
  ///   - defaultText: What is done without the option, as the help text shows it; nil where there
  ///     is nothing to say.
  ///   - former: The name that it had before, which is still understood.
  ///   - isHidden: Whether the help text leaves it out.
  ///   - help: One sentence.
  package init(
    _ name: String, _ valueName: String, _ reading: Reading<Value>,
    default defaultText: String? = nil, former: String? = nil, isHidden: Bool = false,
    _ help: String
  ) {
    declaration = OptionDeclaration(
      name: name, former: former, valueName: valueName, defaultText: defaultText, help: help,
      isHidden: isHidden, completion: reading.completion)
    self.reading = reading
  }

  /// Reads a word that follows the option.
  package func value(of word: String) throws(Failure) -> any Sendable {
    try reading.read(word, of: declaration.name)
  }

  /// A value as a user would type it.
  package func text(_ value: Value) -> String { reading.text(value) }
}

/// An option with a default: `arguments[setting]` is that where the user did not give it.
package struct Setting<Value: Sendable>: AnyOption {
  package let declaration: OptionDeclaration
  /// What holds without the option.
  package let standard: Value
  private let reading: Reading<Value>

  /// Declares a setting.
  /// - Parameters:
  ///   - name: The name without its two dashes, `batch-size`.
  ///   - valueName: What stands for the value in the help text, `N`.
  ///   - reading: How the value is read.
  ///   - standard: What holds without the option.
  ///   - unit: What the help text writes behind the default, `images`.
  ///   - former: The name that it had before, which is still understood.
  ///   - help: One sentence.
  package init(
    _ name: String, _ valueName: String, _ reading: Reading<Value>, default standard: Value,
    unit: String? = nil, former: String? = nil, _ help: String
  ) {
    declaration = OptionDeclaration(
      name: name, former: former, valueName: valueName,
      defaultText: reading.text(standard) + (unit.map { " \($0)" } ?? ""), help: help,
      completion: reading.completion)
    self.standard = standard
    self.reading = reading
  }

  /// Reads a word that follows the option.
  package func value(of word: String) throws(Failure) -> any Sendable {
    try reading.read(word, of: declaration.name)
  }
}

/// An option that may be given several times: `arguments[list]` has all values in their order.
package struct ListOption<Value: Sendable>: AnyOption {
  package let declaration: OptionDeclaration
  private let reading: Reading<Value>

  /// Declares an option that may be repeated.
  /// - Parameters:
  ///   - name: The name without its two dashes.
  ///   - valueName: What stands for the value in the help text.
  ///   - reading: How a value is read.
  ///   - isHidden: Whether the help text leaves it out.
  ///   - help: One sentence.
  package init(
    _ name: String, _ valueName: String, _ reading: Reading<Value>, isHidden: Bool = false,
    _ help: String
  ) {
    declaration = OptionDeclaration(
      name: name, valueName: valueName, help: help, isHidden: isHidden, repeats: true,
      completion: reading.completion)
    self.reading = reading
  }

  /// Reads a word that follows the option.
  package func value(of word: String) throws(Failure) -> any Sendable {
    try reading.read(word, of: declaration.name)
  }
}

/// An option that takes no value, or one of a few words: `arguments[flag]` says whether it was
/// given.
package struct Flag: AnyOption {
  package let declaration: OptionDeclaration

  /// Declares a flag.
  /// - Parameters:
  ///   - name: The name without its two dashes.
  ///   - words: Words that may follow; none where it takes none.
  ///   - hint: What is said to somebody who writes another word behind it, as a clause.
  ///   - help: One sentence.
  package init(_ name: String, words: [String] = [], hint: String? = nil, _ help: String) {
    declaration = OptionDeclaration(
      name: name, words: words, hint: hint, help: help, repeats: true, completion: .words(words))
  }

  /// The word that followed the flag; empty where none did.
  package func value(of word: String) throws(Failure) -> any Sendable { word }
}

/// What the help text shows of an option.
package struct OptionDeclaration: Sendable {
  /// The name without its two dashes, `batch-size`.
  package let name: String
  /// The name that it had before, which is still understood; nil where there was none.
  package var former: String?
  /// What stands for the value in the help text, `N`; nil for a flag.
  package var valueName: String?
  /// Words that may follow a flag as its value; none where it takes none.
  package var words: [String] = []
  /// What is said to somebody who writes another word behind a flag.
  package var hint: String?
  /// The default as the help text shows it, with its unit; nil where there is none.
  package var defaultText: String?
  /// One sentence.
  package let help: String
  /// Whether the help text leaves it out.
  package var isHidden = false
  /// Whether it may be given several times.
  package var repeats = false
  /// What a shell may complete behind it.
  package let completion: Completion

  /// What to say of a word that a flag does not take.
  func refusal(of word: String) -> Failure {
    Failure(
      .usage,
      words.isEmpty
        ? "--\(name) takes no value, but was given \(quoted(word))."
        : "--\(name) takes \(words.joined(separator: " or ")) or no value, not \(quoted(word))"
          + (hint.map { "; \($0)." } ?? "."))
  }

  /// What a shell may complete.
  package enum Completion: Sendable, Equatable {
    /// Nothing: a number, or a name that only the program knows.
    case nothing
    /// The name of a file or of a folder.
    case path
    /// One of some words.
    case words([String])
  }
}
