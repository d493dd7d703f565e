import System

/// The meaning of each column in a table of labels.
struct LabelColumns {
  var path: Int
  var label: Int?
  var split: Int?
  /// Columns that say whether a picture belongs to one part, such as fast.ai's `is_valid`.
  var flags: [(column: Int, split: Split)] = []
  /// The titles of the other columns.
  var unused: [String] = []
  /// Whether boxes follow the label, as Kaggle has them: `n01440764 1 2 30 31`.
  var holdsBoxes = false
  /// The largest number of fields in a line; nil for any number.
  var count: Int?
}

extension LabelColumns {
  // In order of preference; the first eight are unambiguous.
  private static let pathNames = [
    "path", "filepath", "filename", "imagepath", "file", "filepaths", "paths", "files", "imagefile",
    "imagename", "imgpath", "imgname", "image", "img", "images", "relativepath", "relpath",
    "picture", "uri", "fname", "imageid", "name", "id", "key",
  ]
  private static let labelNames = [
    "label", "labels", "class", "category", "target", "species", "breed", "wnid", "synset", "y",
    "cls", "tag", "classlabel", "predictionstring", "level", "diagnosis", "dx",
  ].flatMap { [$0, "\($0)name", "\($0)id", "\($0)index", "\($0)idx"] }
  private static let splitNames = [
    "split", "subset", "set", "partition", "dataset", "phase", "usage",
  ]
  // That a picture is not for training does not say what it is for.
  private static let flagNames: [String: Split] = [
    "isvalid": .validation, "isval": .validation, "isvalidation": .validation, "istest": .test,
  ]

  private static func plain(_ title: String) -> String {
    title.lowercased().filter { $0.isLetter || $0.isNumber }
  }

  /// The columns with these titles; nil if none is a path.
  init?(named titles: [String]) {
    let names = titles.map(Self.plain)
    func first(of wanted: [String]) -> Int? {
      wanted.lazy.compactMap { names.firstIndex(of: $0) }.first
    }
    guard let path = first(of: Self.pathNames) else { return nil }
    self.init(path: path, label: first(of: Self.labelNames), split: first(of: Self.splitNames))
    if split == nil {
      flags = names.enumerated().compactMap { column, name in
        Self.flagNames[name].map { (column, $0) }
      }
    }
    let used: [Int?] = [path, label, split] + flags.map { $0.column }
    unused = titles.indices.filter { !used.contains($0) }.map { titles[$0] }
    holdsBoxes = label.map { names[$0] == "predictionstring" } ?? false
    count = titles.count
  }

  /// The columns that a first line names; nil if it is not a header.
  init?(header fields: [[UInt8]]) {
    let titles = fields.map { readable($0) }
    self.init(named: titles)
    // A picture's name or label may also be such a word.
    let name = Self.plain(titles[path])
    let isHeader =
      titles.count == 1
      ? name != "id"
      : label != nil || split != nil || !flags.isEmpty || Self.pathNames.prefix(8).contains(name)
    guard isHeader else { return nil }
  }

  /// The word in a row for its part.
  /// - Parameter value: The text of a column.
  /// - Returns: The word; nil where the row says nothing, as `False` does.
  func splitWord(_ value: (_ column: Int) -> String?) -> String? {
    if let split { return value(split) }
    for flag in flags {
      switch value(flag.column)?.lowercased() {
      case "true", "1", "1.0", "yes": return flag.split.rawValue
      case nil, "", "false", "0", "0.0", "no": continue
      case let other: return other
      }
    }
    return nil
  }

  /// The number of fields that a line has at least.
  var width: Int { flags.reduce(max(path, label ?? 0, split ?? 0)) { max($0, $1.column) } + 1 }

  /// Recognises the columns by their contents.
  /// - Throws: `Failure` (bad data) if the contents do not tell.
  init(of lines: [[[UInt8]]], in path: String) throws(Failure) {
    // Most lines have as many fields as the table has columns.
    let widths = Dictionary(grouping: lines) { $0.count }
    let width = widths.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }?.key ?? 1
    let sample = widths[width] ?? []
    func all(_ column: Int, _ holds: ([UInt8]) -> Bool) -> Bool {
      sample.allSatisfy { holds($0[column]) }
    }
    func isNumber(_ field: [UInt8]) -> Bool { Double(readable(field)) != nil }
    if width == 1 {
      self.init(path: 0, label: widths[2] == nil ? nil : 1)
      count = label == nil ? 1 : 2
      return
    }
    // MXNet's order: number, label, path.
    if width >= 3, all(0, { Int(readable($0)) != nil }), all(1, isNumber),
      !all(width - 1, isNumber)
    {
      guard width == 3 else {
        throw Failure(
          .badData,
          "The list \(quoted(path)) has \(width - 2) labels per picture; give exactly one.")
      }
      self.init(path: 2, label: 1, count: width)
      return
    }
    let pictures = (0..<width).map { column in
      sample.count { PictureFiles.isPicture($0[column]) }
    }
    let name = pictures.indices.max { (pictures[$0], -$0) < (pictures[$1], -$1) } ?? 0
    let rest = (0..<width).filter { $0 != name }
    if rest.count == 1 {
      self.init(path: name, label: rest[0], count: width)
      return
    }
    let split = rest.first { column in all(column) { SplitName.split(of: readable($0)) != nil } }
    guard rest.count == 2, let split else {
      throw Failure(
        .badData,
        "The list \(quoted(path)) has \(width) columns and no header that names the label; add a "
          + "first line such as path,label,split.")
    }
    self.init(path: name, label: rest.first { $0 != split }, split: split, count: width)
  }
}
