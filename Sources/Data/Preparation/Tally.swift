import System

/// Counts things by kind, and keeps an example of each.
struct Tally: Sendable {
  struct Kind: Sendable {
    let name: String
    var count: Int
    let example: String
  }

  private var kinds: [Kind] = []
  private var places: [String: Int] = [:]

  mutating func add(_ name: String, example: @autoclosure () -> String) {
    if let place = places[name] {
      kinds[place].count += 1
    } else {
      places[name] = kinds.count
      kinds.append(Kind(name: name, count: 1, example: example()))
    }
  }

  /// The kinds, the most frequent first.
  var sorted: [Kind] {
    kinds.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
      .map(\.element)
  }
}
