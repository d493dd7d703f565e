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
    /// The class; nil where the file has no labels.
    var label: String?
    var split: Split?
  }

  /// Which fields of a line are what.
  struct Columns {
    var path: Int
    var label: Int?
    var split: Int?
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
  // In the order in which they are preferred.
  private static let pathNames = [
    "path", "filepath", "filename", "imagepath", "file", "filepaths", "paths", "files", "imagefile",
    "imagename", "imgpath", "imgname", "image", "img", "images", "relativepath", "relpath",
    "picture",
    "uri", "fname", "imageid", "name", "id", "key",
  ]
  private static let labelNames = [
    "label", "labels", "class", "classname", "labelname", "category", "target", "species", "breed",
    "wnid", "synset", "y", "cls", "tag", "classid", "labelid", "classlabel", "predictionstring",
    "level", "diagnosis",
  ]
  private static let splitNames = [
    "split", "subset", "set", "partition", "dataset", "phase", "usage",
  ]

  /// Reads a file.
  /// - Parameters:
  ///   - path: The file.
  ///   - columns: Which fields of a line are what; nil to find that out.
  /// - Throws: `Failure`: input missing where it cannot be read, bad data where nothing of it is understood.
  init(reading path: String, columns: Columns? = nil) throws(Failure) {
    self.path = path
    let bytes = try Self.text(try InputFile.contents(of: path, limit: Self.largest), path)
    guard let first = bytes.first(where: { !Self.isBlank($0) }) else {
      throw Failure(.badData, "The list \(quoted(path)) is empty.")
    }
    if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
      try readJSON(bytes)
    } else {
      try readLines(bytes, columns)
    }
    guard !rows.isEmpty || unlabelled > 0 || !refused.isEmpty else {
      throw Failure(.badData, "The list \(quoted(path)) names no pictures.")
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte <= UInt8(ascii: " ") }

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

  // MARK: Text

  /// The bytes as UTF-8 without a mark at the beginning; UTF-16 is converted.
  private static func text(_ bytes: [UInt8], _ path: String) throws(Failure) -> [UInt8] {
    func utf16(_ start: Int, isLittle: Bool) -> [UInt8] {
      let units = stride(from: start, to: bytes.count - 1, by: 2).map {
        isLittle
          ? UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
          : UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
      }
      return Array(String(decoding: units, as: UTF16.self).utf8)
    }
    let plain =
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
        Array(bytes[3...])
      } else if bytes.starts(with: [0xFF, 0xFE]) {
        utf16(2, isLittle: true)
      } else if bytes.starts(with: [0xFE, 0xFF]) {
        utf16(2, isLittle: false)
      } else if bytes.count > 3, bytes[0] != 0, bytes[1] == 0 {
        utf16(0, isLittle: true)
      } else if bytes.count > 3, bytes[0] == 0, bytes[1] != 0 {
        utf16(0, isLittle: false)
      } else {
        bytes
      }
    guard !plain.contains(0) else {
      throw Failure(.badData, "The list \(quoted(path)) is no text: it holds zero bytes.")
    }
    return plain
  }

  // MARK: Lines of fields

  /// What stands between the fields of a line.
  private enum Divider { case byte(UInt8), lastBlank }

  private mutating func readLines(_ bytes: [UInt8], _ given: Columns?) throws(Failure) {
    var sample: [ArraySlice<UInt8>] = []
    Self.forEachLine(bytes) { _, line in
      sample.append(line)
      return sample.count < 200
    }
    let divider =
      given == nil
      ? Self.divider(sample, isTable: path.lowercased().hasSuffix(".csv"))
      : sample.allSatisfy { $0.contains(UInt8(ascii: "\t")) }
        ? .byte(UInt8(ascii: "\t")) : .byte(UInt8(ascii: " "))
    let fields = sample.map { Self.fields($0, divider) }
    var isFirstHeader = false
    let columns: Columns
    if let given {
      columns = given
    } else if let header = header(fields[0]) {
      columns = header
      isFirstHeader = true
    } else {
      columns = try Self.columns(of: fields, path)
    }
    hasLabels = columns.label != nil
    let width = max(columns.path, columns.label ?? 0, columns.split ?? 0) + 1
    var records = ListRecords(
      bytes, isQuoted: { if case .byte = divider { true } else { false } }())
    while let (number, line) = records.next() {
      if isFirstHeader {
        isFirstHeader = false
        continue
      }
      let fields = Self.fields(line, divider)
      guard fields.count >= width || fields.count == 1 && columns.label != nil && width == 2 else {
        refused.append((number, "has \(fields.count) fields, not \(width)"))
        continue
      }
      let label = columns.label.flatMap { $0 < fields.count ? readable(fields[$0]) : nil }
      add(
        number, fields[columns.path], label: label,
        split: columns.split.map { readable(fields[$0]) },
        // A line of a path alone keeps the class that the source gives.
        labelIsThere: columns.label != nil && fields.count > 1)
    }
  }

  private static func forEachLine(
    _ bytes: [UInt8], _ body: (Int, ArraySlice<UInt8>) -> Bool
  ) {
    var records = ListRecords(bytes, isQuoted: false)
    while let (number, line) = records.next() {
      guard body(number, line) else { return }
    }
  }

  /// Tabs, commas or semicolons if they are in every line, otherwise the last blank of the line.
  private static func divider(_ lines: [ArraySlice<UInt8>], isTable: Bool) -> Divider {
    let tab = UInt8(ascii: "\t")
    let withTab = lines.count { $0.contains(tab) }
    if withTab > 0 && 2 * withTab >= lines.count { return .byte(tab) }
    // A name may hold a comma: `a, b.png 7`.
    let endsInNumber = lines.allSatisfy { line in
      guard let blank = line.lastIndex(of: UInt8(ascii: " ")) else { return false }
      let (rest, word) = (line[..<blank], line[(blank + 1)...])
      return Int(readable(word)) != nil && rest.last != UInt8(ascii: ",")
        && rest.last != UInt8(ascii: ";")
    }
    for byte in [UInt8(ascii: ","), UInt8(ascii: ";")]
    where isTable || !endsInNumber {
      let with = lines.count { $0.contains(byte) }
      if with > 0 && 2 * with >= lines.count { return .byte(byte) }
    }
    return .lastBlank
  }

  private static func fields(_ line: ArraySlice<UInt8>, _ divider: Divider) -> [[UInt8]] {
    guard case .byte(let byte) = divider else {
      let line = trimmed(line)
      guard
        let blank = line.lastIndex(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
      else { return [unquoted(line)] }
      // A label is no picture's name: this is a path with a blank in it.
      if PictureFiles.isPicture(Array(line[(blank + 1)...])) { return [unquoted(line)] }
      return [unquoted(trimmed(line[..<blank])), unquoted(line[(blank + 1)...])]
    }
    if byte == UInt8(ascii: " ") {
      return line.split(separator: byte).map { Array($0) }
    }
    var fields: [[UInt8]] = []
    let quote = UInt8(ascii: "\"")
    var place = line.startIndex
    while true {
      while place < line.endIndex, line[place] == UInt8(ascii: " ") { place += 1 }
      var field: [UInt8] = []
      if place < line.endIndex, line[place] == quote {
        place += 1
        while place < line.endIndex {
          if line[place] == quote {
            guard place + 1 < line.endIndex, line[place + 1] == quote else { break }
            place += 1
          }
          field.append(line[place])
          place += 1
        }
        place = line[min(place, line.endIndex)...].firstIndex(of: byte) ?? line.endIndex
      } else {
        let end = line[place...].firstIndex(of: byte) ?? line.endIndex
        field = Array(trimmed(line[place..<end]))
        place = end
      }
      fields.append(field)
      guard place < line.endIndex else { return fields }
      place += 1
    }
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = bytes.firstIndex(where: { !isBlank($0) }),
      let last = bytes.lastIndex(where: { !isBlank($0) })
    else { return [] }
    return bytes[first...last]
  }

  private static func unquoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    guard bytes.count >= 2, bytes.first == quote, bytes.last == quote else { return Array(bytes) }
    return Array(bytes.dropFirst().dropLast())
  }

  // MARK: Columns

  private static func plain(_ name: String) -> String {
    name.lowercased().filter { $0.isLetter || $0.isNumber }
  }

  /// The columns that a header names; nil if the first line is none.
  private mutating func header(_ fields: [[UInt8]]) -> Columns? {
    let titles = fields.map { readable($0) }
    guard let columns = Self.columns(named: titles) else { return nil }
    let used = [columns.path, columns.label, columns.split]
    unusedColumns = titles.indices.filter { !used.contains($0) }.map { titles[$0] }
    return columns
  }

  private static func columns(named titles: [String]) -> Columns? {
    let names = titles.map { plain($0) }
    func first(of wanted: [String]) -> Int? {
      wanted.lazy.compactMap { names.firstIndex(of: $0) }.first
    }
    guard let path = first(of: pathNames), names.count > 1 || names[0] != "id" else { return nil }
    let label = first(of: labelNames)
    let split = first(of: splitNames)
    guard
      label != nil || split != nil || names.count == 1 || pathNames.prefix(8).contains(names[path])
    else { return nil }
    return Columns(path: path, label: label, split: split)
  }

  /// Which column is what, by what stands in them.
  private static func columns(of lines: [[[UInt8]]], _ path: String) throws(Failure) -> Columns {
    // Most lines have as many fields as the table has columns.
    let widths = Dictionary(grouping: lines) { $0.count }
    let width = widths.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }?.key ?? 1
    let sample = widths[width] ?? []
    func all(_ column: Int, _ holds: ([UInt8]) -> Bool) -> Bool {
      sample.allSatisfy { holds($0[column]) }
    }
    func isNumber(_ field: [UInt8]) -> Bool { Double(readable(field)) != nil }
    if width == 1 { return Columns(path: 0, label: widths[2] == nil ? nil : 1) }
    // MXNet: number, label, path.
    if width >= 3, all(0, { Int(readable($0)) != nil }), all(1, isNumber),
      !all(width - 1, isNumber)
    {
      guard width == 3 else {
        throw Failure(
          .badData,
          "The list \(quoted(path)) has \(width - 2) labels for a picture; one is needed.")
      }
      return Columns(path: 2, label: 1)
    }
    let pictures = (0..<width).map { column in
      sample.count { PictureFiles.isPicture($0[column]) }
    }
    let name = pictures.indices.max { (pictures[$0], -$0) < (pictures[$1], -$1) } ?? 0
    let rest = (0..<width).filter { $0 != name }
    if rest.count == 1 { return Columns(path: name, label: rest[0]) }
    let split = rest.first { column in all(column) { SplitName.split(of: readable($0)) != nil } }
    guard rest.count == 2, let split else {
      throw Failure(
        .badData,
        "The list \(quoted(path)) has \(width) columns, and which is the label does not show; give it a first line such as "
          + "path,label,split.")
    }
    return Columns(path: name, label: rest.first { $0 != split }, split: split)
  }

  // MARK: JSON

  private mutating func readJSON(_ bytes: [UInt8]) throws(Failure) {
    if bytes.first(where: { !Self.isBlank($0) }) == UInt8(ascii: "[") {
      let whole = Array("{\"list\":".utf8) + bytes + [UInt8(ascii: "}")]
      guard let objects = Self.object(whole[...])?["list"] as? [[String: Any]] else {
        throw Failure(.badData, "The list \(quoted(path)) is no JSON array of objects.")
      }
      for (number, object) in objects.enumerated() { add(number + 1, object) }
      return
    }
    var records = ListRecords(bytes, isQuoted: false)
    while let (number, line) = records.next() {
      guard let object = Self.object(line) else {
        refused.append((number, "is no JSON object"))
        continue
      }
      add(number, object)
    }
  }

  private static func object(_ text: ArraySlice<UInt8>) -> [String: Any]? {
    JSONText.problem(in: text) == nil ? JSONText.object(checked: text) : nil
  }

  private mutating func add(_ line: Int, _ object: [String: Any]) {
    let titles = object.keys.sorted()
    guard let columns = Self.columns(named: titles) ?? Self.columns(named: titles + ["label"]),
      columns.path < titles.count
    else { return refused.append((line, "has no 'file_name' or 'path'")) }
    func value(_ column: Int?) -> String? {
      guard let column, column < titles.count else { return nil }
      return Self.text(of: object[titles[column]])
    }
    hasLabels = hasLabels || columns.label.map { $0 < titles.count } ?? false
    if rows.isEmpty {
      let used = [columns.path, columns.label, columns.split]
      unusedColumns = titles.indices.filter { !used.contains($0) }.map { titles[$0] }
    }
    add(
      line, Array((value(columns.path) ?? "").utf8), label: value(columns.label),
      split: value(columns.split), labelIsThere: columns.label.map { $0 < titles.count } ?? false)
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

/// The lines of a text with their numbers, without blanks at their ends; empty ones are left out.
private struct ListRecords {
  private let bytes: [UInt8]
  /// Whether a line may go on in the next one within quotes.
  private let isQuoted: Bool
  private var place = 0
  private var number = 0

  init(_ bytes: [UInt8], isQuoted: Bool) {
    self.bytes = bytes
    self.isQuoted = isQuoted
  }

  mutating func next() -> (Int, ArraySlice<UInt8>)? {
    while place < bytes.count {
      let (start, first) = (place, number + 1)
      var quotes = 0
      while place < bytes.count {
        let byte = bytes[place]
        if byte == UInt8(ascii: "\"") { quotes += 1 }
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
          number += 1
          // A quote that is never closed must not swallow the file.
          if !(isQuoted && quotes % 2 == 1 && closes(place)) { break }
          quotes = 0
        }
        place += 1
      }
      if place == bytes.count { number += 1 }
      var end = place
      if place < bytes.count {
        let isPair =
          bytes[place] == UInt8(ascii: "\r") && place + 1 < bytes.count
          && bytes[place + 1] == UInt8(ascii: "\n")
        place += isPair ? 2 : 1
      }
      while end > start, bytes[end - 1] <= UInt8(ascii: " "), bytes[end - 1] != UInt8(ascii: "\t") {
        end -= 1
      }
      if end > start, bytes[start..<end].contains(where: { $0 > UInt8(ascii: " ") }) {
        return (first, bytes[start..<end])
      }
    }
    return nil
  }

  /// Whether the next line closes a quote: it has an odd number of them.
  private func closes(_ end: Int) -> Bool {
    let rest = bytes[(end + 1)...].prefix(4096)
    let line = rest.prefix { $0 != UInt8(ascii: "\n") }
    return line.count { $0 == UInt8(ascii: "\"") } % 2 == 1
  }
}
