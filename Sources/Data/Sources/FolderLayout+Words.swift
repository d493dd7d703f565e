import System

/// Messages about a folder: notes on what was left out, and refusals with their remedies.
extension FolderLayout {
  mutating func noteLoose(in folder: FolderTree) {
    guard let first = folder.pictures.first else { return }
    notes.append(
      "\(counted(folder.pictures.count, "picture", "pictures")) outside the class folders, "
        + "\(quoted(readable(first)))\(folder.pictures.count > 1 ? " for example" : ""), "
        + "\(folder.pictures.count == 1 ? "was" : "were") left out.")
  }

  mutating func noteEmpty(in folder: FolderTree) {
    let empty = folder.folders.filter { $0.pictureCount == 0 }
    guard !empty.isEmpty else { return }
    notes.append(
      "\(counted(empty.count, "folder holds", "folders hold")) no pictures and "
        + "\(empty.count == 1 ? "is not a class" : "are not classes"): "
        + "\(listed(empty.map(\.pathText)))."
    )
  }

  mutating func noteUnlabelled(_ folder: FolderTree) {
    let list = walk.tree.firstFile { name in
      Self.isTable(name) && SplitName.parts(in: name) == [.test]
    }
    notes.append(
      "The \(counted(folder.pictureCount, "picture", "pictures")) in \(folder.title) have no "
        + "labels and were left out; classify them with 'alexnet predict'"
        + (list.map { ", or give --list FILE if \(quoted($0)) has their labels." } ?? "."))
  }

  /// The path of a folder, starting with the source's path as the user gave it.
  func whole(_ folder: FolderTree) -> String {
    folder.path.bytes.isEmpty ? path : "\(path)/\(folder.pathText)"
  }

  /// A file's name without its folders and its ending.
  private func stem(_ path: [UInt8]) -> ArraySlice<UInt8> {
    let name = path.lastComponent
    return name.lastIndex(of: UInt8(ascii: ".")).map { name[..<$0] } ?? name
  }

  /// A folder as the value of an option.
  func option(_ folder: FolderTree) -> String {
    folder.path.bytes.isEmpty ? "." : folder.title
  }

  /// The option that makes a folder the part that its name means; validation if the name means
  /// none.
  func flag(_ folder: FolderTree) -> String {
    let split = SplitName.split(ofArchive: folder.nameText)
    return "\((split == .train ? .validation : split).folderFlag) \(option(folder))"
  }

  /// The options that make folders parts.
  ///
  /// The training part is the folder with such a name, or else the largest of those whose names
  /// mean no other part.
  func remedy(_ folders: [FolderTree]) -> String {
    func rank(_ folder: FolderTree) -> (Int, Int) {
      let isOther = SplitName.split(ofArchive: folder.nameText) != .train
      return (folder.split == .train ? 0 : isOther ? 2 : 1, -folder.pictureCount)
    }
    let order = folders.sorted { rank($0) < rank($1) }
    // A second folder for training, `train_mini` or a sample, is no validation part.
    let others = order.dropFirst().filter {
      SplitName.splitAmongOthers(in: $0.nameText)?.split != .train
    }
    let other = others.first { $0.split == .validation } ?? others.first
    return "--train-folder \(option(order[0]))" + (other.map { " and \(flag($0))" } ?? "")
  }

  func holdsNothing(_ folder: FolderTree) -> Failure {
    guard !folder.folders.isEmpty || !folder.others.isEmpty || !walk.notes.isEmpty else {
      return Failure(
        .inputMissing,
        "The folder \(quoted(path)) is empty; --source takes DIR/<class>/<pictures> or "
          + "DIR/train/<class>/<pictures>.")
    }
    var walk = walk
    walk.countOthers(in: folder)
    let found = walk.leftOut.sorted.prefix(4).map { "\($0.count) \($0.name)" }
    return Failure(
      .inputMissing,
      "\(quoted(path)) holds no "
        + "pictures\(found.isEmpty ? "" : ", but \(found.joined(separator: ", "))"); --source "
        + "takes DIR/<class>/<pictures> or DIR/train/<class>/<pictures>.")
  }

  func holdsLoosePictures(_ folder: FolderTree) -> Failure {
    Failure(
      .inputMissing,
      "\(quoted(whole(folder))) holds no class folders, only "
        + "\(counted(folder.pictureCount, "picture", "pictures")): put each into the folder of its "
        + "class, or give --list FILE with their labels.\(listHint(folder))")
  }

  /// A hint at a file that may be the list.
  func listHint(_ folder: FolderTree) -> String {
    // YOLO's boxes: a text file next to each picture, or in a folder `labels` of the same
    // structure.
    var stems: Set<ArraySlice<UInt8>> = []
    walk.tree.forEachPicture { stems.insert(stem($0)) }
    func isOfPicture(_ name: String) -> Bool {
      name.lowercased().hasSuffix(".txt") && stems.contains(stem(Array(name.utf8)))
    }
    if let name = walk.tree.firstFile(where: isOfPicture) {
      return
        " \(quoted("\(path)/\(name)")) and similar files belong to one picture each (YOLO's boxes, "
        + "perhaps) and are not such a list."
    }
    // Nor is a competition's sample of an answer.
    func isTable(_ name: String) -> Bool {
      Self.isTable(name) && !name.lowercased().contains("submission")
    }
    let name = folder.firstFile(where: isTable) ?? walk.tree.firstFile(where: isTable)
    return name.map { " Perhaps \(quoted("\(path)/\($0)")) is such a list." } ?? ""
  }

  private static func isTable(_ name: String) -> Bool {
    let name = name.lowercased()
    return [".csv", ".tsv", ".txt", ".lst", ".jsonl"].contains { name.hasSuffix($0) }
      && !name.hasPrefix("readme")
  }

  /// Notes folders of pictures that belong to no class, which two known datasets have next to those
  /// of the classes.
  mutating func noteBackground(among folders: [FolderTree]) {
    for one in folders
    where ["background_google", "257.clutter"].contains(one.nameText.lowercased()) {
      notes.append(
        "\(one.title) is used as a class, although its pictures belong to none: move it away to "
          + "leave them out.")
    }
  }

  /// Notes lists of the dataset's own splits next to class folders, which are not read.
  mutating func noteOwnSplits(beside classes: FolderTree) {
    var lists: [String] = []
    var splits: Set<Split> = []
    func look(in folder: FolderTree) {
      for name in folder.others {
        let text = readable(name)
        guard Self.isTable(text) || text.hasSuffix(".json") || text.hasSuffix(".mat") else {
          continue
        }
        let meant = SplitName.parts(in: text)
        if meant.isEmpty { continue }
        splits.formUnion(meant)
        lists.append(readable(folder.path.appending(name).bytes))
      }
      // Files in class folders belong to pictures.
      for inner in folder.folders where folder !== classes || inner.pictureCount == 0 {
        look(in: inner)
      }
    }
    look(in: walk.tree)
    guard splits.contains(.train), splits.count > 1 else { return }
    notes.append(
      "\(listed(lists, most: 3)) \(lists.count == 1 ? "looks" : "look") like lists of the "
        + "dataset's own splits, which were not read: the validation pictures are drawn from all. "
        + "To keep those splits, give --list FILE, a list of all pictures with the columns "
        + "path,split.")
  }
}
