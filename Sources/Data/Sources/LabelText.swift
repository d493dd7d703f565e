import Foundation
import System

/// A class as tables and shards write it.
enum LabelText {
  /// What stands for "unlabelled".
  static let none = "-1"

  /// The label without blanks around it, those of the web and a mark of UTF-8 among them; `7.0` and `7e+00`, as MXNet
  /// and NumPy write whole numbers, are `7`.
  static func plain(_ text: String) -> String {
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines.union(["\u{FEFF}"]))
    // "1e5" may be a name.
    let isNumber = text.contains(/^[-+]?[0-9]+([.][0-9]*([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)$/)
    guard isNumber, let number = Double(text),
      let whole = Int(exactly: number)
    else { return text }
    return String(whole)
  }

  /// Whether it is a number below zero, which is no class.
  static func isNegative(_ label: String) -> Bool { Int(label).map { $0 < 0 } ?? false }
}
