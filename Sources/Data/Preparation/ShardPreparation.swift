import Images
import System

/// A picture that could not be used.
struct RejectedPicture: Codable, Equatable {
  let path: String
  let reason: String
  /// Nil if it was not known yet.
  let split: Split?
  let `class`: String?
}

/// A shard that is on disk.
struct PreparedShard {
  let description: DatasetManifest.Shard
  /// The locations of its records; the shard's number is filled in when all shards are known.
  let records: [RecordPlace]
  let rejected: [RejectedPicture]
  /// How many of its pictures have several frames or pages.
  let animated: Int
}

/// What one thread needs to make shards: library objects and buffers that are reused.
final class ShardPreparation {
  /// The sums over the training pictures of all shards that this object made.
  let sums: PixelSums
  private let source: any ImageSource
  private let settings: PreparationSettings
  private let encoder: RecordEncoder
  private let decoder: RecordDecoder
  private let input = ByteBuffer()
  /// The number of frames of the last picture.
  private var frames = 1
  private let scaled: UnsafeMutableBufferPointer<UInt8>
  private let decoded: UnsafeMutableBufferPointer<UInt8>

  init(_ source: any ImageSource, _ settings: PreparationSettings) throws(Failure) {
    self.source = source
    self.settings = settings
    let side = settings.side
    sums = PixelSums(side: side)
    scaled = .allocate(capacity: side * side * 3)
    decoded = .allocate(capacity: side * side * 3)
    encoder = try RecordEncoder(settings.effectiveEncoding, quality: settings.quality, side: side)
    decoder = try RecordDecoder()
  }

  deinit {
    scaled.deallocate()
    decoded.deallocate()
  }

  /// Reads, scales and encodes a picture, and decodes it again into `decoded`.
  ///
  /// The statistics are those of the pixels that training will see. Decoding takes a tenth of the
  /// time, and verifies that each record can be read back.
  func prepare(_ item: SourceItem) throws(ImageProblem) -> UnsafeRawBufferPointer {
    frames = 1
    switch try source.read(item, into: input) {
    case .encoded:
      frames = try SquareScaling.scaleFirstFrame(
        encoded: UnsafeRawBufferPointer(input.bytes), side: settings.side,
        resizing: settings.resizing, into: scaled)
    case .pixels(let width, let height, let bands):
      try SquareScaling.scale(
        pixels: UnsafeRawBufferPointer(input.bytes), width: width, height: height, bands: bands,
        side: settings.side, resizing: settings.resizing, into: scaled)
    }
    let record = try encoder.encode(UnsafeBufferPointer(scaled))
    try decoder.decode(
      record, as: settings.effectiveEncoding, side: settings.side, into: decoded)
    return record
  }

  /// Makes a shard; nil if another thread failed meanwhile.
  /// - Throws: `Failure`: cannot create, input/output; bad data for a picture that cannot be used,
  ///   if the settings are strict.
  func make(
    _ shard: PreparationPlan.Shard, of plan: PreparationPlan, in folder: String,
    progress: ProgressReporter, isStopped: () -> Bool
  ) throws(Failure) -> PreparedShard? {
    let writer = try ShardWriter(creating: "\(folder)/\(shard.fileName)")
    var records: [RecordPlace] = []
    var rejected: [RejectedPicture] = []
    var animated = 0
    let suffix = settings.effectiveEncoding.fileExtension
    for (number, item) in zip(shard.range, plan.items(shard)) {
      if isStopped() { return nil }
      let record: UnsafeRawBufferPointer
      do throws(ImageProblem) {
        record = try prepare(item)
      } catch {
        if settings.isStrict { throw settings.refusal(of: item.nameText, error.reason) }
        rejected.append(
          RejectedPicture(
            path: item.nameText, reason: error.reason, split: item.split,
            class: plan.classNames[item.label]))
        progress.count(isRejected: true)
        continue
      }
      let key = Self.key(number: number, name: item.name)
      let offset = try writer.append("\(key).\(suffix)", record)
      try Array(String(item.label).utf8).withUnsafeBufferPointer { (digits) throws(Failure) in
        _ = try writer.append("\(key).cls", UnsafeRawBufferPointer(digits))
      }
      records.append(
        RecordPlace(
          shard: 0, offset: offset, length: UInt32(record.count), label: UInt32(item.label),
          crc32: crc32(of: record)))
      if shard.isMeasured { sums.add(UnsafeBufferPointer(decoded)) }
      animated += frames > 1 ? 1 : 0
      progress.count(isRejected: false)
    }
    let checksum = try writer.finish()
    return PreparedShard(
      description: DatasetManifest.Shard(
        file: shard.fileName, bytes: writer.position, records: records.count, sha256: checksum),
      records: records, rejected: rejected, animated: animated)
  }

  /// Reuses a shard that an earlier preparation has finished, or returns nil if it is damaged.
  ///
  /// Its pictures are decoded for the statistics, which takes a tenth of the time that making it
  /// took.
  func takeOver(
    _ shard: PreparationPlan.Shard, from journal: ShardJournal, in folder: String,
    progress: ProgressReporter
  ) -> PreparedShard? {
    let path = "\(folder)/\(shard.fileName)"
    guard let prepared = journal.read(shard), let file = try? InputFile(opening: path),
      file.size == prepared.description.bytes, file.checksum == prepared.description.sha256
    else { return nil }
    let before = sums.numbers
    for record in prepared.records {
      input.resize(Int(record.length))
      guard record.offset <= file.size, UInt64(record.length) <= file.size - record.offset,
        file.read(at: record.offset, into: input.bytes),
        (try? decoder.decode(
          UnsafeRawBufferPointer(input.bytes), as: settings.effectiveEncoding, side: settings.side,
          into: decoded)) != nil
      else {
        sums.numbers = before
        return nil
      }
      if shard.isMeasured { sums.add(UnsafeBufferPointer(decoded)) }
    }
    for _ in prepared.records { progress.count(isRejected: false) }
    for _ in prepared.rejected { progress.count(isRejected: true) }
    return prepared
  }

  /// A record's name in its shard: its number, which makes it unique, and its original name.
  ///
  /// A dot would end the key for `webdataset`, and a tar header has only 100 bytes for a name.
  static func key(number: Int, name: [UInt8]) -> String {
    let base = name.lastComponent
    let stem = base.lastIndex(of: UInt8(ascii: ".")).map { base[..<$0] } ?? base
    let safe = stem.prefix(60).map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        byte
      default: UInt8(ascii: "_")
      }
    }
    return decimal(number, digits: 8) + "_" + String(decoding: safe, as: UTF8.self)
  }
}
