import Foundation

/// A class as tables and shards write it.
enum LabelText {
  /// What stands for "unlabelled".
  static let none = "-1"

  /// The label without blanks around it, those of the web among them; `7.0`, as MXNet writes whole numbers, is `7`.
  static func plain(_ text: String) -> String {
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard text.contains(/^[-+]?[0-9]+[.][0-9]*([eE][-+]?[0-9]+)?$/), let number = Double(text),
      let whole = Int(exactly: number)
    else { return text }
    return String(whole)
  }

  /// Whether it is a number below zero, which is no class.
  static func isNegative(_ label: String) -> Bool { Int(label).map { $0 < 0 } ?? false }
}
