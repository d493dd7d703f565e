import System

/// How a folder of pictures is interpreted: which folders hold which part of the dataset, and how
/// its pictures get their classes.
///
/// Everything that was found becomes part of a class or is mentioned in a note. Anything ambiguous
/// is refused with the option that decides.
struct FolderLayout {
  /// The kind of layout in words.
  var kind = "class folders"
  let path: String
  var walk: FolderWalk
  var classes = ClassNames()
  var items: [SourceItem] = []
  var notes: [String] = []
  /// Where the parts are, one phrase each.
  var parts: [String] = []
  /// The pictures that tables named, as paths below the root.
  var tabled: Set<[UInt8]> = []
  /// Files that were read as labels, as paths below the root.
  var readFiles: Set<[UInt8]> = []
  var root: PathBytes { PathBytes(path) }

  init(_ path: String, _ walk: FolderWalk) {
    self.path = path
    self.walk = walk
  }

  /// Finds the parts and collects their pictures.
  /// - Throws: `Failure`: input missing for folders without pictures, usage if options must decide,
  ///   bad data.
  mutating func recognise(_ options: SourceOptions) throws(Failure) {
    guard !options.namesFolders else { return try takeNamedFolders(options) }
    guard walk.tree.pictureCount > 0 else { throw holdsNothing(walk.tree) }
    try recognise(walk.tree)
  }

  /// The pictures with their labels, and everything that was left out.
  /// - Throws: `Failure` (bad data) for invalid classes.
  mutating func listing() throws(Failure) -> SourceListing {
    // Avoids a second copy of a million pictures.
    let found = items
    items = []
    walk.countOthers(in: walk.tree, but: readFiles)
    var listing = try SourceListing(
      naming: classes.names, items: found, notes: notes + walk.notes,
      // Labels of tables are sorted as those of lists, folders by name.
      byNumber: found.count == tabled.count, source: quoted(path))
    listing.layout = parts.joined(separator: ", ")
    listing.unusable = walk.unusable
    if let note = walk.unusableNote { listing.notes.append(note) }
    return listing
  }

  // MARK: Interpreting folders

  private mutating func recognise(_ folder: FolderTree) throws(Failure) {
    if try recogniseKnownDataset(folder) { return }
    // A part may contain parts: `train/train`, `train/val` and `test`.
    let candidates = folder.pictureFolders.flatMap { innerParts(of: $0) ?? [$0] }
    let named = candidates.filter { $0.split != nil }
    let others = candidates.filter { $0.split == nil }
    if !named.contains(where: { $0.split == .train }) {
      try refuseInnerDataset(among: candidates, in: folder)
    }
    let withClasses = named.filter { !classFolders(of: $0).isEmpty }
    if !withClasses.isEmpty || !named.isEmpty && others.isEmpty {
      return try takeParts(named, beside: others, in: folder)
    }
    if candidates.count == 1, candidates[0].pictures.isEmpty {
      noteLoose(in: folder)
      return try recognise(candidates[0])
    }
    guard !candidates.isEmpty else { throw holdsLoosePictures(folder) }
    if candidates.count == 1, case let one = candidates[0], one.pictureFolders.isEmpty,
      SplitName.isNeutral(one.nameText) || !listHint(one).isEmpty
    {
      throw holdsLoosePictures(one)
    }
    if let one = named.first {
      // A class may be called "train"; a folder "test" more likely holds the pictures of a
      // competition.
      guard named.count == 1, one.split == .train, others.count > 1 else {
        var alone = ""
        if others.count == 1, !classFolders(of: others[0]).isEmpty {
          try refuseIndex(classFolders(of: others[0]), in: others[0], .train)
          alone = "--train-folder \(option(others[0])) to use the classes in it alone, "
        }
        throw Failure(
          .usage,
          "\(one.title) in \(quoted(path)) is next to \(listed(others.map(\.nameText), most: 3)) "
            + "and may be a class or a split of the dataset: give \(alone)--train-folder "
            + "\(option(folder)) to use all of them as classes, or move it away.")
      }
      notes.append(
        "\(one.title) holds pictures and is next to other class folders, so it is treated as a "
          + "class."
      )
    }
    try refusePieces(among: candidates, in: folder, .train)
    try refuseNamesOfParts(others, in: folder)
    try refuseContents(among: candidates, in: folder, .train)
    if try takePartsInClasses(candidates, in: folder) { return }
    try refuseIndex(candidates, in: folder, .train)
    try refuseMixedClasses(candidates, in: folder, .train)
    try refuseUnknownParts(others, in: folder)
    try refuseCopies(among: candidates, in: folder)
    parts.append("the classes are the folders in \(quoted(whole(folder)))")
    noteLoose(in: folder)
    noteEmpty(in: folder)
    noteOwnSplits(beside: folder)
    noteBackground(among: candidates)
    takeClasses(in: folder, .train)
  }

