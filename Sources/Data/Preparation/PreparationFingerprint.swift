import Images
import System

extension PreparationPlan {
  /// A checksum over everything that determines the bytes of the shards: the settings, the
  /// libraries, and of each picture in its order the name, path, length, class and modification
  /// time, which stand for its contents.
  func fingerprint(_ settings: PreparationSettings, kind: String) -> String {
    let sum = SHA256()
    func add(_ bytes: [UInt8]) {
      // Lengths in between, so that different lists never give the same bytes.
      withUnsafeBytes(of: bytes.count) { sum.update($0) }
      bytes.withUnsafeBytes { sum.update($0) }
    }
    let words: [String] =
      ["3", settings.source, kind, SquareScaling.libraryVersion, "\(settings.side)"]
      + [settings.resizing.rawValue, SquareScaling.enlarging]
      + [settings.effectiveEncoding.rawValue, "\(settings.quality)"] + classNames
    for word in words { add(Array(word.utf8)) }
    for split in Split.allCases {
      for item in order[split, default: []] {
        add(item.name)
        let numbers = [
          UInt64(item.label), UInt64(item.file), item.place, item.length,
          UInt64(bitPattern: item.changed),
        ]
        numbers.withUnsafeBytes { sum.update($0) }
      }
      add(Array(split.rawValue.utf8))
    }
    return sum.finish()
  }
}
