package import Images
package import System

/// ILSVRC's archives of 2010 or 2012 as downloaded.
///
/// `ILSVRC2012_img_train.tar`, an archive that holds an archive for each class,
/// `ILSVRC2012_img_val.tar` and `ILSVRC2012_devkit_t12.tar.gz` (2010: `..._images_train.tar`,
/// `..._images_val.tar`, `..._devkit-1.0.tar.gz`).
///
/// Nothing is unpacked: the archives' headers are listed, and pictures are read in place. Classes
/// are in the order of their WordNet IDs, like class folders unpacked from the archives, and get
/// the kit's names. Without a validation archive the kit may be missing.
package final class ILSVRCSource: ImageSource {
  private let train: InputFile
  private let validation: InputFile?
  private let folder: String
  /// Archives that are not read, those of the test pictures for example.
  private let others: [String]

  /// Looks for the archives in a folder; nil if there is no training archive.
  /// - Throws: `Failure` (input missing) for an archive that cannot be opened.
  package init?(lookingIn folder: String) throws(Failure) {
    self.folder = folder
    let names = try FolderListing(of: PathBytes(folder)).entries.filter { $0.kind == .file }
      .map { String(decoding: $0.name, as: UTF8.self) }
      .filter { $0.hasPrefix("ILSVRC") && $0.hasSuffix(".tar") && !$0.contains("devkit") }
    // "_t3" marks the dogs of 2012's third task, which are also in the main archive.
    guard let train = names.first(where: { $0.contains("train") && !$0.contains("_t3") })
    else { return nil }
    self.train = try InputFile(opening: "\(folder)/\(train)")
    let other = names.first { $0.contains("val") }
    validation = try other.map { (name) throws(Failure) in
      try InputFile(opening: "\(folder)/\(name)")
    }
    others = names.filter { $0 != train && $0 != other }
  }

  /// `ILSVRC archives`.
  package var kind: String { "ILSVRC archives" }

  /// Lists the pictures: classes by WordNet ID, training pictures in archive order, validation
  /// pictures by number.
  /// - Throws: `Failure` (input missing, bad data) that names the archive and the member.
  package func list() throws(Failure) -> SourceListing {
    let classes = try classArchives()
    let kit = try DevelopmentKit(lookingIn: folder)
    var items: [SourceItem] = []
    for (label, archive) in classes.enumerated() {
      let title = "\(train.path)/\(archive.wordNetID).tar"
      for member in try TarReader(train, archive.place, title: title).all() {
        items.append(item(member, label: label, split: .train))
      }
    }
    if let validation {
      guard let kit else {
        throw Failure(
          .inputMissing,
          "The classes of the pictures in \(quoted(validation.path)) are in the development kit; "
            + "put ILSVRC2012_devkit_t12.tar.gz (or that of 2010) into \(quoted(folder)).")
      }
      items += try validationItems(validation, kit, classes.map(\.wordNetID))
    }
    let words = Dictionary(
      (kit?.synsets ?? []).map { ($0.wordNetID, $0.words) }, uniquingKeysWith: { first, _ in first }
    )
    return SourceListing(
      classNames: classes.map { archive in
        // The words alone are not unique: two classes are called "crane".
        words[archive.wordNetID].map { "\($0) (\(archive.wordNetID))" } ?? archive.wordNetID
      }, items: items,
      notes: others.isEmpty ? [] : ["Archives that were left out: \(listed(others))."])
  }

  private struct ClassArchive {
    let wordNetID: String
    let place: Range<UInt64>
  }

  private func classArchives() throws(Failure) -> [ClassArchive] {
    var classes: [ClassArchive] = []
    for member in try TarReader(train).all() {
      let name = String(decoding: member.baseName, as: UTF8.self)
      guard name.hasSuffix(".tar") else { continue }
      classes.append(ClassArchive(wordNetID: String(name.dropLast(4)), place: member.place))
    }
    classes.sort { $0.wordNetID < $1.wordNetID }
    guard classes.count > 1 else {
      throw Failure(
        .badData,
        "\(quoted(train.path)) is not ILSVRC's training archive: it holds \(classes.count) "
          + "archives of classes.")
    }
    if let (one, _) = zip(classes, classes.dropFirst()).first(where: {
      $0.wordNetID == $1.wordNetID
    }) {
      throw Failure(
        .badData, "\(quoted(train.path)) holds the class \(quoted(one.wordNetID)) twice.")
    }
    return classes
  }

  private func validationItems(
    _ file: InputFile, _ kit: DevelopmentKit, _ wordNetIDs: [String]
  ) throws(Failure) -> [SourceItem] {
    let labels = Dictionary(
      wordNetIDs.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var labelOfNumber: [Int: Int] = [:]
    for synset in kit.synsets { labelOfNumber[synset.number] = labels[synset.wordNetID] }
    var items: [(number: Int, item: SourceItem)] = []
    for member in try TarReader(file).all() {
      // ILSVRC2012_val_00000001.JPEG belongs to the first line of the ground truth.
      let stem = member.baseName.prefix { $0 != UInt8(ascii: ".") }
      let digits = stem.split(separator: UInt8(ascii: "_")).last ?? []
      guard let number = Int(String(decoding: digits, as: UTF8.self)), number >= 1 else { continue }
      let name = quoted(String(decoding: member.name, as: UTF8.self))
      guard number <= kit.groundTruth.count else {
        throw Failure(
          .badData,
          "\(name) in \(quoted(file.path)) has no line in the ground truth of \(quoted(kit.path)) "
            + "(\(kit.groundTruth.count) lines); use the kit of the same year.")
      }
      guard let label = labelOfNumber[kit.groundTruth[number - 1]] else {
        throw Failure(
          .badData,
          "\(name) in \(quoted(file.path)) belongs to class \(kit.groundTruth[number - 1]) of "
            + "\(quoted(kit.path)), but \(quoted(train.path)) has no pictures of it.")
      }
      items.append((number, item(member, label: label, split: .validation)))
    }
    items.sort { $0.number < $1.number }
    if let (one, _) = zip(items, items.dropFirst()).first(where: { $0.number == $1.number }) {
      throw Failure(
        .badData,
        "\(quoted(file.path)) holds picture \(one.number) twice; download it again.")
    }
    return items.map(\.item)
  }

  private func item(_ member: TarMember, label: Int, split: Split) -> SourceItem {
    SourceItem(
      label: label, split: split, name: member.name, file: split == .train ? 0 : 1,
      place: member.place.lowerBound, length: UInt64(member.place.count),
      changed: archive(split).changed)
  }

  private func archive(_ split: Split) -> InputFile {
    split == .train ? train : validation ?? train
  }

  /// Reads a picture from its archive.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    try archive(item.split).readMember(item, into: buffer)
    return .encoded
  }
}
