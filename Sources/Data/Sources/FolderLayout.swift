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
    if try recogniseKnownDataset(walk.tree) { return }
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
    let candidates = folder.pictureFolders
    let named = candidates.filter { SplitName.split(of: $0.nameText) != nil }
    let others = candidates.filter { SplitName.split(of: $0.nameText) == nil }
    let withClasses = named.filter { !classFolders(of: $0).isEmpty }
    if !withClasses.isEmpty || !named.isEmpty && others.isEmpty {
      return try takeParts(named, beside: others, in: folder)
    }
    if candidates.count == 1, candidates[0].pictures.isEmpty {
      noteLoose(in: folder)
      return try recogniseInner(candidates[0])
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

  private mutating func recogniseInner(_ folder: FolderTree) throws(Failure) {
    if try recogniseKnownDataset(folder) { return }
    try recognise(folder)
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
    let known = Set(named.flatMap { classFolders(of: $0).map { readable($0.name) } })
    for other in others {
      let names = classFolders(of: other).map { readable($0.name) }
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
    parts.append("\(inner.title) for \(split == .train ? "training" : split.rawValue)")
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
    let sets = folders.map { Set(classFolders(of: $0).map { readable($0.name) }) }
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
      parts.append("\(folder.title) for \(split == .train ? "training" : split.rawValue)")
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

  // MARK: Taking pictures

  /// Takes every folder with pictures as a class, with what lies in folders below it.
  mutating func takeClasses(in folder: FolderTree, _ split: Split) {
    var deep = Tally()
    var same: [String: String] = [:]
    for one in folder.pictureFolders {
      let name = one.nameText
      let isDeclared = classes.find(name) != nil
      let label = isDeclared ? classes.place(of: name) : placeInOtherLetters(name, split)
      if let other = same.updateValue(one.nameText, forKey: name) {
        notes.append(
          "The folders \(quoted(other)) and \(quoted(name)) in \(folder.title) have the same name in two forms of "
            + "Unicode; they are one class.")
      }
      for inner in one.pictureFolders where !SplitName.isNeutral(inner.nameText) {
        deep.add("", example: readable(inner.path.bytes))
      }
      one.forEachPicture {
        items.append(PictureFiles.item($0, label: label, split: split, in: root))
      }
    }
    if let deep = deep.sorted.first {
      notes.append(
        "\(counted(deep.count, "folder lies", "folders lie")) below class folders (\(quoted(deep.example))): the "
          + "pictures there are of the class above.")
    }
    noteLetters(in: folder)
  }

  /// A class of a part that has it in other letters, `Cat` for `cat`, is the one that was declared.
  private mutating func placeInOtherLetters(_ name: String, _ split: Split) -> Int {
    if split != .train {
      let alike = classes.names.filter { $0.lowercased() == name.lowercased() }
      if alike.count == 1 {
        notes.append(
          "The class \(quoted(name)) for \(split.rawValue) is taken for \(quoted(alike[0])) of other capitals."
        )
        return classes.place(of: alike[0])
      }
    }
    return classes.place(of: name)
  }

  private mutating func noteLetters(in folder: FolderTree) {
    let alike = Dictionary(grouping: folder.pictureFolders.map(\.nameText)) { $0.lowercased() }
      .values.filter { Set($0).count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    if let first = alike.first {
      notes.append(
        "\(listed(first)) in \(folder.title) differ in capitals alone; they are classes of their own."
      )
    }
  }

  /// Takes the pictures that rows of a table name.
  mutating func take(
    _ rows: [LabelTable.Row], of table: LabelTable, in folder: FolderTree, _ split: Split?,
    file: String
  ) throws(Failure) {
    var finder = PictureFinder(folder)
    var refused = table.refused
    for row in rows {
      guard let picture = finder.find(row.name) else {
        refused.append((row.line, "names \(quoted(readable(row.name))), which is not there"))
        continue
      }
      guard let label = row.label else { continue }
      items.append(
        PictureFiles.item(
          picture, label: classes.place(of: label),
          split: row.split ?? split ?? finder.split(of: row.name), in: root))
    }
    notes += try table.notes(refused, of: file)
    let left = finder.unused - table.unlabelled
    if left > 0 {
      notes.append(
        "\(counted(left, "picture", "pictures")) in \(folder.title) that \(quoted(file)) does not name were left out."
      )
    }
  }

  // MARK: What is said

  private mutating func noteLoose(in folder: FolderTree) {
    guard let first = folder.pictures.first else { return }
    notes.append(
      "\(counted(folder.pictures.count, "picture that lies", "pictures that lie")) outside the class folders, "
        + "\(quoted(readable(first)))\(folder.pictures.count > 1 ? " for example" : ""), "
        + "\(folder.pictures.count == 1 ? "was" : "were") left out.")
  }

  private mutating func noteEmpty(in folder: FolderTree) {
    let empty = folder.folders.filter { $0.pictureCount == 0 }
    guard !empty.isEmpty else { return }
    notes.append(
      "\(counted(empty.count, "folder holds", "folders hold")) no pictures and "
        + "\(empty.count == 1 ? "is no class" : "are no classes"): \(listed(empty.map { readable($0.path.bytes) }))."
    )
  }

  func whole(_ folder: FolderTree) -> String {
    folder.path.bytes.isEmpty ? path : "\(path)/\(readable(folder.path.bytes))"
  }

  /// A folder as an option takes it.
  private func option(_ folder: FolderTree) -> String {
    folder.path.bytes.isEmpty ? "." : quoted(readable(folder.path.bytes))
  }

  private func holdsNothing(_ folder: FolderTree) -> Failure {
    guard !folder.folders.isEmpty || !folder.others.isEmpty else {
      return Failure(
        .inputMissing,
        "The folder \(quoted(path)) is empty; --source wants DIR/<class>/<pictures> or "
          + "DIR/train/<class>/<pictures>.")
    }
    var walk = walk
    walk.countOthers(in: folder)
    let found = walk.leftOut.sorted.prefix(4).map { "\($0.count) \($0.name)" }
    return Failure(
      .inputMissing,
      "\(quoted(path)) holds no pictures\(found.isEmpty ? "" : ", but \(found.joined(separator: ", "))"); "
        + "--source wants DIR/<class>/<pictures> or DIR/train/<class>/<pictures>.")
  }

  private func holdsLoosePictures(_ folder: FolderTree) -> Failure {
    Failure(
      .inputMissing,
      "\(quoted(whole(folder))) holds no class folders; its "
        + "\(counted(folder.pictureCount, "picture lies", "pictures lie")) loose: put each into the folder of its "
        + "class, or give --list FILE with their labels.\(listHint(folder))")
  }

  /// A file that may be the list.
  private func listHint(_ folder: FolderTree) -> String {
    func isTable(_ name: String) -> Bool {
      [".csv", ".tsv", ".txt", ".lst", ".jsonl"].contains { name.lowercased().hasSuffix($0) }
        && !name.lowercased().hasPrefix("readme")
    }
    let name = folder.firstFile(where: isTable) ?? walk.tree.firstFile(where: isTable)
    return name.map { " Perhaps \(quoted("\(path)/\($0)")) is such a list." } ?? ""
  }
}

/// Finds pictures of a folder by what a table calls them.
struct PictureFinder {
  private var byPath: [ArraySlice<UInt8>: [UInt8]] = [:]
  private var byName: [ArraySlice<UInt8>: [UInt8]] = [:]
  private var used: Set<[UInt8]> = []
  private let count: Int

  init(_ folder: FolderTree) {
    let prefix = folder.path.bytes.isEmpty ? 0 : folder.path.bytes.count + 1
    var pictures: [[UInt8]] = []
    folder.forEachPicture { pictures.append($0) }
    count = pictures.count
    for picture in pictures {
      byPath[picture[prefix...]] = picture
      let base = picture[(picture.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
      for name in [base, base.lastIndex(of: UInt8(ascii: ".")).map { base[..<$0] }] {
        if let name, byName.updateValue(picture, forKey: name) != nil { byName[name] = [] }
      }
    }
  }

  /// Its path below the root: by the path below the folder, by its name, or by its name without the ending, where that
  /// is one picture's alone.
  mutating func find(_ name: [UInt8]) -> [UInt8]? {
    let plain = name.starts(with: Array("./".utf8)) ? name[2...] : name[...]
    guard let found = byPath[plain] ?? byName[plain], !found.isEmpty else { return nil }
    used.insert(found)
    return found
  }

  /// The part that the first folder of a path names; training if it names none.
  func split(of name: [UInt8]) -> Split {
    let folders = name.split(separator: UInt8(ascii: "/")).dropLast()
    return folders.first.flatMap { SplitName.split(of: readable($0)) } ?? .train
  }

  /// How many pictures were never found.
  var unused: Int { count - used.count }
}
