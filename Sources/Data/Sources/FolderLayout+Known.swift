import System

/// The folder trees of known datasets, in which not all classes are folders.
extension FolderLayout {
  /// Reads the pictures of a known dataset; false if the tree is not one.
  mutating func recogniseKnownDataset(_ folder: FolderTree) throws(Failure) -> Bool {
    if try takeOxfordPets(folder) { return true }
    if try takeKaggleImageNet(folder) { return true }
    return try takeTable(of: folder, nil)
  }

  /// Reads a file of the tree as a table.
  private mutating func table(
    _ name: String, in folder: FolderTree, _ columns: LabelColumns? = nil, split: Split? = nil
  ) throws(Failure) -> LabelTable {
    readFiles.insert(folder.path.appending(Array(name.utf8)).bytes)
    return try LabelTable(reading: "\(whole(folder))/\(name)", columns: columns, split: split)
  }

  /// Reads a table of labels in a part of the dataset.
  ///
  /// Tiny ImageNet has `val_annotations.txt`, Hugging Face's imagefolder `metadata.csv` or
  /// `.jsonl`.
  mutating func takeTable(of folder: FolderTree, _ split: Split?) throws(Failure) -> Bool {
    if folder.holds("val_annotations.txt") {
      let table = try table("val_annotations.txt", in: folder, .init(path: 0, label: 1))
      kind = "Tiny ImageNet"
      parts.append(
        "\(folder.title) for \((split ?? .validation).rawValue) by 'val_annotations.txt'")
      try take(table.rows, of: table, in: folder, split, file: "val_annotations.txt")
      return true
    }
    for name in ["metadata.csv", "metadata.jsonl", "metadata.tsv"] where folder.holds(name) {
      let table: LabelTable
      do throws(Failure) {
        table = try self.table(name, in: folder, split: split)
      } catch {
        // Other datasets have files of this name too.
        throw Failure(
          error.exitCode,
          "\(error.message) If it is not the metadata of Hugging Face's imagefolder, move it away.")
      }
      guard table.hasLabels else {
        notes.append(
          "\(quoted(name)) in \(folder.title) has no labels; the folders are the classes.")
        continue
      }
      kind = "a folder with \(name)"
      parts.append(
        "\(folder.title)" + (split.map { " for \($0.adjective)" } ?? ""))
      try take(table.rows, of: table, in: folder, split, file: name)
      return true
    }
    return false
  }

  /// Oxford-IIIT Pets: `images/Abyssinian_1.jpg`, `annotations/trainval.txt` and `test.txt`.
  private mutating func takeOxfordPets(_ folder: FolderTree) throws(Failure) -> Bool {
    // Each archive may have been unpacked into a folder with its name.
    func unpacked(_ name: String) -> FolderTree? {
      folder.folder(name).map { $0.folder(name) ?? $0 }
    }
    guard let images = unpacked("images"), let annotations = unpacked("annotations"),
      annotations.holds("trainval.txt"), !images.pictures.isEmpty
    else { return false }
    kind = "Oxford-IIIT Pets"
    if annotations.pictureCount > 0 {
      notes.append(
        "The \(counted(annotations.pictureCount, "picture", "pictures")) in \(annotations.title) "
          + "are not photographs and "
          + "were left out."
      )
    }
    for (file, split) in [("trainval.txt", Split.train), ("test.txt", .test)]
    where annotations.holds(file) {
      let table = try table(file, in: annotations, .init(path: 0, label: 1))
      parts.append("\(quoted(file)) for \(split.adjective)")
      // The breed is the name without its number.
      let rows = table.rows.map { row in
        var row = row
        row.label = row.name.lastIndex(of: UInt8(ascii: "_")).map { readable(row.name[..<$0]) }
        return row
      }
      try take(rows, of: table, in: images, split, file: file)
    }
    return true
  }

  /// ILSVRC from Kaggle: `ILSVRC/Data/CLS-LOC/train/<class>`, `val` with all pictures in one
  /// folder, and `LOC_val_solution.csv` next to `ILSVRC`.
  private mutating func takeKaggleImageNet(_ folder: FolderTree) throws(Failure) -> Bool {
    let data =
      folder.folder("ILSVRC")?.folder("Data")?.folder("CLS-LOC")
      ?? folder.folder("Data")?.folder("CLS-LOC") ?? folder.folder("CLS-LOC")
    guard let data, let train = data.folder("train"), !train.pictureFolders.isEmpty else {
      return false
    }
    kind = "ILSVRC as Kaggle has it"
    parts.append("\(train.title) for training")
    noteLoose(in: train)
    noteEmpty(in: train)
    takeClasses(in: train, .train)
    if let validation = data.folder("val"), !validation.pictureFolders.isEmpty {
      // The usual script has moved them into class folders.
      parts.append("\(validation.title) for validation")
      noteLoose(in: validation)
      noteEmpty(in: validation)
      takeClasses(in: validation, .validation)
    } else if let validation = data.folder("val"), validation.pictureCount > 0 {
      guard folder.holds("LOC_val_solution.csv") else {
        throw Failure(
          .inputMissing,
          "The classes of the pictures in \(quoted(whole(validation))) are in "
            + "'LOC_val_solution.csv'; put it into \(quoted(whole(folder))).")
      }
      let table = try table("LOC_val_solution.csv", in: folder)
      parts.append("\(validation.title) for validation by 'LOC_val_solution.csv'")
      let rows = table.rows.map { row in
        var row = row
        // Whether or not a header says that there are boxes.
        row.label = row.label.flatMap(LabelText.withoutBoxes)
        return row
      }
      try take(rows, of: table, in: validation, .validation, file: "LOC_val_solution.csv")
    }
    if let test = data.folder("test"), test.pictureCount > 0 { noteUnlabelled(test) }
    return true
  }
}
