import Failures

/// What a folder of pictures is taken for: which folders hold which part of the dataset, and how its pictures have their
/// classes.
///
/// Everything that was found comes into a class or into a note. What could be meant in two ways is refused with the
/// option that decides.
struct FolderLayout {
  /// What it is in words.
  var kind = "class folders"
  let path: String
  var walk: FolderWalk
  var classes = ClassNames()
  var items: [SourceItem] = []
  var notes: [String] = []
  /// Where the parts are, a phrase each.
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

  /// Finds the parts and takes their pictures.
  /// - Throws: `Failure`: input missing for folders without pictures, usage where options must decide, bad data.
  mutating func recognise(_ options: SourceOptions) throws(Failure) {
    guard !options.namesFolders else { return try takeNamedFolders(options) }
    guard walk.tree.pictureCount > 0 else { throw holdsNothing(walk.tree) }
    try recognise(walk.tree)
  }

  /// The pictures with their labels, and all that was not taken.
  /// - Throws: `Failure` (bad data) for classes that do not make a dataset.
  mutating func listing() throws(Failure) -> SourceListing {
    // Of a million pictures there is one copy.
    let found = items
    items = []
    walk.countOthers(in: walk.tree, but: readFiles)
    var listing = try SourceListing(
      naming: classes.names, items: found, notes: notes + walk.notes, byNumber: false,
      source: quoted(path))
    listing.layout = parts.joined(separator: ", ")
    listing.unusable = walk.unusable
    if !walk.unusable.isEmpty {
      let example = walk.unusable[0]
      listing.notes.append(
        "\(counted(walk.unusable.count, "picture is", "pictures are")) of kinds that are not read: "
          + "\(quoted(example.path)) \(example.reason).")
    }
    return listing
  }

  // MARK: What the folders mean

  private mutating func recognise(_ folder: FolderTree) throws(Failure) {
    if try recogniseKnownDataset(folder) { return }
    let candidates = folder.pictureFolders
    let named = candidates.filter { SplitName.split(of: $0.nameText) != nil }
    let others = candidates.filter { SplitName.split(of: $0.nameText) == nil }
    let withClasses = named.filter { !classFolders(of: $0).isEmpty }
    if !withClasses.isEmpty || !named.isEmpty && others.isEmpty {
      return try takeParts(named, beside: others, in: folder)
    }
    if candidates.count == 1, candidates[0].pictures.isEmpty {
      noteLoose(in: folder)
      return try recognise(candidates[0])
    }
    guard !candidates.isEmpty else { throw holdsLoosePictures(folder) }
    if let one = named.first {
      // A class may be called "train"; one called "test" is rather the pictures of a competition.
      guard named.count == 1, SplitName.split(of: one.nameText) == .train, others.count > 1 else {
        throw Failure(
          .usage,
          "\(one.title) in \(quoted(path)) lies beside \(listed(others.map(\.nameText), most: 3)) and may be a "
            + "class or a part of the dataset: give --train-folder \(option(folder)) to take all of them as "
            + "classes, or move it away.")
      }
      notes.append(
        "\(one.title) holds pictures and lies beside other class folders, so it is taken as a class."
      )
    }
    try refuseUnknownParts(others, in: folder)
    parts.append("the classes are the folders in \(quoted(whole(folder)))")
    noteLoose(in: folder)
    noteEmpty(in: folder)
    takeClasses(in: folder, .train)
  }

  /// Takes the folders whose names say what part of the dataset they are.
  private mutating func takeParts(
    _ named: [FolderTree], beside others: [FolderTree], in folder: FolderTree
  ) throws(Failure) {
    for split in Split.allCases {
      let same = named.filter { SplitName.split(of: $0.nameText) == split }
      guard same.count < 2 else {
        throw Failure(
          .usage,
          "\(listed(same.map(\.nameText))) in \(quoted(path)) look like the \(split.adjective) pictures, all of them: "
            + "give --train-folder FOLDER and --validation-folder FOLDER.")
      }
    }
    let known = Set(named.flatMap { classFolders(of: $0).map(\.nameText) })
    for other in others {
      let names = classFolders(of: other).map(\.nameText)
      guard names.count < 2 || 2 * names.count(where: { known.contains($0) }) < names.count else {
        throw Failure(
          .usage,
          "\(other.title) in \(quoted(path)) holds the same classes as \(named[0].title), but its name says nothing of "
            + "what it is: give --train-folder \(option(named[0])) and --validation-folder \(option(other)), or move "
            + "it away.")
      }
      notes.append(
        "\(other.title) is no part of the dataset by its name; its "
          + "\(counted(other.pictureCount, "picture was", "pictures were")) left out.")
    }
    noteLoose(in: folder)
    noteEmpty(in: folder)
    // The training part declares the classes.
    for split in Split.allCases {
      for part in named where SplitName.split(of: part.nameText) == split {
        try takePart(part, split)
      }
    }
  }

  /// Takes the class folders of a part, or the labels that lie in it.
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
          "\(quoted(whole(folder))) holds no class folder with pictures; put each \(split.adjective) picture into "
            + "the folder of its class, give --list FILE, or remove the folder.\(listHint(folder))")
      }
      notes.append(
        "The \(counted(folder.pictureCount, "picture", "pictures")) in \(folder.title) have no labels and were left "
          + "out; show them to a network with 'alexnet predict'.")
      return
    }
    parts.append("\(inner.title) for \(split.adjective)")
    noteLoose(in: inner)
    noteEmpty(in: inner)
    takeClasses(in: inner, split)
  }

  /// The folder in which the class folders lie: what was packed with its own name, or with `images`, lies a step deeper.
  private func unwrapped(_ folder: FolderTree) -> FolderTree {
    var folder = folder
    while folder.pictures.isEmpty, folder.pictureFolders.count == 1,
      case let inner = folder.pictureFolders[0],
      inner.pictures.isEmpty || inner.nameText.lowercased() == folder.nameText.lowercased()
        || SplitName.isNeutral(inner.nameText)
    { folder = inner }
    return folder
  }

  private func classFolders(of folder: FolderTree) -> [FolderTree] {
    unwrapped(folder).pictureFolders
  }

  /// Refuses a few folders that hold the same folders each: these look like parts, or folds, of unknown names.
  private func refuseUnknownParts(
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
      "\(listed(folders.map(\.nameText))) in \(quoted(path)) hold the same folders each (\(listed(common.sorted(), most: 3))) and "
        + "look like parts of a dataset, not like classes: give --train-folder \(option(folders[0])) and "
        + "--validation-folder \(option(folders[1])), or --train-folder \(option(parent)) if they are classes."
    )
  }

  private mutating func takeNamedFolders(_ options: SourceOptions) throws(Failure) {
    for (name, split, flag) in [
      (options.trainFolder, Split.train, "--train-folder"),
      (options.validationFolder, .validation, "--validation-folder"),
      (options.testFolder, .test, "--test-folder"),
    ] {
      guard let name else { continue }
      guard let folder = folder(at: name) else {
        throw Failure(
          .inputMissing,
          "There is no folder \(quoted(name)) with pictures in \(quoted(path)); give \(flag) a folder below --source."
        )
      }
      guard !folder.pictureFolders.isEmpty else { throw holdsLoosePictures(folder) }
      parts.append("\(folder.title) for \(split.adjective)")
      noteLoose(in: folder)
      noteEmpty(in: folder)
      takeClasses(in: folder, split)
    }
    notes.append("Folders other than the named ones were not looked at.")
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
