import System

/// Variables of the environment that stand for options: `ALEXNET_TRAIN_BATCH_SIZE` for the option
/// `--batch-size` of `alexnet-train`.
extension Command {
  /// What the names of its variables begin with.
  private var prefix: String { Self.variable(name) + "_" }

  private static func variable(_ name: String) -> String {
    name.uppercased().replacing("-", with: "_").replacing(" ", with: "_")
  }

  /// The command's variables among all, in the order of their names, each as `NAME=VALUE`.
  package func variables(in environment: [String: String]) -> [String] {
    environment.filter { $0.key.hasPrefix(prefix) }.map { "\($0)=\($1)" }.sorted()
  }

  /// Adds what variables give and words do not.
  /// - Throws: `Failure` (usage) for a variable of the command that no option has, and for a value
  ///   that its option does not take.
  func add(_ environment: [String: String], to arguments: inout Arguments) throws(Failure) {
    // A variable that was forgotten should not cause faults, so hidden options have none.
    let options = groups.flatMap(\.options).filter {
      !$0.declaration.isHidden
        && ![Self.help, Self.version].map(\.declaration.name).contains($0.declaration.name)
    }
    for (variable, word) in environment.filter({ $0.key.hasPrefix(prefix) })
      .sorted(by: { $0.key < $1.key })
    {
      let found = options.first { prefix + Self.variable($0.declaration.name) == variable }
      guard let option = found else {
        let names = options.map(\.declaration.name)
        let word = variable.dropFirst(prefix.count).lowercased().replacing("_", with: "-")
        let near = Hint.nearest(to: word, among: names)
        throw Failure(
          .usage,
          "\(quoted(variable)) in the environment stands for no option of \(name)"
            + (near.map { "; did you mean \(prefix + Self.variable($0))?" } ?? ".")
            + " '\(name) --help' lists them; unset this variable.")
      }
      guard !arguments.has(option) else { continue }
      do throws(Failure) {
        guard let word = try Self.word(word, for: option.declaration) else { continue }
        arguments.values[option.declaration.name] = [try option.value(of: word)]
      } catch {
        throw Failure(.usage, "The variable \(variable) of the environment: \(error.message)")
      }
      arguments.variables.append("\(variable)=\(word)")
      arguments.variableNames[option.declaration.name] = variable
    }
  }

  /// What an option reads of a variable's value: of a flag's, which is 1 or 0, nothing or nil.
  private static func word(
    _ value: String, for option: OptionDeclaration
  ) throws(Failure) -> String? {
    guard option.valueName == nil, !option.words.contains(value) else { return value }
    switch value {
    case "1": return ""
    case "0": return nil
    default:
      let words = (["1", "0"] + option.words).joined(separator: " or ")
      throw Failure(.usage, "--\(option.name) takes \(words) there, not \(quoted(value)).")
    }
  }
}
