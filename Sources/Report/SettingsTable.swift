import Foundation
import JSON

/// The settings of runs, flattened: `recipe.learningRate` and its value in each run.
struct SettingsTable {
  /// A setting and its value in each run.
  struct Row {
    let name: String
    let values: [String]

    var differs: Bool { Set(values).count > 1 }
  }

  let rows: [Row]

  /// Parses the texts of config.json.
  init(_ configurations: [String]) {
    let flat = configurations.map { text in
      var values: [String: String] = [:]
      // The text was parsed before, so it is within the limits.
      Self.flatten(JSONText.object(checked: Array(text.utf8)[...]) ?? [:], "", &values)
      return values
    }
    let names = Set(flat.flatMap(\.keys)).sorted {
      $0.localizedStandardCompare($1) == .orderedAscending
    }
    rows = names.map { name in Row(name: name, values: flat.map { $0[name] ?? "–" }) }
  }

  private static func flatten(_ value: Any, _ path: String, _ values: inout [String: String]) {
    switch value {
    case let object as [String: Any]:
      for (key, value) in object { flatten(value, path.isEmpty ? key : "\(path).\(key)", &values) }
    case let list as [Any]:
      for (number, value) in list.enumerated() {
        // Layers are identified by name.
        let name = (value as? [String: Any])?["name"] as? String
        flatten(value, "\(path).\(name ?? String(number + 1))", &values)
      }
    default: values[path] = "\(value)"
    }
  }
}
