import System

/// Folders that could be meant in two ways: refusals that name the options which decide.
extension FolderLayout {
  /// Refuses a folder that holds splits of its own next to others: `data/train`, `data/val` and
  /// `docs`.
  func refuseInnerDataset(among folders: [FolderTree], in parent: FolderTree) throws(Failure) {
    guard folders.count > 1 else { return }
    for one in folders where one.split == nil && one.pictures.isEmpty {
      var inner = one
      while inner.pictures.isEmpty, inner.pictureFolders.count == 1,
        inner.pictureFolders[0].split == nil
      { inner = inner.pictureFolders[0] }
      let splits = inner.pictureFolders.filter { $0.split != nil && !classFolders(of: $0).isEmpty }
      // A class may hold one folder called "train", among others or with pictures only.
      guard let first = splits.first,
        splits.count > 1
          || inner.pictures.isEmpty && inner.pictureFolders.count == 1
            && classFolders(of: first).count > 1
      else { continue }
      let others = folders.filter { $0 !== one }.map(\.pathText)
      throw Failure(
        .usage,
        "\(one.title) in \(quoted(path)) holds splits of a dataset (\(first.title)) and is next "
          + "to \(listed(others, most: 3)): give --source \(quoted(whole(one))) to use it alone, "
          + "\((first.split ?? .train).folderFlag) \(option(first)) and so on to name the splits, "
          + "or --train-folder \(option(parent)) if these folders are classes.")
    }
  }

  /// Refuses folders whose names differ only in a word for a split: `cars_train` and `cars_test`.
  ///
  /// Without one for training, `dev_board` and `test_board` may be classes.
  func refuseNamesOfParts(_ folders: [FolderTree], in parent: FolderTree) throws(Failure) {
    let named = folders.compactMap { folder in
      SplitName.splitAmongOthers(in: folder.nameText).map {
        (folder: folder, split: $0.split, others: $0.others)
      }
    }
    for one in named where one.split == .train {
      let alike = Split.allCases.compactMap { split in
        named.first { $0.split == split && $0.others == one.others }
      }
      guard alike.count > 1 else { continue }
      let usable = alike.filter { !classFolders(of: $0.folder).isEmpty }
      let options = usable.map { "\($0.split.folderFlag) \(option($0.folder))" }
      let isFlat = options.isEmpty
      let advice = isFlat ? "--list FILE with their labels" : options.joined(separator: " and ")
      throw Failure(
        .usage,
        "\(listed(alike.map(\.folder.pathText))) in \(quoted(path)) are named like splits of a "
          + "dataset, not like classes: give \(advice), or --train-folder \(option(parent)) if "
          + "they are classes.\(isFlat ? listHint(parent) : "")")
    }
  }

  /// Refuses a folder called `images` or the like next to others, which may be masks of its
  /// pictures, or of no use.
  func refuseContents(
    among folders: [FolderTree], in parent: FolderTree, _ split: Split
  ) throws(Failure) {
    let unclear = folders.first {
      SplitName.saysContents($0.nameText) && classes.find($0.nameText) == nil
    }
    guard folders.count > 1, let one = unclear else { return }
    let others = folders.filter { $0 !== one }.map(\.nameText)
    let isFlat = classFolders(of: one).isEmpty
    let advice =
      isFlat
      ? "--list FILE with the labels of its pictures" : "\(split.folderFlag) \(option(one))"
    throw Failure(
      .usage,
      "\(one.title) in \(quoted(path)) is next to \(listed(others, most: 3)), and its name is not "
        + "that of a class: give \(advice) to use it alone, \(split.folderFlag) \(option(parent)) "
        + "if these folders are classes, or move it away.\(isFlat ? listHint(one) : "")")
  }

  /// Refuses a few folders that all hold the same folders: they look like parts, or folds, with
  /// unknown names.
  func refuseUnknownParts(
    _ folders: [FolderTree], in parent: FolderTree
  ) throws(Failure) {
    guard (2...10).contains(folders.count), folders.allSatisfy({ $0.pictures.isEmpty }) else {
      return
    }
    let sets = folders.map { Set(classFolders(of: $0).map(\.nameText)) }
    let common = sets.dropFirst().reduce(sets[0]) { $0.intersection($1) }
    let all = sets.reduce(into: Set()) { $0.formUnion($1) }
    let isAlike =
      folders.count <= 4 ? common.count >= 2 && 2 * common.count >= all.count : common == all
    guard common.count >= 2, isAlike else { return }
    throw Failure(
      .usage,
      "\(listed(folders.map(\.nameText))) in \(quoted(path)) each hold the same folders "
        + "(\(listed(common.sorted(), most: 3))) and look like splits of a dataset, not like "
        + "classes: give \(remedy(folders)), or --train-folder \(option(parent)) if they are "
        + "classes."
    )
  }

  /// Refuses a folder next to class folders that holds the same folders again, as from an archive
  /// that was unpacked into itself.
  func refuseCopies(among folders: [FolderTree], in parent: FolderTree) throws(Failure) {
    let names = Set(folders.map(\.nameText))
    for one in folders where one.pictures.isEmpty {
      let inner = classFolders(of: one).map(\.nameText)
      guard inner.count > 1, inner.allSatisfy({ names.contains($0) }) else { continue }
      throw Failure(
        .usage,
        "\(one.title) holds folders with the same names as those next to it "
          + "(\(listed(inner, most: 3))), perhaps a copy: move it away, give --train-folder "
          + "\(option(one)) to use it alone, or --train-folder \(option(parent)) if it is a class.")
    }
  }
}
