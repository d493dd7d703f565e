public import Failures
public import Images

/// The pictures of another source that a list file names, with the labels that it gives.
///
/// A line is `path<TAB>label`, or `path` alone to keep the label. In a folder of pictures the paths
/// are those of files below it, in class folders or not, reached through symbolic links perhaps, but
/// never by `..` or from the root; in other sources they are the names that
/// `rejected.jsonl` would use. The classes are the labels that occur: in the order of their numbers
/// if all are numbers, otherwise of their bytes.
public struct ListedSource: ImageSource {
  private let base: any ImageSource
  /// The folder of pictures; nil where the source is of another kind.
  private let folder: PathBytes?
  private let path: String

  private struct Line {
    let name: [UInt8]
    let label: String?
  }

  /// A source narrowed down by the list file at a path.
  public init(_ base: any ImageSource, list path: String) {
    self.base = base
    self.path = path
    folder = (base as? ClassFolderSource)?.root
  }

  /// The kind of the source that is listed, `class folders by a list`.
  public var kind: String { "\(folder == nil ? base.kind : "a folder") by a list" }

  /// Finds the listed pictures, in the order of the list.
  /// - Throws: `Failure`: input missing for the list, bad data for a line that fits nothing.
  public func list() throws(Failure) -> SourceListing {
    let lines = try lines()
    let found: [(item: SourceItem, label: String)]
    var notes: [String] = []
    if let folder {
      found = try files(lines, in: folder)
    } else {
      (found, notes) = try members(lines)
    }
    let labels = Set(found.map(\.label))
    guard labels.count > 1 else {
      throw Failure(
        .badData,
        "The list \(quoted(path)) names \(labels.count) classes; a classifier needs at least two.")
    }
    let numbers = labels.compactMap { Int($0) }
    // Only if no two labels are one number ("7" and "07").
    let classes =
      Set(numbers).count == labels.count
      ? labels.sorted { (Int($0) ?? 0) < (Int($1) ?? 0) }
      : labels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let place = Dictionary(
      classes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return SourceListing(
      classNames: classes,
      items: found.map { item, label in
        var item = item
        item.label = place[label] ?? 0
        return item
      }, notes: notes)
  }

  private func lines() throws(Failure) -> [Line] {
    let bytes = try InputFile.contents(of: path, limit: 1 << 30)
    var seen: Set<[UInt8]> = []
    var lines: [Line] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if line.isEmpty { continue }
      let tab = line.lastIndex(of: UInt8(ascii: "\t"))
      var name = Array(tab.map { line[..<$0] } ?? line)
      if folder != nil { name = try path(name, inLine: number + 1) }
      let label = tab.map { String(decoding: line[($0 + 1)...], as: UTF8.self) }
      guard !name.isEmpty, label != "" else {
        throw Failure(
          .badData, "Line \(number + 1) of \(quoted(path)) is not path<TAB>label.")
      }
      guard seen.insert(name).inserted else {
        throw Failure(
          .badData,
          "Line \(number + 1) of \(quoted(path)) names \(quoted(String(decoding: name, as: UTF8.self))) "
            + "for the second time.")
      }
      lines.append(Line(name: name, label: label))
    }
    guard !lines.isEmpty else { throw Failure(.badData, "The list \(quoted(path)) is empty.") }
    return lines
  }

  /// A path below the folder in its shortest form, so that no file comes twice.
  private func path(_ name: [UInt8], inLine number: Int) throws(Failure) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    let components = name.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }
    guard name.first != slash, !components.contains(where: { $0.elementsEqual("..".utf8) }) else {
      throw Failure(
        .badData,
        "Line \(number) of \(quoted(path)) names \(quoted(String(decoding: name, as: UTF8.self))), which leads "
          + "out of the source; give paths below its folder, without '..'.")
    }
    return Array(components.joined(separator: [slash]))
  }

  /// Files below the folder; whether they are there is found out when they are read.
  private func files(
    _ lines: [Line], in root: PathBytes
  ) throws(Failure) -> [(item: SourceItem, label: String)] {
    var found: [(item: SourceItem, label: String)] = []
    for line in lines {
      var folders = line.name.split(separator: UInt8(ascii: "/")).dropLast().map {
        String(decoding: $0, as: UTF8.self)
      }
      var split = Split.train
      if let first = folders.first, first == "train" || ClassFolderSource.isValidationName(first) {
        split = first == "train" ? .train : .validation
        folders.removeFirst()
      }
      guard let label = line.label ?? folders.first else {
        throw Failure(
          .badData,
          "The list \(quoted(path)) gives no label for "
            + "\(quoted(String(decoding: line.name, as: UTF8.self))), which is in no class folder.")
      }
      found.append((ClassFolderSource.item(line.name, label: 0, split: split, in: root), label))
    }
    return found
  }

  private func members(
    _ lines: [Line]
  ) throws(Failure) -> (found: [(item: SourceItem, label: String)], notes: [String]) {
    let listing = try base.list()
    let items = Dictionary(
      listing.items.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var found: [(item: SourceItem, label: String)] = []
    for line in lines {
      guard let item = items[line.name] else {
        throw Failure(
          .badData,
          "The list \(quoted(path)) names \(quoted(String(decoding: line.name, as: UTF8.self))), which is "
            + "not in the source.")
      }
      found.append((item, line.label ?? listing.classNames[item.label]))
    }
    return (found, listing.notes)
  }

  /// Reads a picture from the source.
  public func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  { try base.read(item, into: buffer) }
}
