import Foundation
import JSON
import System

/// The samples of a shard: which members belong together, and what their labels say.
extension WebDatasetSource {
  private static let labelKeys = ["label", "cls", "class", "class_id", "class_name"]
  private static let largestLabel = 1 << 20

  /// The members with one key.
  private struct Group {
    let key: [UInt8]
    var pictures: [(suffix: String, member: TarMember)] = []
    /// From `.cls`, which takes precedence, or from `.json`.
    var label: String?
    var otherLabel: String?
    var suffixes: [String] = []

    /// Whether it lies in a folder of the archive.
    var isInFolder: Bool {
      key.split(separator: UInt8(ascii: "/")).dropLast().contains { !$0.elementsEqual(".".utf8) }
    }
  }

  /// Adds the samples of a shard, and checks that there are as many as its index says.
  func addSamples(of shard: Shard, _ number: Int, to found: inout Found) throws(Failure) {
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
      let remedy = Self.remedy(shard, hasFolders: groups.contains { $0.isInFolder })
      throw Failure(
        .badData,
        "\(quoted(shard.file.path)) holds pictures but no labels (.cls or .json), so it is not a "
          + "WebDataset shard; \(remedy).")
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

  /// What to do with an archive of pictures without labels.
  private static func remedy(_ shard: Shard, hasFolders: Bool) -> String {
    let name = (shard.name as NSString).lastPathComponent
    if name.hasPrefix("ILSVRC"), shard.split == .validation {
      return
        "the classes of ILSVRC's validation pictures come with the training archive and the "
        + "development kit: put both next to it and give --source their folder"
    }
    if hasFolders {
      return
        "if their folders are the classes, unpack it with 'mkdir FOLDER; tar -xf "
        + "\(shard.file.path) -C FOLDER' and give --source FOLDER"
    }
    let folder = "FOLDER/\((name as NSString).deletingPathExtension)"
    return
      "if each archive is a class, unpack each into a folder of its own, 'mkdir -p \(folder); tar "
      + "-xf \(shard.file.path) -C \(folder)', and give --source FOLDER"
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
}
