import TestSupport

/// Damages files as bad disks, broken downloads and ill will do.
struct Mutator {
  private let seeds: [[UInt8]]
  private var random: SmallRandom

  /// Numbers that readers stumble over, in texts.
  private static let texts = [
    "0", "-1", "4294967296", "9223372036854775807", "18446744073709551616", "1e309", "null", "[]",
    "\"\"", "{", "}", "\\u0000", "1.5", "true",
  ].map { Array($0.utf8) }
  /// And in bytes: the ends of the signed and unsigned ranges.
  private static let numbers: [UInt64] = [
    0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF,
  ]

  init(_ seeds: [[UInt8]], seed: UInt64) {
    precondition(seeds.allSatisfy { !$0.isEmpty }, "A seed is a whole file.")
    self.seeds = seeds
    random = SmallRandom(seed)
  }

  /// The next damaged file: one of the seeds with one to eight changes.
  mutating func next() -> [UInt8] {
    var bytes = pick(seeds)
    for _ in 0..<random.integer(in: 1...8) where !bytes.isEmpty { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = self.place(in: bytes.count)
    switch random.integer(in: 0...9) {
    case 0: bytes[place] ^= 1 << UInt8(random.integer(in: 0...7))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
    case 3: bytes.remove(at: place)
    case 4: bytes.removeSubrange(range(in: bytes))
    case 5: bytes.insert(contentsOf: bytes[range(in: bytes)], at: place)
    case 6: bytes.removeSubrange(place...)
    case 7: overwrite(&bytes, at: place, with: pick(Self.texts))
    case 8:
      let number = pick(Self.numbers)
      let width = 1 << random.integer(in: 0...3)
      let little = (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
      overwrite(
        &bytes, at: place, with: random.integer(in: 0...1) == 0 ? little : little.reversed())
    default:
      let other = pick(seeds)
      bytes = Array(bytes[..<place] + other[min(place, other.count)...])
    }
  }

  /// Any place, but every second time one near the front, where the sizes are.
  private mutating func place(in count: Int) -> Int {
    random.integer(in: 0...(random.integer(in: 0...1) == 0 ? count : min(count, 64)) - 1)
  }

  private mutating func range(in bytes: [UInt8]) -> Range<Int> {
    let start = place(in: bytes.count)
    return start..<min(bytes.count, start + random.integer(in: 1...64))
  }

  private func overwrite(_ bytes: inout [UInt8], at place: Int, with new: [UInt8]) {
    bytes.replaceSubrange(place..<min(bytes.count, place + new.count), with: new)
  }

  private mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[random.integer(in: 0...elements.count - 1)]
  }
}
