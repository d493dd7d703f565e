import Failures

/// Counts things by their kind, and keeps an example of each.
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

/// Names as a sentence lists them: the first few, and how many more there are.
package func listed(_ names: some Collection<String>, most: Int = 5) -> String {
  let more = names.count - most
  return names.prefix(more == 1 ? most + 1 : most).map { quoted($0) }.joined(separator: ", ")
    + (more > 1 ? " and \(more) more" : "")
}
