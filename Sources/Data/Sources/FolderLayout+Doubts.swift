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

  /// Refuses folders that are numbered pieces of one set of pictures: `images_part_1` and
  /// `images_part_2`, `train.X1` and `train.X2`.
  func refusePieces(
    among folders: [FolderTree], in parent: FolderTree, _ split: Split
  ) throws(Failure) {
    let numbered = folders.filter { classes.find($0.nameText) == nil }.compactMap { folder in
      SplitName.wordsOfPiece(folder.nameText).map { (words: $0, folder: folder) }
    }
    let groups = Dictionary(grouping: numbered) { $0.words }
    let found = numbered.lazy.compactMap { groups[$0.words] }.first { $0.count > 1 }
    guard let pieces = found?.map(\.folder) else { return }
    let isFlat = pieces.allSatisfy { classFolders(of: $0).isEmpty }
    let advice =
      isFlat
      ? "move their pictures into one folder and give --list FILE with the labels"
      : "merge the class folders in them into one folder, name some of them with --train-folder "
        + "and --validation-folder"
    throw Failure(
      .usage,
      "\(listed(pieces.map(\.pathText), most: 3)) in \(quoted(path)) differ only in their numbers "
        + "and look like pieces of one set of pictures, not like classes: \(advice), or give "
        + "\(split.folderFlag) \(option(parent)) if they are "
        + "classes.\(isFlat ? listHint(parent) : "")")
  }

  /// Refuses folders that only sort others by a letter: `a/abbey`, or `0/1/2` of a checksum.
  func refuseIndex(_ folders: [FolderTree], in parent: FolderTree, _ split: Split) throws(Failure) {
    func isIndex(_ folder: FolderTree) -> Bool {
      let letter = folder.nameText.lowercased()
      return letter.count == 1 && folder.pictures.isEmpty
        && folder.pictureFolders.allSatisfy {
          $0.nameText.count == 1 || $0.nameText.lowercased().hasPrefix(letter)
        }
    }
    guard folders.count > 1, folders.allSatisfy(isIndex),
      let first = folders[0].pictureFolders.first
    else { return }
    throw Failure(
      .usage,
      "\(listed(folders.map(\.nameText), most: 3)) in \(quoted(whole(parent))) hold only other "
        + "folders (\(first.title)) and look like an index of these, not like classes: give --list "
        + "FILE with the labels of the pictures, or \(split.folderFlag) \(option(parent)) if they "
        + "are classes.")
  }

  /// Refuses class folders that hold a folder called `images` or the like next to others whose
  /// names say something else: `masks`, but not `jpg` next to `png`.
  func refuseMixedClasses(
    _ folders: [FolderTree], in parent: FolderTree, _ split: Split
  ) throws(Failure) {
    for one in folders where one.pictureFolders.count > 1 {
      guard let images = one.pictureFolders.first(where: { SplitName.saysContents($0.nameText) })
      else { continue }
      let others = one.pictureFolders.map(\.nameText).filter { !SplitName.isNeutral($0) }
      if others.isEmpty { continue }
      throw Failure(
        .usage,
        "\(images.title) in \(quoted(path)) is next to \(listed(others, most: 3)), which may not "
          + "hold pictures of the class \(quoted(one.nameText)), but masks for example: move such "
          + "folders away, or give \(split.folderFlag) \(option(parent)) to use all of them.")
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

  /// Refuses a few folders that all hold the same folders: they look like parts, folds or versions
  /// with unknown names.
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
        + "(\(listed(common.sorted(), most: 3))) and look like splits or versions of a dataset, "
        + "not like classes: give \(remedy(folders)), only the first of these options if the "
        + "folders hold the same pictures in different forms, --train-folder \(option(parent)) if "
        + "they are classes, or --list FILE to use the pictures of all of them.")
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
