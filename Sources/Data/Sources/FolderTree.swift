import Images
import System

/// A folder and everything below it.
final class FolderTree {
  /// Its path below the root; empty for the root.
  let path: PathBytes
  /// Pictures, recognised by their names or first bytes, as paths below the root, sorted by the
  /// names' bytes.
  fileprivate(set) var pictures: [[UInt8]] = []
  /// The names of all other files.
  fileprivate(set) var others: [[UInt8]] = []
  /// The folders in it, sorted by their names' bytes.
  fileprivate(set) var folders: [FolderTree] = []

  fileprivate init(_ path: PathBytes) { self.path = path }

  /// The last component of the path.
  var name: ArraySlice<UInt8> { path.bytes.lastComponent }
  /// Whether the name is valid UTF-8, so that a path made from it as text works.
  var isText: Bool { String(validating: name, as: UTF8.self) != nil }
  var nameText: String { readable(name) }
  /// Its path as text, `.` for the root.
  var pathText: String { path.bytes.isEmpty ? "." : readable(path.bytes) }
  /// The folder's name in messages.
  var title: String { quoted(pathText) }

  /// The number of pictures in it and in the folders below.
  private(set) lazy var pictureCount: Int = folders.reduce(pictures.count) { $0 + $1.pictureCount }
  /// The folders that contain pictures, directly or further below.
  private(set) lazy var pictureFolders: [FolderTree] = folders.filter { $0.pictureCount > 0 }

  /// The part of a dataset that the name means.
  private(set) lazy var split: Split? = SplitName.split(of: nameText)

  /// Whether it lies below another folder, at any depth.
  func isBelow(_ folder: FolderTree) -> Bool {
    path.bytes.starts(with: folder.path.bytes + [UInt8(ascii: "/")])
  }

  /// The folder with a name, ignoring case.
  func folder(_ name: String) -> FolderTree? {
    folders.first { $0.nameText == name }
      ?? folders.first { $0.nameText.lowercased() == name.lowercased() }
  }

  /// Whether one of its other files has this name.
  func holds(_ name: String) -> Bool { others.contains { $0.elementsEqual(name.utf8) } }

  /// Calls `body` with each picture in it and in the folders below.
  func forEachPicture(_ body: ([UInt8]) -> Void) {
    for picture in pictures { body(picture) }
    for folder in folders { folder.forEachPicture(body) }
  }

  /// The path below the root of the first other file, in it or below, whose name satisfies a
  /// condition.
  func firstFile(where isMeant: (String) -> Bool) -> String? {
    if let name = others.first(where: { isMeant(readable($0)) }) {
      return readable(path.appending(name).bytes)
    }
    for folder in folders {
      if let found = folder.firstFile(where: isMeant) { return found }
    }
    return nil
  }
}

/// Walks once through a folder of pictures, and counts the files that are not pictures.
///
/// Links to folders are followed after everything else: one that leads to a parent folder, or to a
/// folder that was already read, is left out. So no loop and no second name adds a picture twice.
/// Folders named for parts come first, with their links: if parts consist of links into a pool of
/// pictures, the parts count and not the pool.
struct FolderWalk {
  let tree: FolderTree
  /// What was left out, by kind.
  private(set) var leftOut = Tally()
  /// Files whose names are those of pictures, in formats that are not read.
  private(set) var unusable: [UnusableFile] = []
  private let root: PathBytes
  private var seen: Set<FileStatus.Identity> = []
  private var links: [(parent: FolderTree, path: PathBytes)] = []

  // Files made by storage boxes, macOS, Windows and notebooks.
  private static let systemNames: Set<String> = [
    "@eadir", "__macosx", "#recycle", "@recycle", "@recently-snapshot", "$recycle.bin",
    "system volume information", "lost+found", "__pycache__", "thumbs.db", "ehthumbs.db",
    "desktop.ini", "icon\r",
  ]

  /// Walks through a folder.
  /// - Throws: `Failure` (input missing) for a folder that cannot be read.
  init(_ path: String) throws(Failure) {
    root = PathBytes(path)
    tree = FolderTree(PathBytes(bytes: []))
    addFoldersAbove()
    try enter(tree)
    try followLinks()
  }

