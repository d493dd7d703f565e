import Foundation
import JSON
import System

/// Pictures with their labels as listed in a text file.
///
/// `path label` as in Caffe, CSV and TSV with or without a header, JSON lines, MXNet's `.lst`.
///
/// The format is recognised by the first lines. A line that cannot be used is refused with its
/// number; if more than a tenth of the lines are refused, that is an error.
struct LabelTable {
  struct Row {
    let line: Int
    /// The path or name of the picture, as in the file.
    let name: [UInt8]
    /// The class; nil if the line has none.
    var label: String?
    var split: Split?
  }

  let path: String
  private(set) var rows: [Row] = []
  /// Lines that cannot be used, with a phrase that completes "line N ...".
  private(set) var refused: [(line: Int, reason: String)] = []
  /// Pictures without a label, or with -1, which means the same.
  private(set) var unlabelled = 0
  /// Columns of the header that were not used.
  private(set) var unusedColumns: [String] = []
  private(set) var hasLabels = false
  /// The part of its pictures, unless a row or a path names another.
  private let split: Split?
  /// Rows with an empty field in the column of parts.
  private var withoutSplit = 0

  private static let largest = 1 << 30

  /// Reads a file.
  /// - Parameters:
  ///   - path: The file.
  ///   - columns: The meaning of each column; nil to recognise it.
  ///   - split: The part of its pictures, if known.
  /// - Throws: `Failure`: input missing if it cannot be read, bad data if nothing in it is
  ///   understood.
  init(
    reading path: String, columns: LabelColumns? = nil, split: Split? = nil
  ) throws(Failure) {
    self.path = path
    self.split = split
    let bytes = try ListLines.text(
      try RegularFile.contents(of: path, limit: Self.largest), of: path)
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

  /// Adds a row; rows without a name or a label are counted.
  private mutating func add(
    _ line: Int, _ name: [UInt8], label: String?, split: String?, labelIsThere: Bool
  ) {
    let label = label.map(LabelText.plain) ?? ""
    guard !name.isEmpty else { return refused.append((line, "names no picture")) }
    var part: Split?
    if split?.isEmpty == true { withoutSplit += 1 }
    if let split, !split.isEmpty {
      part = SplitName.split(of: split)
      guard part != nil else {
        return refused.append(
          (line, "is for \(quoted(split)), which is not a split (train, validation or test)"))
      }
    }
    let lacksLabel = labelIsThere && label.isEmpty
    if label == LabelText.none
      || lacksLabel && (part ?? SplitName.split(ofPath: name) ?? self.split) == .test
    {
      unlabelled += 1
      return
    }
    guard !LabelText.isNegative(label) else {
      return refused.append((line, "has the label \(label), which is not a class"))
    }
    // As lists for several classes a picture have them: `Mass|Nodule`.
    guard !label.contains("|") else {
      return refused.append(
        (line, "has several labels (\(quoted(label))), and a picture here belongs to one class"))
    }
    guard !lacksLabel else {
      return refused.append((line, "has no label for \(quoted(readable(name)))"))
    }
    rows.append(
      Row(line: line, name: name, label: label.isEmpty ? nil : label, split: part))
  }

  // MARK: Lines of fields

  private mutating func readFields(_ bytes: [UInt8], _ given: LabelColumns?) throws(Failure) {
    let sample = ListLines(bytes).prefix(200).map(\.text)
    let tab = UInt8(ascii: "\t")
    let divider: FieldDivider =
      given == nil
      ? FieldDivider(of: sample, isTable: path.lowercased().hasSuffix(".csv"))
      : sample.allSatisfy { $0.contains(tab) } ? .character(tab) : .blanks
    var fields = sample.map(divider.fields)
    // A separator at the end of every line does not make a column.
    while fields.allSatisfy({ $0.count > 1 && $0.last?.isEmpty == true }) {
      for line in fields.indices { fields[line].removeLast() }
    }
    let header = given == nil ? LabelColumns(header: fields[0]) : nil
    let columns: LabelColumns
    if let known = given ?? header {
      columns = known
    } else {
      columns = try LabelColumns(of: fields, in: path)
    }
    hasLabels = columns.label != nil
    unusedColumns = columns.unused
    let width = columns.width
    for (number, line) in ListLines(bytes, divider).dropFirst(header == nil ? 0 : 1) {
      var fields = divider.fields(of: line)
      // A separator at the end does not make a field.
      while fields.count > width, fields.last?.isEmpty == true { fields.removeLast() }
      // A line with only a path keeps the class from the source.
      let isPathAlone =
        fields.count == 1 && columns.path == 0 && columns.label != nil && width == 2
      let most = columns.count ?? fields.count
      guard fields.count >= width && fields.count <= most || isPathAlone else {
        let found = counted(fields.count, "field", "fields")
        refused.append((number, "has \(found), not \(columns.count ?? width)"))
        continue
      }
      var label = columns.label.flatMap { $0 < fields.count ? readable(fields[$0]) : nil }
      if columns.holdsBoxes { label = label.flatMap(LabelText.withoutBoxes) }
      add(
        number, fields[columns.path], label: label,
        split: columns.splitWord { $0 < fields.count ? readable(fields[$0]) : nil },
        labelIsThere: columns.label != nil && fields.count > 1)
    }
  }

  // MARK: JSON

  private mutating func readJSONArray(_ bytes: [UInt8]) throws(Failure) {
    let whole = Array("{\"list\":".utf8) + bytes + [UInt8(ascii: "}")]
    // Three of a picture's own, and more where it has more members.
    try JSONText.check(whole[...], .init(values: 1 << 26), from: path)
    guard let objects = JSONText.object(checked: whole[...])?["list"] as? [[String: Any]] else {
      throw Failure(.badData, "The list \(quoted(path)) is not a JSON array of objects.")
    }
    for (number, object) in objects.enumerated() { add(number + 1, object) }
    settleUnlabelled()
  }

  private mutating func readJSONLines(_ bytes: [UInt8]) {
    for (number, line) in ListLines(bytes) {
      guard let object = JSONText.object(line) else {
        refused.append((number, "is not a JSON object"))
        continue
      }
      add(number, object)
    }
    settleUnlabelled()
  }

  /// Counts objects without a label that came before one with a label.
  private mutating func settleUnlabelled() {
    guard hasLabels else { return }
    let lacking = rows.filter { $0.label == nil }
    rows.removeAll { $0.label == nil }
    for row in lacking {
      add(row.line, row.name, label: nil, split: row.split?.rawValue, labelIsThere: true)
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
    if let label = columns.label, object[titles[label]] is [Any] {
      return refused.append((line, "has a list of labels, and a picture here belongs to one class"))
    }
    add(
      line, Array((value(columns.path) ?? "").utf8), label: value(columns.label),
      split: columns.splitWord(value), labelIsThere: hasLabels)
  }

  /// A JSON value as a label: `7` and `7.0` are the same.
  static func text(of value: Any?) -> String? {
    switch value {
    case let text as String: text
    case let number as NSNumber:
      Int(exactly: number.doubleValue).map { String($0) } ?? "\(number)"
    default: nil
    }
  }

  // MARK: Notes

  /// Sentences about what was not used.
  /// - Parameters:
  ///   - refused: The lines that cannot be used, including those whose picture does not exist.
  ///   - file: The file's name in messages.
  ///   - advice: A sentence to end a failure with.
  /// - Returns: One sentence for each kind.
  /// - Throws: `Failure` (bad data) with the first three if they are more than a tenth.
  func notes(
    _ refused: [(line: Int, reason: String)], of file: String, advice: String = ""
  ) throws(Failure) -> [String] {
    var notes: [String] = []
    let refused = refused.sorted { $0.line < $1.line }
    let all = rows.count + unlabelled + self.refused.count
    if !refused.isEmpty {
      let first = refused.prefix(3).map { "Line \($0.line) \($0.reason)" }.joined(separator: "; ")
      let more = refused.count > 3 ? "; and \(refused.count - 3) more" : ""
      let what = "\(refused.count) of \(all) lines of \(quoted(file)) cannot be used"
      guard 10 * refused.count <= all else {
        let columns =
          unusedColumns.isEmpty ? "" : " Columns that were not used: \(listed(unusedColumns))."
        throw Failure(
          .badData, "\(what), which is more than a tenth. \(first)\(more).\(columns)\(advice)")
      }
      notes.append("\(what). \(first)\(more).")
    }
    if unlabelled > 0 {
      notes.append(
        "\(counted(unlabelled, "picture", "pictures")) of \(quoted(file)) without a label (or with "
          + "-1) were left out."
      )
    }
    if withoutSplit > 0, rows.contains(where: { $0.split != nil }) {
      notes.append(
        "\(counted(withoutSplit, "picture", "pictures")) of \(quoted(file)) without a split took "
          + "the split that their path names, or training.")
    }
    if !unusedColumns.isEmpty {
      notes.append("Columns of \(quoted(file)) that were not used: \(listed(unusedColumns)).")
    }
    return notes
  }
}
