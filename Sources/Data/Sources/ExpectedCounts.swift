import Foundation
import JSON
import System

/// The number of samples in each shard according to files next to the shards.
///
/// `nsamples` in the index of the package wids, numbers by the shards' names, and `successes` in
/// img2dataset's `00000_stats.json`.
struct ExpectedCounts: Sendable {
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
