import System

/// The endings of the pictures in folders, for names in lists that have none.
///
/// Each folder is read once: a list of a million names that lead nowhere would take hours if every
/// ending was tried for each.
struct FolderEndings {
  private var known: [[UInt8]: [[UInt8]]] = [:]

  // A picture may be there twice.
  private static let usual = ["jpg", "jpeg", "png", "JPEG", "JPG"].map { Array(".\($0)".utf8) }

  /// The endings in a folder, the most usual ones first; none of a folder that cannot be read.
  subscript(folder: PathBytes) -> [[UInt8]] {
    mutating get {
      if let found = known[folder.bytes] { return found }
      let entries = (try? FolderListing(of: folder))?.entries ?? []
      let found = Set(
        entries.compactMap { entry -> [UInt8]? in
          guard PictureFiles.isPicture(entry.name),
            let dot = entry.name.lastIndex(of: UInt8(ascii: "."))
          else { return nil }
          return Array(entry.name[dot...])
        })
      let others = found.subtracting(Self.usual).sorted { $0.lexicographicallyPrecedes($1) }
      let endings = Self.usual.filter(found.contains) + others
      known[folder.bytes] = endings
      return endings
    }
  }
}