  private mutating func followLinks() throws(Failure) {
    while !links.isEmpty {
      let found = links.sorted { $0.path.bytes.lexicographicallyPrecedes($1.path.bytes) }
      links = []
      for link in found {
        guard let status = root.appending(link.path.bytes).status else { continue }
        guard !seen.contains(status.identity) else {
          leftOut.add(
            "links to folders already read, or to a folder "
              + "above", example: readable(link.path.bytes))
          continue
        }
        let folder = FolderTree(link.path)
        try enter(folder)
        link.parent.folders.append(folder)
        link.parent.folders.sort { $0.path.bytes.lexicographicallyPrecedes($1.path.bytes) }
      }
    }
  }

  private mutating func addFoldersAbove() {
    guard var path = root.resolved else { return }
    while let slash = path.bytes.lastIndex(of: UInt8(ascii: "/")) {
      path = PathBytes(bytes: Array(path.bytes[..<slash]))
      if let status = PathBytes(bytes: path.bytes.isEmpty ? [UInt8(ascii: "/")] : path.bytes).status
      {
        seen.insert(status.identity)
      }
    }
  }

  private mutating func enter(_ folder: FolderTree) throws(Failure) {
    let whole = folder.path.bytes.isEmpty ? root : root.appending(folder.path.bytes)
    if let status = whole.status { seen.insert(status.identity) }
    let listing = try FolderListing(of: whole)
    for name in listing.hidden {
      leftOut.add("hidden or system files", example: readable(folder.path.appending(name).bytes))
    }
    func isPart(_ entry: FolderListing.Entry) -> Bool {
      entry.kind == .folder && SplitName.split(of: readable(entry.name)) != nil
    }
    let parts = listing.entries.filter(isPart)
    if !parts.isEmpty {
      let others = links
      links = []
      try enter(parts, of: folder)
      try followLinks()
      links = others
    }
    try enter(listing.entries.filter { !isPart($0) }, of: folder)
    folder.folders.sort { $0.path.bytes.lexicographicallyPrecedes($1.path.bytes) }
  }

  private mutating func enter(
    _ entries: [FolderListing.Entry], of folder: FolderTree
  ) throws(Failure) {
    for entry in entries {
      let path = folder.path.appending(entry.name)
      if Self.systemNames.contains(readable(entry.name).lowercased()) {
        leftOut.add("hidden or system files", example: readable(path.bytes))
      } else if entry.kind == .folder {
        if entry.isLink {
          links.append((folder, path))
        } else if let status = root.appending(path.bytes).status,
          seen.contains(status.identity)
        {
          leftOut.add(
            "folders already read through a link, or above", example: readable(path.bytes))
        } else {
          let inner = FolderTree(path)
          try enter(inner)
          folder.folders.append(inner)
        }
      } else if let reason = PictureFiles.reasonAgainst(entry.name) {
        // Before the contents are looked at: many a raw file begins like the TIFF of its thumbnail.
        unusable.append(UnusableFile(path: readable(path.bytes), reason: reason))
      } else if PictureFiles.isPicture(entry.name)
        || entry.kind == .file && PictureFiles.isPicture(at: root.appending(path.bytes))
      {
        folder.pictures.append(path.bytes)
      } else {
        folder.others.append(entry.name)
      }
    }
  }

  /// Counts the files of a subtree that are not pictures, except those that were read as labels.
  mutating func countOthers(in folder: FolderTree, but read: Set<[UInt8]> = []) {
    for name in folder.others {
      let path = folder.path.appending(name).bytes
      if read.contains(path) { continue }
      leftOut.add(Self.kind(name), example: readable(path))
    }
    for inner in folder.folders { countOthers(in: inner, but: read) }
  }

  private static func kind(_ name: [UInt8]) -> String {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), name.count - dot <= 12 else {
      return "files without an ending"
    }
    return "\(readable(name[dot...]).lowercased()) files"
  }

  /// A note on pictures in formats that are not read; nil if there are none.
  var unusableNote: String? {
    unusable.first.map { example in
      "\(counted(unusable.count, "picture is", "pictures are")) in formats that are not read: "
        + "\(quoted(example.path)) \(example.reason)."
    }
  }

  /// What was left out, one sentence per kind.
  var notes: [String] {
    leftOut.sorted.map { kind in
      "Left out: \(kind.name) (\(kind.count)), "
        + "\(quoted(kind.example))\(kind.count > 1 ? " for example" : "")."
    }
  }
}
