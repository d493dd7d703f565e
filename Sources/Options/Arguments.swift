/// The options that a user gave, read as the types that their declarations name.
package struct Arguments: Sendable {
  var values: [String: [any Sendable]] = [:]
  /// The words that belong to no option.
  package internal(set) var operands: [String] = []
  /// The variables of the environment that gave values, each as `NAME=VALUE`.
  package internal(set) var variables: [String] = []
  /// The names of these variables, by that of the option.
  var variableNames: [String: String] = [:]

  /// The option's value; nil where it was not given.
  package subscript<Value>(_ option: Option<Value>) -> Value? {
    read(option, as: Value.self).last
  }

  /// The setting's value, or its default.
  package subscript<Value>(_ setting: Setting<Value>) -> Value {
    read(setting, as: Value.self).last ?? setting.standard
  }

  /// Every value of an option that may be repeated.
  package subscript<Value>(_ list: ListOption<Value>) -> [Value] { read(list, as: Value.self) }

  /// Whether the flag was given.
  package subscript(_ flag: Flag) -> Bool { has(flag) }

  /// The word that followed the flag: empty where none did, nil where the flag was not given.
  package func word(_ flag: Flag) -> String? { read(flag, as: String.self).last }

  /// Whether the option was given.
  package func has(_ option: any AnyOption) -> Bool { values[option.declaration.name] != nil }

  /// The option as the user gave it: with the variable where that gave the value.
  package func naming(_ option: some AnyOption) -> String {
    let name = option.declaration.name
    return "--\(name)" + (variableNames[name].map { " (\($0) in the environment)" } ?? "")
  }

  private func read<Value>(_ option: some AnyOption, as type: Value.Type) -> [Value] {
    let name = option.declaration.name
    return (values[name] ?? []).map { value in
      guard let value = value as? Value else {
        preconditionFailure("A command must declare --\(name) once.")
      }
      return value
    }
  }
}
