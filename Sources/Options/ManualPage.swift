package import System

/// What a program is for whoever describes it: a manual page, a shell's completions.
package struct Manual: Sendable {
  /// The program's name.
  package let program: String
  /// One line.
  package let summary: String
  /// Its command line, or those of its subcommands, each with one line that says what it does.
  package let commands: [(summary: String, command: Command)]

  /// Describes a program.
  package init(program: String, summary: String, commands: [(summary: String, command: Command)]) {
    self.program = program
    self.summary = summary
    self.commands = commands
  }

  /// What `--describe FORM` prints, for whoever installs the program.
  /// - Parameter words: The command line behind the program's name.
  /// - Returns: The text; nil where nothing of the kind was asked for.
  /// - Throws: `Failure` (usage) where the form is not known.
  package func description(_ words: [String]) throws(Failure) -> String? {
    guard words.first == "--describe" else { return nil }
    if words == ["--describe", "man"] { return page }
    guard words.count == 2, let shell = Shell(rawValue: words[1]) else {
      throw Failure(.usage, "--describe takes man, bash, zsh or fish.")
    }
    return completions(for: shell)
  }

  /// The manual page, in the language of man(7).
  package var page: String {
    var lines = [
      ".TH \"\(program.uppercased())\" \"1\"", ".SH NAME",
      Self.escaped(program) + " \\- " + Self.escaped(summary), ".SH SYNOPSIS",
    ]
    for (_, command) in commands {
      lines += [".B " + Self.escaped(command.name), Self.escaped(command.synopsis), ".br"]
    }
    if let only = commands.first, commands.count == 1 {
      lines.append(".SH DESCRIPTION")
      lines += Self.described(only.command, heading: ".SH")
    } else {
      lines += [".SH DESCRIPTION", Self.escaped(Self.sentence(summary))]
      for (summary, command) in commands {
        lines += [
          ".SH " + Self.escaped(command.name.uppercased()), Self.escaped(Self.sentence(summary)),
          ".PP",
        ]
        lines += Self.described(command, heading: ".SS")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A clause as a sentence.
  private static func sentence(_ clause: String) -> String {
    clause.prefix(1).uppercased() + clause.dropFirst() + (clause.hasSuffix(".") ? "" : ".")
  }

  private static func described(_ command: Command, heading: String) -> [String] {
    // The overview's lines are kept as they are, since some are tables.
    var lines = [".nf"] + command.overview.split(separator: "\n").map { escaped(String($0)) }
    lines.append(".fi")
    for group in command.groups {
      let options = group.options.map(\.declaration).filter { !$0.isHidden }
      if options.isEmpty { continue }
      lines.append("\(heading) " + escaped(group.title))
      for option in options {
        let words = option.words.isEmpty ? nil : "[\(option.words.joined(separator: "|"))]"
        let value = (option.valueName ?? words).map { " \\fI\(escaped($0))\\fR" } ?? ""
        lines += [".TP", "\\fB\(escaped("--" + option.name))\\fR\(value)"]
        let standard = option.defaultText.map { " The default is \($0)." } ?? ""
        lines.append(escaped(option.help + standard))
      }
    }
    return lines
  }

  /// A text in which nothing is an instruction to the formatter.
  private static func escaped(_ text: String) -> String {
    let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
  }
}
