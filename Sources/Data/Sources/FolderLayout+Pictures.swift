import System

/// How pictures get their classes: from their folders, or from the rows of a table.
extension FolderLayout {
  /// Makes every folder with pictures a class, including the pictures in folders below it.
  mutating func takeClasses(in folder: FolderTree, _ split: Split) {
    takeClasses(folder.pictureFolders, in: folder, split)
  }

  /// Makes folders classes with their names.
  mutating func takeClasses(_ folders: [FolderTree], in folder: FolderTree, _ split: Split) {
    takeClasses(folders.map { ($0.nameText, $0) }, in: folder, split)
  }

  /// Makes folders classes.
  mutating func takeClasses(
    _ folders: [(name: String, folder: FolderTree)], in folder: FolderTree, _ split: Split
  ) {
    var names: Set<String> = []
    for (name, one) in folders {
      let label = classes.find(name) ?? placeInOtherLetters(name, split)
      // Swift compares strings by Unicode equivalence.
      if let other = names.update(with: name) {
        notes.append(
          "The folders \(quoted(other)) and \(quoted(name)) in \(folder.title) have the same name "
            + "in two encodings of Unicode; they are treated as one class.")
      }
      one.forEachPicture {
        items.append(PictureFiles.item($0, label: label, split: split, in: root))
      }
    }
    let deep = folders.flatMap(\.folder.pictureFolders).filter {
      !SplitName.isNeutral($0.nameText)
    }
    if let first = deep.first {
      notes.append(
        "\(counted(deep.count, "folder is", "folders are")) inside class folders (\(first.title)): "
          + "the pictures there belong to the class above.")
    }
  }

  /// The number of a class; if a part spells it with other capitals, `Cat` for `cat`, that of the
  /// declared class.
  private mutating func placeInOtherLetters(_ name: String, _ split: Split) -> Int {
    if split != .train {
      let alike = classes.names.filter { $0.lowercased() == name.lowercased() }
      if alike.count == 1 {
        notes.append(
          "The \(split.rawValue) class \(quoted(name)) is treated as \(quoted(alike[0])), ignoring "
            + "capitals."
        )
        return classes.place(of: alike[0])
      }
    }
    return classes.place(of: name)
  }

  /// Adds the pictures that the rows of a table name.
  mutating func take(
    _ rows: [LabelTable.Row], of table: LabelTable, in folder: FolderTree, _ split: Split?,
    file: String
  ) throws(Failure) {
    var finder = PictureFinder(folder)
    var refused = table.refused
    for row in rows {
      guard let picture = finder.find(row.name) else {
        refused.append((row.line, "names \(quoted(readable(row.name))), which does not exist"))
        continue
      }
      guard let label = row.label else {
        refused.append((row.line, "has no label for \(quoted(readable(row.name)))"))
        continue
      }
      // Only once in all tables: a picture must not get into two parts.
      guard tabled.insert(picture).inserted else {
        refused.append((row.line, "names \(quoted(readable(row.name))) a second time"))
        continue
      }
      items.append(
        PictureFiles.item(
          picture, label: classes.place(of: label),
          split: row.split ?? split ?? SplitName.split(ofPath: row.name) ?? .train, in: root))
    }
    notes += try table.notes(refused, of: file)
    let left = finder.unused - table.unlabelled
    if left > 0 {
      notes.append(
        "\(counted(left, "picture", "pictures")) in \(folder.title) that \(quoted(file)) does not "
          + "name were left out."
      )
    }
  }
}
