package import Images
package import System

/// The pictures of another source that a list file names, with the list's labels.
///
/// `LabelTable` reads the file. In a folder of pictures the paths are those of files below it (or
/// below the folder `root`, or the list's own folder). They may lie in class folders or not, and
/// may be reached through symbolic links, but never through `..` or from elsewhere. In other
/// sources they are the names that `rejected.jsonl` would use.
package struct ListedSource: ImageSource {
  private let base: (any ImageSource)?
  /// The folders that paths may be relative to; empty for other kinds of sources.
  private let folders: [PathBytes]
  /// Whether the first of them is `root`, and the second the source.
  private let hasRoot: Bool
  private let path: String

  /// The pictures of a source that a list file names.
  init(_ base: any ImageSource, list path: String) {
    self.base = base
    self.path = path
    folders = []
    hasRoot = false
  }

  /// The pictures in a folder that a list file names.
  /// - Throws: `Failure` (input missing) if the root is not a folder.
  init(folder: String, list path: String, root: String?) throws(Failure) {
    base = nil
    self.path = path
    hasRoot = root != nil
    if let root, !PathBytes(root).isFolder {
      throw Failure(
        .inputMissing, "There is no folder \(quoted(root)); give --root an existing folder.")
    }
    var folders = [root, folder].compactMap { $0.map { PathBytes($0) } }
    // A list's paths may be relative to the list's own folder, if that is in the source.
    if let own = PathBytes(Self.folder(of: path)).resolved, let source = PathBytes(folder).resolved,
      own.bytes.starts(with: source.bytes + [UInt8(ascii: "/")])
    {
      folders.append(own)
    }
    self.folders = folders
  }

  /// The kind of the underlying source, `a folder by a list`.
  package var kind: String { "\(base?.kind ?? "a folder") with a list" }

  /// Finds the listed pictures, in the order of the list.
  /// - Throws: `Failure`: input missing for the list, bad data if more than a tenth of its lines
  ///   cannot be used.
  package func list() throws(Failure) -> SourceListing {
    let table = try LabelTable(reading: path)
    var found = Found(refused: table.refused)
    if let base {
      try takeMembers(table, of: base, &found)
    } else {
      takeFiles(table, &found)
    }
    let notes = try table.notes(found.refused, of: path, advice: advice(found)) + found.notes
    var listing = try SourceListing(
      naming: found.classes.names, items: found.items, notes: notes, byNumber: true,
      source: "The list \(quoted(path))")
    listing.layout = "\(counted(table.rows.count, "line", "lines")) of \(quoted(path))"
    listing.unusable = found.refused.map { line, reason in
      UnusableFile(path: "line \(line)", reason: "of \(quoted(path)) \(reason)")
    }
    return listing
  }

  private struct Found {
    var refused: [(line: Int, reason: String)]
    var classes = ClassNames()
    var items: [SourceItem] = []
    var notes: [String] = []
    /// Paths that lead to nothing.
    var missing: [[UInt8]] = []
    private var names: Set<[UInt8]> = []

    init(refused: [(line: Int, reason: String)]) { self.refused = refused }

    /// Whether a picture occurs for the first time.
    mutating func isNew(_ name: [UInt8], _ row: LabelTable.Row) -> Bool {
      if names.insert(name).inserted { return true }
      refused.append((row.line, "names \(quoted(readable(row.name))) a second time"))
      return false
    }
  }

  // MARK: Files

  private func takeFiles(_ table: LabelTable, _ found: inout Found) {
    let absolute = folders.map { ($0.resolved ?? $0).bytes + [UInt8(ascii: "/")] }
    // Where --root lies above the source, the source's own folders mean parts and classes; but a
    // part that is the source itself, or around it, is one.
    let between =
      hasRoot && absolute[1].starts(with: absolute[0])
      ? absolute[1].dropFirst(absolute[0].count) : []
    let above = Array(
      between.split(separator: UInt8(ascii: "/"))
        .prefix { SplitName.split(of: readable($0)) == nil }
        .flatMap { $0 + [UInt8(ascii: "/")] })
    var endings = FolderEndings()
    var deep: (count: Int, example: String) = (0, "")
    for row in table.rows {
      guard let name = Self.path(row.name, absolute) ?? joined(row.name, &endings) else {
        found.refused.append(
          (
            row.line,
            "names \(quoted(readable(row.name))), which is outside the source; give paths below "
              + "--source or --root, without '..'"
          ))
        continue
      }
      guard let (base, there) = find(name, in: folders, &endings) else {
        found.missing.append(name)
        found.refused.append(
          (row.line, "names \(quoted(readable(row.name))), which does not exist"))
        continue
      }
      if let reason = PictureFiles.reasonAgainst(there) {
        found.refused.append((row.line, "names \(quoted(readable(row.name))), which \(reason)"))
        continue
      }
      guard found.isNew(there, row) else { continue }
      let inner = base == 0 && there.starts(with: above) ? there.dropFirst(above.count) : there[...]
      let names = inner.split(separator: UInt8(ascii: "/")).dropLast().map { readable($0) }
      var around = SplitName.inner(names[...])
      var split = row.split
      if let first = around.first, let named = SplitName.split(of: first) {
        split = split ?? named
        around = SplitName.inner(around.dropFirst())
      }
      guard let label = row.label ?? around.first else {
        found.refused.append(
          (
            row.line,
            "gives no label for \(quoted(readable(row.name))), which is in no class folder"
          ))
        continue
      }
      if row.label == nil, around.dropFirst().contains(where: { !SplitName.isNeutral($0) }) {
        deep = (deep.count + 1, deep.count == 0 ? readable(there) : deep.example)
      }
      found.items.append(
        PictureFiles.item(
          there, label: found.classes.place(of: label), split: split ?? .train, in: folders[base],
          base: base))
    }
    if deep.count > 0 {
      found.notes.append(
        "\(counted(deep.count, "picture lies", "pictures lie")) in folders inside class folders "
          + "(\(quoted(deep.example))) and \(deep.count == 1 ? "belongs" : "belong") to the class "
          + "above; add a column of labels to the list if that is wrong.")
    }
  }

  /// A path below a folder in normalised form, so that no file occurs twice; nil if it leads out of
  /// the folder.
  private static func path(_ name: [UInt8], _ absolute: [[UInt8]]) -> [UInt8]? {
    let slash = UInt8(ascii: "/")
    var name = name[...]
    if name.first == slash {
      guard let folder = absolute.first(where: { name.starts(with: $0) }) else { return nil }
      name = name.dropFirst(folder.count)
    }
    let components = name.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }
    guard !components.contains(where: { $0.elementsEqual("..".utf8) }) else { return nil }
    return Array(components.joined(separator: [slash]))
  }

  /// A path that begins with a slash but lies below a folder, as in lists for programs that join a
  /// root and each path; nil if there is no such file.
  private func joined(_ name: [UInt8], _ endings: inout FolderEndings) -> [UInt8]? {
    guard name.first == UInt8(ascii: "/"), let inner = Self.path(Array(name.dropFirst()), []),
      find(inner, in: folders, &endings) != nil
    else { return nil }
    return inner
  }

  /// Where the list's paths may start, if they lead to nothing: a sentence that ends a failure.
  private func advice(_ found: Found) -> String {
    guard found.items.isEmpty, let first = found.missing.first, let last = found.missing.last else {
      return ""
    }
    let inner = folders.flatMap { folder in
      ((try? FolderListing(of: folder))?.entries ?? []).filter { $0.kind == .folder }
        .flatMap { Self.nested(folder.appending($0.name)) }
    }
    var endings = FolderEndings()
    let roots = ([PathBytes(Self.folder(of: path))] + inner).filter { folder in
      find(first, in: [folder], &endings) != nil && find(last, in: [folder], &endings) != nil
    }
    guard let root = roots.first else {
      return " Give --root the folder that the paths start from."
    }
    // Training and test pictures of a competition may have the same names.
    guard roots.allSatisfy({ $0.resolved == root.resolved }) else {
      return
        " Files with these names are in each of \(listed(roots.map(\.text))): give --root the one "
        + "whose pictures the list is about."
    }
    return " The files are in \(quoted(root.text)): give --root \(quoted(root.text))."
  }

  /// A folder, and the folders in it that it holds alone: `train/train`, as archives are unpacked.
  private static func nested(_ folder: PathBytes) -> [PathBytes] {
    var folders = [folder]
    while let last = folders.last, let entries = (try? FolderListing(of: last))?.entries,
      entries.count == 1, entries[0].kind == .folder, !entries[0].isLink
    { folders.append(last.appending(entries[0].name)) }
    return folders
  }

  /// The file in some folders that a path means.
  ///
  /// It is tried unchanged, with the conventions of web addresses and Windows decoded, and with an
  /// added file ending.
  private func find(
    _ name: [UInt8], in folders: [PathBytes], _ endings: inout FolderEndings
  ) -> (base: Int, name: [UInt8])? {
    func look(_ name: [UInt8]) -> (base: Int, name: [UInt8])? {
      guard !name.isEmpty else { return nil }
      for (base, folder) in folders.enumerated() {
        // A broken link exists; the error appears when it is read.
        if let status = FileStatus(folder.appending(name), followsLinks: false), !status.isFolder {
          return (base, name)
        }
      }
      return nil
    }
    if let found = look(name) { return found }
    let slashes = name.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }
    if slashes != name, let plain = Self.path(slashes, []), let found = look(plain) { return found }
    if name.contains(UInt8(ascii: "%")), let decoded = Self.percentDecoded(name),
      let plain = Self.path(decoded, []), let found = look(plain)
    {
      return found
    }
    if let found = PictureFinder.forms(of: name).lazy.compactMap({ look($0) }).first {
      return found
    }
    guard !PictureFiles.isPicture(name) else { return nil }
    let parent = name.dropLast(name.lastComponent.count + 1)
    for folder in folders {
      let place = parent.isEmpty ? folder : folder.appending(Array(parent))
      for ending in endings[place] {
        if let found = look(name + ending) { return found }
      }
    }
    return nil
  }

  private static func percentDecoded(_ name: [UInt8]) -> [UInt8]? {
    var decoded: [UInt8] = []
    var place = 0
    while place < name.count {
      if name[place] == UInt8(ascii: "%"), place + 2 < name.count,
        let byte = UInt8(readable(name[place + 1...place + 2]), radix: 16), byte > 0
      {
        decoded.append(byte)
        place += 3
      } else {
        decoded.append(name[place])
        place += 1
      }
    }
    return decoded
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  // MARK: Members of archives

  private func takeMembers(
    _ table: LabelTable, of base: any ImageSource, _ found: inout Found
  ) throws(Failure) {
    let listing = try base.list()
    found.notes = listing.notes
    let items = Dictionary(
      listing.items.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for row in table.rows {
      guard var item = items[row.name] else {
        found.refused.append(
          (row.line, "names \(quoted(readable(row.name))), which is not in the source"))
        continue
      }
      guard found.isNew(item.name, row) else { continue }
      item.label = found.classes.place(of: row.label ?? listing.classNames[item.label])
      item.split = row.split ?? item.split
      found.items.append(item)
    }
  }

  /// Reads a picture from the source.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    if let base { return try base.read(item, into: buffer) }
    return try PictureFiles.read(item, in: folders[item.file], into: buffer)
  }
}
