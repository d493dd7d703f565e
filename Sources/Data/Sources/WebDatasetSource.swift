package import Images
package import System

/// Shards made for the Python package `webdataset`: tar files in which the members with one key
/// make a sample.
///
/// The key is the path up to the first dot of the file name.
///
/// A sample has a picture and a label: `.cls` with a number or a name, or `.json` with one under
/// `label`, `cls`, `class`, `class_id` or `class_name`. Shards with `val`, `valid`, `validation` or
/// `dev` as a word of their names, or in such a folder, are for validation; those with `test` are
/// kept apart. Numbers are classes in numerical order. They are named by the lines of `classes.txt`
/// next to the shards if it exists, or by the `dataset.json` of a dataset of this program.
package final class WebDatasetSource: ImageSource {
  struct Shard: Sendable {
    let file: InputFile
    let name: String
    let split: Split
  }

  let path: String
  let shards: [Shard]
  private let names: (list: [String], path: String)?
  let skipsCorrupt: Bool
  let expected: ExpectedCounts

  /// Looks for shards in a folder and in its folders that are named for parts of a dataset, or
  /// opens a single shard; nil if there are none.
  /// - Throws: `Failure` (input missing) for a shard that cannot be opened.
  package init?(
    lookingIn path: String, _ options: SourceOptions = SourceOptions()
  ) throws(Failure) {
    self.path = path
    var readNames: Set = ["classes.txt", DatasetManifest.fileName]
    skipsCorrupt = options.skipsCorrupt
    var shards: [Shard] = []
    var expected = ExpectedCounts()
    if PathBytes(path).isFolder {
      let inner = try FolderListing(of: PathBytes(path)).entries.filter {
        $0.kind == .folder && SplitName.split(of: readable($0.name)) != nil
      }
      for folder in [""] + inner.map({ String(decoding: $0.name, as: UTF8.self) }) {
        let place = folder.isEmpty ? path : "\(path)/\(folder)"
        for entry in try FolderListing(of: PathBytes(place)).entries where entry.kind == .file {
          let name = String(decoding: entry.name, as: UTF8.self)
          let full = folder.isEmpty ? name : "\(folder)/\(name)"
          if name.hasSuffix(".json"), expected.read("\(place)/\(name)", in: folder) {
            readNames.insert(full)
          }
          guard name.lowercased().hasSuffix(".tar") else { continue }
          readNames.insert(full)
          shards.append(
            Shard(
              file: try InputFile(opening: "\(place)/\(name)"), name: full,
              split: SplitName.split(ofArchive: full)))
        }
      }
    } else if path.lowercased().hasSuffix(".tar") {
      shards.append(Shard(file: try InputFile(opening: path), name: path, split: .train))
    }
    guard !shards.isEmpty else { return nil }
    self.shards = shards
    self.expected = expected
    self.readNames = readNames
    let (list, own) = ("\(path)/classes.txt", "\(path)/\(DatasetManifest.fileName)")
    names =
      if PathBytes(list).isFile {
        (try ClassNameList.distinct(list), list)
      } else if expected.isOwn {
        (
          try DatasetManifest(DatasetManifest.bytes(in: path), path: own).classes.map(\.name), own
        )
      } else {
        nil
      }
  }

  /// The files that were read, by their paths in the folder.
  let readNames: Set<String>

  /// `WebDataset shards`.
  package var kind: String { "WebDataset shards" }

  /// The samples of all shards.
  struct Found {
    var items: [SourceItem] = []
    var classes = ClassNames()
    /// The number of samples in each non-empty shard, including unlabelled ones.
    var counts: [(shard: Int, samples: Int)] = []
    var incomplete = Tally()
    var unlabelled = 0
    var several = Tally()
    var damaged: [String] = []
  }

  /// Lists the samples in the order of the shards, and reads their labels.
  /// - Throws: `Failure` (bad data) that names the shard and the sample.
  package func list() throws(Failure) -> SourceListing {
    var found = Found()
    for (number, shard) in shards.enumerated() {
      do throws(Failure) {
        try addSamples(of: shard, number, to: &found)
      } catch {
        guard skipsCorrupt, error.exitCode == .badData else { throw error }
        found.damaged.append(error.message)
      }
    }
    if found.items.isEmpty, let reason = found.damaged.first { throw Failure(.badData, reason) }
    guard !found.items.isEmpty || found.unlabelled > 0 else { throw Self.noShards(shards) }
    var listing = try SourceListing(
      naming: found.classes.names, items: found.items, notes: try notes(found), byNumber: true,
      source: quoted(path))
    if let names { listing.classNames = try named(listing.classNames, by: names.list, names.path) }
    listing.layout = Split.allCases.compactMap { split in
      let own = shards.filter { $0.split == split }
      guard let first = own.first else { return nil }
      let more = own.count > 1 ? " and \(own.count - 1) more" : ""
      return "\(quoted(first.name))\(more) for \(split.adjective)"
    }.joined(separator: ", ")
    return listing
  }

  /// The error for archives without any sample, which hold something else.
  private static func noShards(_ shards: [Shard]) -> Failure {
    let title = quoted(shards[0].file.path)
    let more = shards.count > 1 ? " and the archives next to it hold" : " holds"
    return Failure(
      .badData,
      "\(title)\(more) no sample of a picture and a label (.cls or .json), so this is not a "
        + "WebDataset: unpack each archive into a folder of its own, 'mkdir -p FOLDER/NAME; tar "
        + "-xf NAME.tar -C FOLDER/NAME', and give --source FOLDER. ILSVRC's archives are read as "
        + "they are: leave them their names, and give --source the folder that holds them.")
  }

  /// The names of numbered classes.
  private func named(
    _ labels: [String], by names: [String], _ path: String
  ) throws(Failure) -> [String] {
    // Labels that are themselves names need no list. Numbers count its lines, even where names are
    // numbers too: in our own datasets, and where `ls` wrote the list.
    let areNumbers = labels.allSatisfy { label in
      Int(label).map { names.indices.contains($0) } ?? false
    }
    if !expected.isOwn, !areNumbers, Set(names).isSuperset(of: labels) { return labels }
    return try labels.map { (label) throws(Failure) in
      guard let number = Int(label), names.indices.contains(number) else {
        throw Failure(
          .badData,
          "The label \(quoted(label)) of the shards in \(quoted(self.path)) is not one of the "
            + "\(names.count) classes of \(quoted(path)), which are numbered from 0; correct the "
            + "list, or move it away.")
      }
      return names[number]
    }
  }

  private func notes(_ found: Found) throws(Failure) -> [String] {
    var notes = found.damaged.map { "Used up to the damage: \($0)" }
    for kind in found.incomplete.sorted {
      notes.append(
        "\(counted(kind.count, "sample", "samples")) without \(kind.name) "
          + "(\(quoted(kind.example))) \(kind.count == 1 ? "was" : "were") left out.")
    }
    if found.unlabelled > 0 {
      notes.append(
        "\(counted(found.unlabelled, "sample", "samples")) with the label -1, or of test shards "
          + "without labels, \(found.unlabelled == 1 ? "was" : "were") left out.")
    }
    for kind in found.several.sorted {
      notes.append(
        "\(counted(kind.count, "sample has", "samples have")) several pictures; \(kind.name) is "
          + "used (\(quoted(kind.example))).")
    }
    // Shards are filled one after the other, so all but the last one of a part have the same number
    // of samples.
    for split in Split.allCases {
      let own = found.counts.filter { shards[$0.shard].split == split }
      let usual = Dictionary(grouping: own.dropLast()) { $0.samples }
        .max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }?.key
      for (number, samples) in own.dropLast() where samples != usual {
        notes.append(
          "\(quoted(shards[number].name)) has \(samples) samples where other shards have "
            + "\(usual ?? 0); it may be incomplete.")
      }
    }
    return notes
  }

  /// Reads a picture from its shard.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    try shards[item.file].file.readMember(item, into: buffer)
    return .encoded
  }
}
