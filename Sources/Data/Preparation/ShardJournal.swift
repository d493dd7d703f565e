import JSON
import System

/// The notes on a finished shard, in a file `train-000000.done` next to it.
///
/// Through these files the ranks of a preparation report their shards to rank 0, and a stopped
/// preparation to the next one. They are removed when the dataset is complete. A file consists of
/// the SHA-256 of the rest, a line of JSON, and an index of the shard's records.
struct ShardJournal {
  /// The file with the preparation's fingerprint: if it is equal, the shards can be reused.
  static let fingerprintFile = "preparation.txt"
  static let suffix = ".done"

  private let folder: String

  init(folder: String) { self.folder = folder }

  private struct Head: Codable {
    let description: DatasetManifest.Shard
    let rejected: [RejectedPicture]
    let animated: Int
  }

  private func name(_ shard: PreparationPlan.Shard) -> String { shard.fileName + Self.suffix }

  /// Writes the notes on a shard that is on disk.
  /// - Throws: `Failure` (cannot create, input/output) with the path.
  func write(_ prepared: PreparedShard, of shard: PreparationPlan.Shard) throws(Failure) {
    let head = Head(
      description: prepared.description, rejected: prepared.rejected, animated: prepared.animated)
    let line = JSONText.encode(head, isPretty: false)
    let note = Array(line.utf8) + [UInt8(ascii: "\n")] + RecordIndex.encoded(prepared.records)
    let file = try WholeFile(name(shard), in: HeldFolder(folder))
    try file.write(Array("\(SHA256.digest(of: note))\n".utf8) + note)
    try file.publish()
  }

  /// Reads the notes on a shard; nil if there are none, or they are damaged.
  func read(_ shard: PreparationPlan.Shard) -> PreparedShard? {
    let path = "\(folder)/\(name(shard))"
    guard let bytes = try? RegularFile.contents(of: path, limit: 1 << 30),
      case let note = Array(bytes.dropFirst(SHA256.digits + 1)),
      bytes.starts(with: Array("\(SHA256.digest(of: note))\n".utf8)),
      let end = note.firstIndex(of: UInt8(ascii: "\n")),
      let head = try? JSONText.value(Head.self, Array(note[..<end]), from: path),
      let index = try? RecordIndex(Array(note[(end + 1)...]), path: path),
      head.description.file == shard.fileName, head.description.records == index.count
    else { return nil }
    return PreparedShard(
      description: head.description, records: (0..<index.count).map { index[$0] },
      rejected: head.rejected, animated: head.animated)
  }

  /// Whether to keep a file of the folder for the next preparation: a finished shard, and the notes
  /// on it.
  static func isWorthKeeping(_ name: String, among names: Set<String>) -> Bool {
    if name == fingerprintFile { return true }
    if name.hasSuffix(suffix) { return names.contains(String(name.dropLast(suffix.count))) }
    return names.contains(name + suffix)
  }
}
