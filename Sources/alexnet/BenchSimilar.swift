import Evaluation
import Foundation
import System
import Tensors

/// How long a search for similar pictures takes on one core, among random features.
struct BenchSimilar {
  private let pictures: Int
  private static let length = 4096

  init(pictures: Int) { self.pictures = pictures }

  /// Searches, and says how long it took and how long reading every feature once takes.
  /// - Throws: `Failure` (usage) where the process may not use enough memory.
  func text() throws(Failure) -> String {
    let length = Self.length
    try Memory.requireLibrarySpace(threads: 1, besides: 4 * pictures * length)
    let features = randomFeatures()
    let start = MonotonicClock.seconds
    let search = NearestNeighbours(features, length: length)
    let ready = MonotonicClock.seconds
    let query = features[..<length].map { $0 + 0.01 }
    let found = search.nearest(to: query, count: 6)
    let end = MonotonicClock.seconds
    // The lower limit for a search: every number is read once.
    var sum: Float = 0
    for row in 0..<pictures { sum += features[row * length] }
    for place in stride(from: 0, to: features.count, by: 16) { sum += features[place] }
    let read = MonotonicClock.seconds - end
    return String(
      format:
        "%d pictures x %d features on one core: squares %.2f s, one query %.2f s, together %.2f "
        + "s; reading them once %.2f s (%g). Nearest: picture %d.\n", pictures, length,
      ready - start, end - ready, end - start, read, sum, found[0].row)
  }

  private func randomFeatures() -> [Float] {
    let random = Philox(seed: 1, purpose: 0)
    let total = pictures * Self.length
    return [Float](unsafeUninitializedCapacity: total) { memory, count in
      for block in 0..<total / 4 {
        let words = random.block(0, UInt64(block))
        for i in 0..<4 { memory[4 * block + i] = Float(words[i] >> 8) * 0x1p-24 }
      }
      count = total
    }
  }
}