  /// Reads the folders whose names mean a part of the dataset.
  private mutating func takeParts(
    _ named: [FolderTree], beside others: [FolderTree], in folder: FolderTree
  ) throws(Failure) {
    for split in Split.allCases {
      let same = named.filter { $0.split == split }
      guard same.count < 2 else {
        throw Failure(
          .usage,
          "\(listed(same.map(\.pathText))) in \(quoted(path)) all look like the \(split.adjective) "
            + "pictures: give --train-folder FOLDER and --validation-folder FOLDER.")
      }
    }
    let hasTraining = named.contains { $0.split == .train }
    func isEmptyTraining(_ one: FolderTree) -> Bool { one.split == .train && one.pictureCount == 0 }
    if !hasTraining, let empty = folder.folders.first(where: isEmptyTraining) {
      // Its pictures may still be in archives.
      throw Failure(
        .inputMissing,
        "\(empty.title) in \(quoted(path)) holds no pictures, but \(named[0].title) does: unpack "
          + "its archives or add its pictures, or move it away to use the other splits alone.")
    }
    let known = Set(named.flatMap { classFolders(of: $0).map(\.nameText) })
    if !hasTraining, !others.isEmpty, !known.isEmpty {
      // The training classes may lie next to the other parts: `cat`, `dog`, `val/cat`, `val/dog`.
      let classes = others.filter { known.contains($0.nameText) }
      if classes.count == known.count {
        parts.append("the other folders in \(quoted(whole(folder))) for training")
        takeClasses(others, in: folder, .train)
        return try takeKnownParts(named, in: folder)
      }
      guard classes.isEmpty else {
        throw Failure(
          .usage,
          "\(quoted(whole(folder))) holds some of the classes of \(named[0].title) "
            + "(\(listed(classes.map(\.nameText)))) and no folder for training: give "
            + "--train-folder \(option(folder)) and \(flag(named[0])) if the folders next to it "
            + "are the classes, or move them away.")
      }
    }
    for other in others {
      let names = classFolders(of: other).map(\.nameText)
      guard names.count < 2 || 2 * names.count(where: { known.contains($0) }) < names.count else {
        throw Failure(
          .usage,
          "\(other.title) in \(quoted(path)) holds the same classes as \(named[0].title), but its "
            + "name does not say which split it is: give \(remedy(named + [other])), or move it "
            + "away.")
      }
      notes.append(
        "\(other.title) is not named like a split of the dataset; its "
          + "\(counted(other.pictureCount, "picture was", "pictures were")) left out.")
    }
    try takeKnownParts(named, in: folder)
  }

  private mutating func takeKnownParts(
    _ named: [FolderTree], in folder: FolderTree
  ) throws(Failure) {
    noteLoose(in: folder)
    noteEmpty(in: folder)
    // The training part declares the classes.
    for split in Split.allCases {
      for part in named where part.split == split { try takePart(part, split) }
    }
  }

  /// The parts within a part, if all of its folders are parts and hold classes; nil if they are
  /// classes.
  private func innerParts(of folder: FolderTree) -> [FolderTree]? {
    let inner = unwrapped(folder).pictureFolders
    let areParts = inner.allSatisfy { $0.split != nil && !classFolders(of: $0).isEmpty }
    return folder.split != nil && inner.count > 1 && areParts ? inner : nil
  }

  /// Reads parts inside the class folders, `cat/train`, `cat/test`; false if there are none.
  private mutating func takePartsInClasses(
    _ folders: [FolderTree], in parent: FolderTree
  ) throws(Failure) -> Bool {
    let inside = folders.filter { $0.pictureFolders.contains { $0.split != nil } }
    guard inside.count > 1 else { return false }
    for one in folders {
      let splits = one.pictureFolders.map(\.split)
      guard one.pictures.isEmpty, !splits.contains(nil), Set(splits).count == splits.count,
        one.pictureFolders.allSatisfy(\.pictureFolders.isEmpty)
      else {
        throw Failure(
          .usage,
          "Each folder in \(quoted(whole(parent))) holds splits of a dataset "
            + "(\(inside[0].pictureFolders[0].title)), and \(one.title) holds more than the "
            + "pictures of one class: move them to train/<class>, val/<class> and test/<class>, "
            + "give --source \(quoted(whole(one))) for that one alone, or --train-folder "
            + "\(option(parent)) if all pictures are for training.")
      }
    }
    for split in Split.allCases {
      let own = folders.compactMap { one in
        one.pictureFolders.first { $0.split == split }.map { (one.nameText, $0) }
      }
      guard let first = own.first?.1 else { continue }
      parts.append("\(first.title) and similar folders for \(split.adjective)")
      takeClasses(own, in: parent, split)
    }
    noteLoose(in: parent)
    noteEmpty(in: parent)
    return true
  }

