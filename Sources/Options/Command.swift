package import System

/// A command line: its synopsis, its options in titled groups, and how to read them.
package struct Command: Sendable {
  /// Options under one heading of the help text.
  package typealias Group = (title: String, options: [any AnyOption])

  /// What the user types before the options, `mpirun -np 2 alexnet-train`.
  package let name: String
  /// What the help text begins with.
  package let overview: String
  /// How the rest of the command line looks, `[options] IMAGE...`.
  package let synopsis: String
  /// The options.
  package let groups: [Group]
  /// Whether words that belong to no option are accepted.
  package let takesOperands: Bool
  /// Whether all words from the first one on that is no option of this command are operands: the
  /// command line of another program.
  package let passesOn: Bool

  /// Makes a command; `--help` is added to its options, and a whole program's `--version`.
  package init(
    _ name: String, overview: String, synopsis: String = "[options]", takesOperands: Bool = false,
    passesOn: Bool = false, isProgram: Bool = false, groups: [Group]
  ) {
    self.name = name
    self.overview = overview
    self.synopsis = synopsis
    self.takesOperands = takesOperands || passesOn
    self.passesOn = passesOn
    self.groups = groups + [("Other", isProgram ? [Self.version, Self.help] : [Self.help])]
  }

  /// Asks for the help text.
  package static let help = Flag("help", "Show this text.")

  /// Asks what the program is and what it runs on.
  package static let version = Flag("version", "Show the program's version and its libraries'.")

  private var options: [any AnyOption] { groups.flatMap(\.options) }

  /// The text for `--help`, fitted to the terminal.
  package var helpText: String { helpText(columns: StandardStream.output.columns ?? 100) }

  /// The text for `--help` in lines of so many characters; wide lines are hard to read.
  package func helpText(columns: Int) -> String {
    let width = min(100, max(40, columns))
    // Where there is little room, what an option does is below it.
    let indent = width < 72 ? 6 : 30
    var text = Self.wrapped("\(name) \(synopsis)", width, indent: 7, first: "Usage:")
    text += "\n" + described(width)
    for group in groups {
      text += "\n\(group.title):\n"
      for option in group.options.map(\.declaration) where !option.isHidden {
        let words = option.words.isEmpty ? nil : "[\(option.words.joined(separator: "|"))]"
        let left = "  --\(option.name)" + ((option.valueName ?? words).map { " \($0)" } ?? "")
        let right = option.help + (option.defaultText.map { " [default: \($0)]" } ?? "")
        let isBeside = left.count < indent - 1
        text +=
          (isBeside ? "" : left + "\n")
          + Self.wrapped(right, width, indent: indent, first: isBeside ? left : "")
      }
    }
    return text
  }
  /// The overview: sentences, and entries of lists, which begin with a blank.
  ///
  /// What an entry is about is before two blanks; its further lines begin with many.
  private func described(_ width: Int) -> String {
    var parts: [(head: String, indent: Int, text: String)] = []
    for line in overview.split(separator: "\n") {
      let blanks = line.prefix { $0 == " " }.count
      if let last = parts.indices.last, blanks > 8 || blanks == 0 && parts[last].indent == 0 {
        parts[last].text += " " + line
      } else if blanks > 0, let gap = line.dropFirst(blanks).firstRange(of: "  ") {
        let text = line[gap.lowerBound...].drop { $0 == " " }
        let head = line[..<gap.lowerBound]
        parts.append((String(head), line.count - text.count, String(text)))
      } else {
        parts.append(("", blanks, String(line)))
      }
    }
    return parts.map { head, indent, text in
      2 * indent > width
        ? head + "\n" + Self.wrapped(text, width, indent: 6)
        : Self.wrapped(text, width, indent: indent, first: head)
    }.joined()
  }

  /// A text in lines that break between words, all but the first behind some blanks; the first one
  /// is behind other words.
  package static func wrapped(
    _ text: String, _ width: Int, indent: Int, first: String = ""
  ) -> String {
    var lines: [String] = []
    var line = Column.left(indent).fitted(first)
    for word in text.split(whereSeparator: \.isWhitespace) {
      if line.count > indent, line.count + 1 + word.count > width {
        lines.append(line)
        line = String(repeating: " ", count: indent)
      }
      line += (line.count > indent ? " " : "") + word
    }
    return (lines + [line]).joined(separator: "\n") + "\n"
  }

  /// Reads the words after the program's name.
  ///
  /// `--name value`, `--name=value` and `--flag` are understood, and `--` ends the options. Where
  /// help or the version is asked for, nothing else counts.
  /// - Parameters:
  ///   - words: The words.
  ///   - environment: Variables that stand for options which the words do not give.
  /// - Returns: What the user gave.
  /// - Throws: `Failure` (usage) for an unknown option, a value that is missing or is not what the
  ///   option takes, an option given twice that may not be, or an operand where none is taken.
  package func parse(
    _ words: some Sequence<String>, environment: [String: String] = [:]
  ) throws(Failure) -> Arguments {
    var arguments = Arguments()
    var given: [(option: any AnyOption, word: String)] = []
    var rest = Array(words)[...]
    while let word = rest.popFirst() {
      if passesOn, word != "--", (try? option(word)) == nil {
        arguments.operands = [word] + rest
        break
      }
      if word == "--" {
        while let operand = rest.popFirst() { try add(operand, to: &arguments) }
        break
      }
      guard word.hasPrefix("-"), word.count > 1 else {
        if !takesOperands, let flag = given.last, flag.word.isEmpty,
          !flag.option.declaration.words.isEmpty
        {
          throw flag.option.declaration.refusal(of: word)
        }
        try add(word, to: &arguments)
        continue
      }
      let (option, value) = try option(word)
      let declaration = option.declaration
      if declaration.valueName == nil {
        if let value, !declaration.words.contains(value) { throw declaration.refusal(of: value) }
        let follows = value == nil && rest.first.map(declaration.words.contains) == true
        given.append((option, value ?? (follows ? rest.removeFirst() : "")))
        continue
      }
      guard let value = value ?? rest.popFirst() else {
        throw Failure(
          .usage,
          "--\(declaration.name) needs a value: --\(declaration.name) "
            + "\(declaration.valueName ?? "")."
        )
      }
      given.append((option, value))
    }
    for name in [Self.help, Self.version].map(\.declaration.name)
    where given.contains(where: { $0.option.declaration.name == name }) {
      arguments.values[name] = [""]
      return arguments
    }
    for (option, word) in given {
      let declaration = option.declaration
      guard declaration.repeats || !arguments.has(option) else {
        throw Failure(.usage, "--\(declaration.name) was given twice; give it once.")
      }
      arguments.values[declaration.name, default: []].append(try option.value(of: word))
    }
    try add(environment, to: &arguments)
    return arguments
  }

  /// The option that a word names, and the value behind its equals sign.
  private func option(
    _ word: String
  ) throws(Failure) -> (option: any AnyOption, value: String?) {
    let bare = word == "-h" ? "help" : word.hasPrefix("--") ? String(word.dropFirst(2)) : ""
    let parts = bare.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      .map(String.init)
    let name = parts.first ?? ""
    guard
      let option = options.first(where: {
        $0.declaration.name == name || $0.declaration.former == name
      })
    else {
      throw unknown(word, word.hasPrefix("--") ? name : String(word.dropFirst(2)))
    }
    return (option, parts.count == 2 ? parts[1] : nil)
  }

  private func add(_ operand: String, to arguments: inout Arguments) throws(Failure) {
    guard takesOperands else {
      throw Failure(
        .usage,
        "\(quoted(operand)) is not an option of \(name); see '\(name) --help' for the list.")
    }
    arguments.operands.append(operand)
  }

  private func unknown(_ word: String, _ name: String) -> Failure {
    let names = options.map(\.declaration).filter { !$0.isHidden }.map(\.name)
    let near = Hint.nearest(to: name, among: names)
    let hint = near.map { "; did you mean --\($0)?" } ?? "."
    return Failure(
      .usage,
      "\(quoted(word)) is not an option of \(self.name)\(hint) '\(self.name) --help' lists them.")
  }
}
