import Failures
import Foundation
import JSON

/// Pictures with their labels as a text file lists them: `path label` as Caffe has it, CSV and TSV with or without a
/// header, JSON lines, MXNet's `.lst`.
///
/// Which of these it is shows by its first lines. A line that fits nothing is refused with its number; a file of which
/// more than a tenth is refused is an error.
struct LabelTable {
  struct Row {
    let line: Int
    /// The path or name of the picture, as the file has it.
    let name: [UInt8]
    /// The class; nil where the line has none.
    var label: String?
    var split: Split?
  }

  let path: String
  private(set) var rows: [Row] = []
  /// Lines that cannot be used, with a phrase that completes "line N ...".
  private(set) var refused: [(line: Int, reason: String)] = []
  /// Pictures without a label, or with -1, which stands for that.
  private(set) var unlabelled = 0
  /// Columns of the header that were not used.
  private(set) var unusedColumns: [String] = []
  private(set) var hasLabels = false

  private static let largest = 1 << 30

  /// Reads a file.
  /// - Parameters:
  ///   - path: The file.
  ///   - columns: Which fields of a line are what; nil to find that out.
  /// - Throws: `Failure`: input missing where it cannot be read, bad data where nothing of it is understood.
  init(reading path: String, columns: LabelColumns? = nil) throws(Failure) {
    self.path = path
    let bytes = try ListLines.text(
      try InputFile.contents(of: path, limit: Self.largest), of: path)
    switch bytes.first(where: { !$0.isBlank }) {
    case nil: throw Failure(.badData, "The list \(quoted(path)) is empty.")
    case UInt8(ascii: "["): try readJSONArray(bytes)
    case UInt8(ascii: "{"): readJSONLines(bytes)
    default: try readFields(bytes, columns)
    }
    guard !rows.isEmpty || unlabelled > 0 || !refused.isEmpty else {
      throw Failure(.badData, "The list \(quoted(path)) names no pictures.")
    }
  }

  /// Takes in a row; what names nothing, or is unlabelled, is counted.
  private mutating func add(
    _ line: Int, _ name: [UInt8], label: String?, split: String?, labelIsThere: Bool
  ) {
    // MXNet writes whole numbers with zeros behind the point.
    let label = label.map { $0.contains(/^[0-9]+[.]0+$/) ? String($0.prefix { $0 != "." }) : $0 }
    guard !name.isEmpty else { return refused.append((line, "names no picture")) }
    var part: Split?
    if let split, !split.isEmpty {
      part = SplitName.split(of: split)
      guard part != nil else {
        return refused.append((line, "is for \(quoted(split)), which is no part of a dataset"))
      }
    }
    if let label, ["-1", "-1.0", "-1.000000"].contains(label) || label.isEmpty && part == .test {
      unlabelled += 1
      return
    }
    if labelIsThere, label?.isEmpty != false {
      return refused.append((line, "has no label for \(quoted(readable(name)))"))
    }
    rows.append(Row(line: line, name: name, label: label, split: part))
  }

  // MARK: Lines of fields

  private mutating func readFields(_ bytes: [UInt8], _ given: LabelColumns?) throws(Failure) {
    let sample = ListLines(bytes).prefix(200).map(\.text)
    let tab = UInt8(ascii: "\t")
    let divider: FieldDivider =
      given == nil
      ? FieldDivider(of: sample, isTable: path.lowercased().hasSuffix(".csv"))
      : sample.allSatisfy { $0.contains(tab) } ? .character(tab) : .blanks
    let fields = sample.map(divider.fields)
    let header = given == nil ? LabelColumns(header: fields[0]) : nil
    let columns: LabelColumns
    if let known = given ?? header {
      columns = known
    } else {
      columns = try LabelColumns(of: fields, in: path)
    }
    hasLabels = columns.label != nil
    unusedColumns = columns.unused
    let width = max(columns.path, columns.label ?? 0, columns.split ?? 0) + 1
    let lines = ListLines(bytes, isQuoted: divider != .lastBlank)
    for (number, line) in lines.dropFirst(header == nil ? 0 : 1) {
      let fields = divider.fields(of: line)
      // A line of a path alone keeps the class that the source gives.
      let isPathAlone = fields.count == 1 && columns.label != nil && width == 2
      guard fields.count >= width || isPathAlone else {
        refused.append((number, "has \(fields.count) fields, not \(width)"))
        continue
      }
      let label = columns.label.flatMap { $0 < fields.count ? readable(fields[$0]) : nil }
      add(
        number, fields[columns.path], label: label,
        split: columns.split.map { readable(fields[$0]) },
        labelIsThere: columns.label != nil && fields.count > 1)
    }
  }

