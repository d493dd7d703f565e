/// What a word that is not known was probably meant to be.
package enum Hint {
  /// The name that a word is a short form or a misspelling of; nil if none is near.
  ///
  /// Short forms come first: two letters are within three changes of every short name.
  package static func nearest(to word: String, among names: [String]) -> String? {
    guard !word.isEmpty else { return nil }
    let word = word.lowercased()
    func initials(_ name: String) -> String {
      String(name.split(separator: "-").compactMap(\.first))
    }
    if word.count > 1, let name = names.first(where: { initials($0) == word }) { return name }
    let extended = names.filter { $0.hasPrefix(word) }
    if word.count > 2, extended.count == 1 { return extended[0] }
    let near = names.map { (name: $0, distance: distance($0, word)) }
      .min { $0.distance < $1.distance }
    return near.flatMap { $0.distance <= min(3, word.count / 3) ? $0.name : nil }
  }

  /// The number of letters to change, insert or remove to get from one word to the other
  /// (Levenshtein).
  private static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let substitution = diagonal + (b[j] == letter ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
