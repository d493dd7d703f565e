import Foundation
package import Images
import JSON
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
  private struct Shard: Sendable {
    let file: InputFile
    let name: String
    let split: Split
  }

  private static let labelKeys = ["label", "cls", "class", "class_id", "class_name"]
  private static let largestLabel = 1 << 20

  private let path: String
  private let shards: [Shard]
  private let names: (list: [String], path: String)?
  private let skipsCorrupt: Bool
  private let expected: ExpectedCounts

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
        (try TextLines.classNames(list), list)
      } else if expected.isOwn {
        (
          try DatasetManifest(try RegularFile.contents(of: own, limit: 1 << 30), path: own).classes
            .map(\.name), own
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
  private struct Found {
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

  /// The names of numbered classes.
  private func named(
    _ labels: [String], by names: [String], _ path: String
  ) throws(Failure) -> [String] {
    // Labels that are themselves names need no list.
    if Set(names).isSuperset(of: labels) { return labels }
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

  /// The members with one key.
  private struct Group {
    let key: [UInt8]
    var pictures: [(suffix: String, member: TarMember)] = []
    /// From `.cls`, which takes precedence, or from `.json`.
    var label: String?
    var otherLabel: String?
    var suffixes: [String] = []
  }

  private func addSamples(
    of shard: Shard, _ number: Int, to found: inout Found
  ) throws(Failure) {
    let reader = try TarReader(shard.file)
    var groups: [Group] = []
    var places: [[UInt8]: Int] = [:]
    var failure: Failure?
    do throws(Failure) {
      while let member = try reader.next() {
        guard let dot = member.baseName.firstIndex(of: UInt8(ascii: ".")),
          dot > member.baseName.startIndex, dot + 1 < member.baseName.endIndex
        else { continue }
        let key = Array(member.name[..<dot])
        let place = places[key] ?? groups.count
        if place == groups.count {
          groups.append(Group(key: key))
          places[key] = place
        }
        let suffix = readable(member.name[(dot + 1)...]).lowercased()
        guard !groups[place].suffixes.contains(suffix) else { throw reader.duplicate(key) }
        groups[place].suffixes.append(suffix)
        if PictureFiles.isPicture(Array(member.baseName)) {
          groups[place].pictures.append((suffix, member))
        } else if suffix == "cls" {
          groups[place].label = try label(member, suffix, in: shard)
        } else if suffix == "json" {
          groups[place].otherLabel = try label(member, suffix, in: shard)
        }
      }
      try reader.checkEnd()
    } catch {
      failure = error
    }
    if failure == nil || skipsCorrupt {
      try take(groups, of: shard, number, to: &found)
    }
    if let failure { throw failure }
    let base = (shard.name as NSString).lastPathComponent
    let isOnlyOne = shards.count { ($0.name as NSString).lastPathComponent == base } == 1
    if let wanted = expected.counts[shard.name] ?? (isOnlyOne ? expected.counts[base] : nil) {
      let samples = found.counts.last.map { $0.shard == number ? $0.samples : 0 } ?? 0
      guard samples == wanted else {
        throw Failure(
          .badData,
          "\(quoted(shard.file.path)) has \(samples) samples, but its index says \(wanted); "
            + "download it again."
        )
      }
    }
  }

  private func take(
    _ groups: [Group], of shard: Shard, _ number: Int, to found: inout Found
  ) throws(Failure) {
    var samples = 0
    if !groups.isEmpty, groups.allSatisfy({ $0.label == nil && $0.otherLabel == nil }),
      shard.split != .test, groups.contains(where: { !$0.pictures.isEmpty })
    {
      throw Failure(
        .badData,
        "\(quoted(shard.file.path)) holds pictures but no labels (.cls or .json), so it is not a "
          + "WebDataset shard; if their folders are the classes, unpack it with 'mkdir FOLDER; tar "
          + "-xf \(shard.file.path) -C FOLDER' and give --source FOLDER.")
    }
    for group in groups {
      let label = group.label ?? group.otherLabel
      let name = "\(shard.name)/\(readable(group.key))"
      if group.pictures.isEmpty && label == nil {
        found.incomplete.add("a picture and a label", example: name)
        continue
      }
      samples += 1
      let isUnlabelled = label == LabelText.none || label == nil && shard.split == .test
      guard let picture = Self.chosen(group.pictures), label != nil || isUnlabelled else {
        let lacking = group.pictures.isEmpty ? "a picture" : "a label"
        guard skipsCorrupt else {
          throw Failure(
            .badData,
            "The sample \(quoted(readable(group.key))) in \(quoted(shard.file.path)) has no "
              + "\(group.pictures.isEmpty ? "picture" : "label (.cls or .json)"); the archive may "
              + "be incomplete. --skip-corrupt leaves such samples out.")
        }
        found.incomplete.add(lacking, example: name)
        continue
      }
      guard let label, !isUnlabelled else {
        found.unlabelled += 1
        continue
      }
      if group.pictures.count > 1 { found.several.add(".\(picture.suffix)", example: name) }
      found.items.append(
        SourceItem(
          label: found.classes.place(of: label), split: shard.split,
          name: Array("\(shard.name)/".utf8) + picture.member.name, file: number,
          place: picture.member.place.lowerBound, length: UInt64(picture.member.place.count),
          changed: shard.file.changed))
    }
    if samples > 0 { found.counts.append((number, samples)) }
  }

  /// Chooses among several pictures the one with only an ending after the key, JPEG before PNG
  /// before others.
  private static func chosen(
    _ pictures: [(suffix: String, member: TarMember)]
  ) -> (suffix: String, member: TarMember)? {
    let order = ["jpg", "jpeg", "png", "webp"]
    func rank(_ suffix: String) -> (Int, String) {
      (order.firstIndex(of: suffix) ?? order.count + suffix.count { $0 == "." }, suffix)
    }
    return pictures.min { rank($0.suffix) < rank($1.suffix) }
  }

  private func label(
    _ member: TarMember, _ suffix: String, in shard: Shard
  ) throws(Failure) -> String? {
    guard member.place.count <= Self.largestLabel else { return nil }
    var bytes = [UInt8](repeating: 0, count: member.place.count)
    guard
      bytes.withUnsafeMutableBytes({ shard.file.read(at: member.place.lowerBound, into: $0) })
    else {
      throw Failure(
        .inputOutput,
        "Cannot read \(quoted(String(decoding: member.name, as: UTF8.self))) in "
          + "\(quoted(shard.file.path)).")
    }
    if suffix == "cls" {
      let text = LabelText.plain(readable(bytes))
      // "007" and "7" are the same class.
      return try checked(text.isEmpty ? nil : Int(text).map { String($0) } ?? text)
    }
    guard let fields = JSONText.object(bytes[...]) else { return nil }
    return try checked(
      Self.labelKeys.lazy.compactMap { LabelTable.text(of: fields[$0]).map(LabelText.plain) }
        .first { !$0.isEmpty })
  }

  /// - Throws: `Failure` (bad data) for bytes that are not text, and for a negative number that
  ///   does not mean "unlabelled".
  private func checked(_ label: String?) throws(Failure) -> String? {
    guard let label, label != LabelText.none else { return label }
    guard !LabelText.isNegative(label), !label.contains("\0") else {
      throw Failure(
        .badData,
        "The label \(quoted(label)) in \(quoted(path)) is not a class; classes are names, or "
          + "numbers from 0, and -1 means unlabelled.")
    }
    return label
  }

  /// Reads a picture from its shard.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    try shards[item.file].file.readMember(item, into: buffer)
    return .encoded
  }
}

/// The number of samples in each shard according to files next to the shards.
///
/// `nsamples` in the index of the package wids, numbers by the shards' names, and `successes` in
/// img2dataset's `00000_stats.json`.
private struct ExpectedCounts: Sendable {
  /// By the shard's path in the source.
  private(set) var counts: [String: Int] = [:]

  /// Whether there is a dataset of this program.
  private(set) var isOwn = false

  /// Reads a file in the source's folder, or in a part's folder; false if it gives no numbers of
  /// samples.
  mutating func read(_ path: String, in folder: String) -> Bool {
    guard let bytes = try? RegularFile.contents(of: path, limit: 64 << 20),
      let object = JSONText.object(bytes[...])
    else { return false }
    let before = counts
    let name = (path as NSString).lastPathComponent
    if name.hasSuffix("_stats.json") {
      add(name.replacingOccurrences(of: "_stats.json", with: ".tar"), object["successes"], folder)
    }
    for shard in object["shardlist"] as? [[String: Any]] ?? [] {
      add(shard["url"] as? String, shard["nsamples"], folder)
    }
    if folder.isEmpty, name == DatasetManifest.fileName,
      object["format"] as? String == DatasetManifest.format
    {
      isOwn = true
      for part in Split.allCases {
        let shards = (object[part.rawValue] as? [String: Any])?["shards"] as? [[String: Any]] ?? []
        for shard in shards { add(shard["file"] as? String, shard["records"], folder) }
      }
    }
    for (key, value) in object where key.hasSuffix(".tar") { add(key, value, folder) }
    return isOwn || counts != before
  }

  /// An index may name shards by URLs, whose last components are the file and perhaps the folder of
  /// a part.
  private mutating func add(_ url: String?, _ count: Any?, _ folder: String) {
    guard let words = url?.split(separator: "/"), let file = words.last, let count = count as? Int
    else { return }
    counts[folder.isEmpty ? String(file) : "\(folder)/\(file)"] = count
    if folder.isEmpty, words.count > 1 { counts[words.suffix(2).joined(separator: "/")] = count }
  }
}