  /// Reads the class folders of a part, or its table of labels.
  private mutating func takePart(_ folder: FolderTree, _ split: Split) throws(Failure) {
    if try takeTable(of: folder, split) { return }
    let inner = unwrapped(folder)
    let classFolders = inner.pictureFolders
    let isUnlabelled =
      classFolders.isEmpty
      || split == .test && classFolders.count == 1 && classes.find(classFolders[0].nameText) == nil
    if isUnlabelled {
      guard split == .test else {
        if split == .train { throw holdsLoosePictures(folder) }
        throw Failure(
          .badData,
          "\(quoted(whole(folder))) holds no class folder with pictures; put each "
            + "\(split.adjective) picture into the folder of its class, give --list FILE, or "
            + "remove the folder.\(listHint(folder))")
      }
      return noteUnlabelled(folder)
    }
    // Test pictures of unknown classes are left out and reported.
    if split != .test || classes.names.isEmpty {
      try refusePieces(among: classFolders, in: inner, split)
      try refuseContents(among: classFolders, in: inner, split)
      try refuseIndex(classFolders, in: inner, split)
      try refuseMixedClasses(classFolders, in: inner, split)
    }
    parts.append("\(inner.title) for \(split.adjective)")
    noteLoose(in: inner)
    noteEmpty(in: inner)
    takeClasses(in: inner, split)
  }

  /// The folder that holds the class folders, skipping an outer folder with the same name or one
  /// called `images`, unless it is a known class.
  private func unwrapped(_ folder: FolderTree) -> FolderTree {
    var folder = folder
    while folder.pictures.isEmpty, folder.pictureFolders.count == 1,
      case let inner = folder.pictureFolders[0], classes.find(inner.nameText) == nil,
      inner.pictures.isEmpty || inner.nameText.lowercased() == folder.nameText.lowercased()
        || SplitName.isNeutral(inner.nameText)
    { folder = inner }
    return folder
  }

  func classFolders(of folder: FolderTree) -> [FolderTree] {
    unwrapped(folder).pictureFolders
  }

  private mutating func takeNamedFolders(_ options: SourceOptions) throws(Failure) {
    var named: [(folder: FolderTree, split: Split)] = []
    for (name, split) in [
      (options.trainFolder, Split.train), (options.validationFolder, .validation),
      (options.testFolder, .test),
    ] {
      guard let name else { continue }
      guard let folder = folder(at: name) else {
        throw Failure(
          .inputMissing,
          "There is no folder \(quoted(name)) with pictures in \(quoted(path)); give "
            + "\(split.folderFlag) a folder below --source.")
      }
      named.append((folder, split))
    }
    for (folder, split) in named {
      // Another part may lie next to the class folders of this one; it is not a class.
      let others = named.filter { $0.split != split }
      let classes = folder.pictureFolders.filter { one in !others.contains { $0.folder === one } }
      if let other = others.first(where: { other in
        other.folder === folder || classes.contains { other.folder.isBelow($0) }
      }) {
        throw Failure(
          .usage,
          "\(split.folderFlag) \(option(folder)) and \(other.split.folderFlag) "
            + "\(option(other.folder)) share pictures; give folders that do not overlap.")
      }
      // A lone folder may lie around the class folders, unless it is another part.
      let inner = classes.isEmpty ? folder : unwrapped(folder)
      let found = inner === folder ? classes : inner.pictureFolders
      // Without class folders a table may have the labels, if all pictures are of this part.
      if found.isEmpty, classes.count == folder.pictureFolders.count,
        try takeTable(of: folder, split)
      {
        continue
      }
      guard !found.isEmpty else {
        guard split == .test else { throw holdsLoosePictures(folder) }
        noteUnlabelled(folder)
        continue
      }
      parts.append("\(inner.title) for \(split.adjective)")
      noteLoose(in: inner)
      noteEmpty(in: inner)
      takeClasses(found, in: inner, split)
    }
    notes.append("Only the folders that the options name were read.")
  }

  private func folder(at name: String) -> FolderTree? {
    var folder = walk.tree
    for component in name.split(separator: "/") where component != "." {
      guard let next = folder.folders.first(where: { $0.name.elementsEqual(component.utf8) }) else {
        return nil
      }
      folder = next
    }
    return folder.pictureCount > 0 ? folder : nil
  }
}
