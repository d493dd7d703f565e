import Foundation
import System

/// A class as written in tables and shards.
enum LabelText {
  /// The label that means "unlabelled".
  static let none = "-1"

  /// The label without surrounding blanks, including no-break spaces and a UTF-8 byte-order mark.
  ///
  /// `7.0` and `7e+00`, as MXNet and NumPy write integers, become `7`.
  static func plain(_ text: String) -> String {
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines.union(["\u{FEFF}"]))
    // "1e5" may be a name. The pattern, which takes a tenth of a millisecond, comes last: lists have
    // millions of labels.
    guard Int(text) == nil, let number = Double(text), let whole = Int(exactly: number),
      text.contains(/^[-+]?[0-9]+([.][0-9]*([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)$/)
    else { return text }
    return String(whole)
  }

  /// The class in front of Kaggle's boxes, `n01440764 1 2 30 31`.
  static func withoutBoxes(_ label: String) -> String? {
    label.split(separator: " ").first.map(String.init)
  }

  /// Whether it is a negative number, which is not a class.
  static func isNegative(_ label: String) -> Bool { Int(label).map { $0 < 0 } ?? false }
}
