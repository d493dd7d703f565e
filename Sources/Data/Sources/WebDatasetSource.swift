public import Failures
import Foundation
public import Images

/// Shards that others made for the Python package `webdataset`: tar files in which neighbouring
/// members of one key, its name up to the first dot, make a sample.
///
/// A sample has a picture (`.jpg`, `.jpeg`, `.png` or `.webp`) and a label: `.cls` with a number or a
/// name, or `.json` with one under `label`, `cls`, `class`, `class_id` or `class_name`. Shards that
/// have `val`, `valid`, `validation` or `test` as a word of their names or as their folder are for
/// validation. Numbers are
/// classes in their order, named by the lines of `classes.txt` beside the shards if it is there.
public final class WebDatasetSource: ImageSource {
  private struct Shard: Sendable {
    let file: InputFile
    let name: String
    let split: Split
  }

  private static let pictures: Set<String> = ["jpg", "jpeg", "png", "webp"]
  private static let labelKeys = ["label", "cls", "class", "class_id", "class_name"]
  private static let largestLabel = 1 << 20

  private let path: String
  private let shards: [Shard]
  private let names: [String]?

  /// Looks for shards in a folder and in its folders `train`, `val`, `validation` and `test`, or
  /// takes a single one; nil if there are none.
  /// - Throws: `Failure` (input missing) for a shard that cannot be opened.
  public init?(lookingIn path: String) throws(Failure) {
    self.path = path
    var shards: [Shard] = []
    if PathBytes(path).status?.isFolder == true {
      for folder in ["", "train", "val", "validation", "test"] {
        let place = folder.isEmpty ? path : "\(path)/\(folder)"
        guard folder.isEmpty || PathBytes(place).status?.isFolder == true else { continue }
        for entry in try FolderListing(of: PathBytes(place)).entries where entry.kind == .file {
          let name = String(decoding: entry.name, as: UTF8.self)
          guard name.hasSuffix(".tar") else { continue }
          let full = folder.isEmpty ? name : "\(folder)/\(name)"
          shards.append(
            Shard(
              file: try InputFile(opening: "\(place)/\(name)"), name: full,
              split: Self.split(of: full)))
        }
      }
    } else if path.hasSuffix(".tar") {
      shards.append(Shard(file: try InputFile(opening: path), name: path, split: .train))
    }
    guard !shards.isEmpty else { return nil }
    self.shards = shards
    let list = "\(path)/classes.txt"
    names = PathBytes(list).status?.isFile == true ? try TextLines.read(list) : nil
  }

  // By whole words: "latest" is not "test".
  private static func split(of name: String) -> Split {
    let words = name.lowercased().split { !$0.isLetter }
    let isValidation = words.contains { ["val", "valid", "validation", "test"].contains($0) }
    return isValidation ? .validation : .train
  }

  /// `WebDataset shards`.
  public var kind: String { "WebDataset shards" }

  private struct Sample {
    let item: SourceItem
    let label: String
  }

  /// Lists the samples in the order of the shards, and reads their labels.
  /// - Throws: `Failure` (bad data) that names the shard and the sample.
  public func list() throws(Failure) -> SourceListing {
    var samples: [Sample] = []
    var incomplete = 0
    for (number, shard) in shards.enumerated() {
      try addSamples(of: shard, number, to: &samples, incomplete: &incomplete)
    }
    let classes = try classes(of: samples)
    let labels = Dictionary(
      classes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var items: [SourceItem] = []
    items.reserveCapacity(samples.count)
    for sample in samples {
      var item = sample.item
      item.label = labels[sample.label] ?? 0
      items.append(item)
    }
    let notes =
      incomplete == 0
      ? [] : ["\(incomplete) samples without a picture or without a label were left out."]
    return SourceListing(
      classNames: classes.map { label in
        guard let names, let number = Int(label), names.indices.contains(number) else {
          return label
        }
        return names[number]
      }, items: items, notes: notes)
  }

  private func classes(of samples: [Sample]) throws(Failure) -> [String] {
    let labels = Set(samples.map(\.label))
    guard labels.count > 1 else {
      throw Failure(
        .badData,
        "\(quoted(path)) holds \(labels.count) classes; a classifier needs at least two.")
    }
    let train = Set(samples.lazy.filter { $0.item.split == .train }.map(\.label))
    if let missing = labels.subtracting(train).min() {
      throw Failure(
        .badData,
        "The class \(quoted(missing)) in \(quoted(path)) has validation pictures but none for training."
      )
    }
    let numbers = labels.compactMap { Int($0) }
    return numbers.count == labels.count
      ? numbers.sorted().map { String($0) }
      : labels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Neighbouring members of one key.
  private struct Group {
    var key: [UInt8] = []
    var picture: TarMember?
    var label: String?
    var isEmpty = true
  }

  private func addSamples(
    of shard: Shard, _ number: Int, to samples: inout [Sample], incomplete: inout Int
  ) throws(Failure) {
    let reader = try TarReader(shard.file)
    var group = Group()
    // A number stands for a key, of which there may be a million; where two agree, the keys are compared.
    var keys: Set<Int> = []
    let start = samples.count
    func finish() throws(Failure) {
      if let picture = group.picture, let label = group.label {
        if !keys.insert(group.key.hashValue).inserted {
          let beginning = Array("\(shard.name)/".utf8) + group.key + [UInt8(ascii: ".")]
          let isThere = samples[start...].contains { sample in
            let name = sample.item.name
            return name.starts(with: beginning)
              && !name[beginning.count...].contains(UInt8(ascii: "/"))
          }
          if isThere { throw reader.duplicate(group.key) }
        }
        let name = Array("\(shard.name)/".utf8) + picture.name
        samples.append(
          Sample(
            item: SourceItem(
              label: 0, split: shard.split, name: name, file: number,
              place: picture.place.lowerBound, length: UInt64(picture.place.count),
              changed: shard.file.changed), label: label))
      } else if !group.isEmpty {
        incomplete += 1
      }
    }
    while let member = try reader.next() {
      guard let dot = member.baseName.firstIndex(of: UInt8(ascii: ".")),
        dot > member.baseName.startIndex
      else { continue }
      let key = Array(member.name[..<dot])
      if key != group.key {
        try finish()
        group = Group(key: key)
      }
      group.isEmpty = false
      let suffix = String(decoding: member.name[(dot + 1)...], as: UTF8.self).lowercased()
      if Self.pictures.contains(suffix) {
        guard group.picture == nil else {
          throw Failure(
            .badData,
            "The sample \(quoted(String(decoding: key, as: UTF8.self))) in "
              + "\(quoted(shard.file.path)) has two pictures.")
        }
        group.picture = member
      } else if suffix == "cls" || suffix == "json" {
        group.label = try label(member, suffix, in: shard) ?? group.label
      }
    }
    try finish()
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
      let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(
        in: .whitespacesAndNewlines)
      // "007" and "7" are one class.
      return text.isEmpty ? nil : Int(text).map { String($0) } ?? text
    }
    let object = try? JSONSerialization.jsonObject(with: Foundation.Data(bytes))
    guard let fields = object as? [String: Any] else { return nil }
    for key in Self.labelKeys {
      if let number = fields[key] as? Int { return String(number) }
      if let text = fields[key] as? String, !text.isEmpty { return text }
    }
    return nil
  }

  /// Reads a picture from its shard.
  public func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    try shards[item.file].file.readMember(item, into: buffer)
    return .encoded
  }
}
