import Images
import System

extension PreparationPlan {
  /// A checksum over all that decides on the bytes of the shards: the settings, the libraries, and of each picture
  /// in its order the name, place, length, class and when its file was changed last, which stand for its contents.
  func fingerprint(_ settings: PreparationSettings, kind: String) -> String {
    let sum = SHA256()
    func add(_ bytes: [UInt8]) {
      // Lengths between them: no two lists read alike.
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
