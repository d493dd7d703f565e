import System

/// Pictures of a dataset that are byte-identical once they are prepared.
///
/// This finds copies of a file, and the same picture with other metadata. Records of equal length
/// and CRC-32 are compared byte by byte in the shards.
struct Duplicates {
  struct Picture: Encodable {
    let path: String
    let split: Split
    let `class`: String
  }
  /// Pictures that are identical.
  struct Group: Encodable {
    var pictures: [Picture]
  }

  private(set) var groups: [Group] = []
  var isEmpty: Bool { groups.isEmpty }

  private struct Entry {
    let split: Split
    let shard: Int
    let place: RecordPlace
  }
  // In a larger group the rest is assumed to equal the first ones.
  private static let mostCompared = 64

  /// Compares the records of all shards.
  /// - Throws: `Failure` (input/output) for a shard that cannot be read.
  init(
    _ shards: some Sequence<(PreparationPlan.Shard, PreparedShard)>, _ plan: PreparationPlan,
    in folder: String
  ) throws(Failure) {
    let shards = Array(shards)
    var entries: [Entry] = []
    entries.reserveCapacity(shards.reduce(0) { $0 + $1.1.records.count })
    for (number, (shard, prepared)) in shards.enumerated() {
      for place in prepared.records {
        entries.append(Entry(split: shard.split, shard: number, place: place))
      }
    }
    entries.sort {
      ($0.place.crc32, $0.place.length, $0.shard, $0.place.offset)
        < ($1.place.crc32, $1.place.length, $1.shard, $1.place.offset)
    }
    var reader = Reader(folder: folder, shards: shards.map(\.0))
    var start = 0
    while start < entries.count {
      let (crc, length) = (entries[start].place.crc32, entries[start].place.length)
      var end = start + 1
      while end < entries.count, entries[end].place.crc32 == crc,
        entries[end].place.length == length
      { end += 1 }
      if end - start > 1 {
        for group in try Self.equal(entries[start..<end], &reader) {
          groups.append(
            Group(
              pictures: try group.map { (entry) throws(Failure) in
                let number = try reader.number(of: entry)
                let item = plan.order[entry.split, default: []][number]
                return Picture(
                  path: item.nameText, split: entry.split, class: plan.classNames[item.label])
              }))
        }
      }
      start = end
    }
    // Sorted by path, since the order of checksums means nothing to readers.
    groups.sort { $0.pictures[0].path < $1.pictures[0].path }
  }

  /// Divides records of one checksum into groups of equal records.
  private static func equal(
    _ entries: ArraySlice<Entry>, _ reader: inout Reader
  ) throws(Failure) -> [[Entry]] {
    var groups: [(bytes: [UInt8], entries: [Entry])] = []
    for (number, entry) in entries.enumerated() {
      if number >= mostCompared && groups.count == 1 {
        groups[0].entries.append(entry)
        continue
      }
      let bytes = try reader.bytes(of: entry)
      if let place = groups.firstIndex(where: { $0.bytes == bytes }) {
        groups[place].entries.append(entry)
      } else {
        groups.append((bytes, [entry]))
      }
    }
    return groups.map(\.entries).filter { $0.count > 1 }
  }

  private struct Reader {
    let folder: String
    let shards: [PreparationPlan.Shard]
    private var open: (number: Int, file: InputFile)?

    init(folder: String, shards: [PreparationPlan.Shard]) {
      self.folder = folder
      self.shards = shards
    }

    private mutating func read(
      _ entry: Entry, from offset: UInt64, _ count: Int
    ) throws(Failure) -> [UInt8] {
      if open?.number != entry.shard {
        open = (
          entry.shard, try InputFile(opening: "\(folder)/\(shards[entry.shard].fileName)")
        )
      }
      var bytes = [UInt8](repeating: 0, count: count)
      guard bytes.withUnsafeMutableBytes({ open?.file.read(at: offset, into: $0) ?? false }) else {
        throw Failure(
          .inputOutput, "Cannot read \(quoted("\(folder)/\(shards[entry.shard].fileName)")).")
      }
      return bytes
    }

    mutating func bytes(of entry: Entry) throws(Failure) -> [UInt8] {
      try read(entry, from: entry.place.offset, Int(entry.place.length))
    }

    /// The picture's number in the plan, with which its name in the shard starts.
    mutating func number(of entry: Entry) throws(Failure) -> Int {
      let digits = try read(entry, from: entry.place.offset - 512, 100)
        .prefix { $0 != UInt8(ascii: "_") }
      return Int(String(decoding: digits, as: UTF8.self)) ?? shards[entry.shard].range.lowerBound
    }
  }

  // MARK: Reports

  /// The groups as lines of JSON.
  var lines: [UInt8] { Preparation.lines(groups) }

  /// Warnings that say how many there are, and of what kind.
  var warnings: [String] {
    var (leaked, relabelled, repeated) = (0, 0, 0)
    var (leak, relabelling): (String?, String?)
    for group in groups {
      let trained = group.pictures.first { $0.split == .train }
      let measured = group.pictures.filter { $0.split != .train }
      if let trained, let first = measured.first {
        leaked += measured.count
        leak = leak ?? "\(quoted(first.path)) is \(quoted(trained.path))"
      }
      if let other = group.pictures.first(where: { $0.class != group.pictures[0].class }) {
        relabelled += 1
        relabelling =
          relabelling
          ?? "\(quoted(other.path)) of \(quoted(other.class)) is \(quoted(group.pictures[0].path)) of "
          + quoted(group.pictures[0].class)
      }
      // Copies within one part and one class.
      let places = Set(group.pictures.map { "\($0.split) \($0.class)" })
      repeated += group.pictures.count - places.count
    }
    var warnings: [String] = []
    if let leak {
      let pictures = counted(
        leaked, "validation or test picture is a training picture too",
        "validation or test pictures are training pictures too")
      warnings.append("\(pictures) (\(leak)), so the measured error is too low.")
    }
    if let relabelling {
      warnings.append(
        "\(counted(relabelled, "picture is", "pictures are")) in several classes (\(relabelling)).")
    }
    if repeated > 0 {
      warnings.append(
        "\(counted(repeated, "picture is a duplicate", "pictures are duplicates")) of another "
          + "picture of the same class."
      )
    }
    return warnings
  }
}