  // MARK: JSON

  private mutating func readJSONArray(_ bytes: [UInt8]) throws(Failure) {
    let whole = Array("{\"list\":".utf8) + bytes + [UInt8(ascii: "}")]
    guard let objects = JSONText.object(whole[...])?["list"] as? [[String: Any]] else {
      throw Failure(.badData, "The list \(quoted(path)) is no JSON array of objects.")
    }
    for (number, object) in objects.enumerated() { add(number + 1, object) }
  }

  private mutating func readJSONLines(_ bytes: [UInt8]) {
    for (number, line) in ListLines(bytes) {
      guard let object = JSONText.object(line) else {
        refused.append((number, "is no JSON object"))
        continue
      }
      add(number, object)
    }
  }

  private mutating func add(_ line: Int, _ object: [String: Any]) {
    let titles = object.keys.sorted()
    guard let columns = LabelColumns(named: titles) else {
      return refused.append((line, "has no 'file_name' or 'path'"))
    }
    func value(_ column: Int?) -> String? { column.flatMap { Self.text(of: object[titles[$0]]) } }
    if columns.label != nil { hasLabels = true }
    if rows.isEmpty { unusedColumns = columns.unused }
    add(
      line, Array((value(columns.path) ?? "").utf8), label: value(columns.label),
      split: value(columns.split), labelIsThere: columns.label != nil)
  }

  /// A JSON value as a label: `7` and `7.0` are one.
  static func text(of value: Any?) -> String? {
    switch value {
    case let text as String: text
    case let number as NSNumber:
      Int(exactly: number.doubleValue).map { String($0) } ?? "\(number)"
    default: nil
    }
  }

  // MARK: What is said

  /// Sentences on what was not used.
  /// - Parameters:
  ///   - refused: The lines that cannot be used, those whose picture is not there among them.
  ///   - file: What the file is called.
  /// - Returns: A sentence for each kind.
  /// - Throws: `Failure` (bad data) with the first three if they are more than a tenth.
  func notes(_ refused: [(line: Int, reason: String)], of file: String) throws(Failure) -> [String]
  {
    var notes: [String] = []
    let refused = refused.sorted { $0.line < $1.line }
    let all = rows.count + unlabelled + self.refused.count
    if !refused.isEmpty {
      let first = refused.prefix(3).map { "Line \($0.line) \($0.reason)" }.joined(separator: "; ")
      let more = refused.count > 3 ? "; and \(refused.count - 3) more" : ""
      let what = "\(refused.count) of \(all) lines of \(quoted(file)) cannot be used"
      guard 10 * refused.count <= all else {
        throw Failure(.badData, "\(what), which is more than a tenth. \(first)\(more).")
      }
      notes.append("\(what). \(first)\(more).")
    }
    if unlabelled > 0 {
      notes.append(
        "\(counted(unlabelled, "picture", "pictures")) of \(quoted(file)) without a label (or with -1) were left out."
      )
    }
    if !unusedColumns.isEmpty {
      notes.append("Columns of \(quoted(file)) that were not used: \(listed(unusedColumns)).")
    }
    return notes
  }
}
