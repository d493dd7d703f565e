/// Completions for shells, from the declarations of the options.
extension Manual {
  /// The shells that there are completions for.
  package enum Shell: String, CaseIterable, Sendable { case bash, zsh, fish }

  /// A script that a shell reads.
  package func completions(for shell: Shell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: "#compdef \(program)\nautoload -U bashcompinit && bashcompinit\n" + bash
    case .fish: fish
    }
  }

  private var hasSubcommands: Bool { commands.count > 1 }

  /// What is typed for a command, behind the program's name where there are several.
  private func word(_ command: Command) -> String {
    hasSubcommands ? String(command.name.dropFirst(program.count + 1)) : ""
  }

  private func options(_ command: Command) -> [OptionDeclaration] {
    command.groups.flatMap(\.options).map(\.declaration).filter { !$0.isHidden }
  }

  private var bash: String {
    let function = "_" + program.map { $0 == "-" ? "_" : String($0) }.joined()
    var lines = [
      "\(function)() {",
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=''",
    ]
    if hasSubcommands {
      let words = commands.map { word($0.command) }.joined(separator: " ")
      lines += [
        "  if [ \"$COMP_CWORD\" = 1 ]; then",
        "    COMPREPLY=($(compgen -W '\(words)' -- \"$word\"))", "    return", "  fi",
        "  command=${COMP_WORDS[1]}",
      ]
    }
    lines.append("  case \"$command $before\" in")
    for (_, command) in commands {
      for option in options(command) {
        let pattern = "  '\(word(command)) --\(option.name)')"
        switch option.completion {
        case .words(let words) where option.valueName != nil:
          lines.append(
            "\(pattern) COMPREPLY=($(compgen -W '\(words.joined(separator: " "))' -- \"$word\")); "
              + "return ;;"
          )
        case .nothing where option.valueName != nil:
          lines.append("\(pattern) COMPREPLY=(); return ;;")
        case .path: lines.append("\(pattern) COMPREPLY=($(compgen -f -- \"$word\")); return ;;")
        case .nothing, .words: break
        }
      }
    }
    lines += ["  esac", "  case $word in", "  -*)", "    case $command in"]
    for (_, command) in commands {
      let names = options(command).map { "--" + $0.name }.joined(separator: " ")
      lines.append(
        "    '\(word(command))') COMPREPLY=($(compgen -W '\(names)' -- \"$word\")) ;;")
    }
    lines += [
      "    esac ;;", "  *) COMPREPLY=($(compgen -f -- \"$word\")) ;;", "  esac", "}",
      "complete -o filenames -F \(function) \(program)", "",
    ]
    return lines.joined(separator: "\n")
  }

  private var fish: String {
    func quoted(_ text: String) -> String {
      "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }
    var lines: [String] = []
    for (summary, command) in commands {
      var condition = ""
      if hasSubcommands {
        lines.append(
          "complete -c \(program) -n __fish_use_subcommand -f -a \(word(command)) -d "
            + "\(quoted(summary))"
        )
        condition = " -n '__fish_seen_subcommand_from \(word(command))'"
      }
      for option in options(command) {
        var line = "complete -c \(program)\(condition) -l \(option.name)"
        switch option.completion {
        case .words(let words) where option.valueName != nil:
          line += " -x -a " + quoted(words.joined(separator: " "))
        case .path: line += " -r -F"
        case .nothing where option.valueName != nil: line += " -x"
        case .nothing, .words: break
        }
        lines.append(line + " -d " + quoted(option.help))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
