package import Checkpoints
package import Data
package import System

/// Which class of a network each class of a dataset corresponds to.
///
/// Classes are matched by name, so a dataset may have fewer classes, or another order. Names match
/// if they are equal, have the same WordNet ID (`n01440764`, `tench, Tinca tinca (n01440764)`),
/// differ only in case, or are paired by a `ClassMap`.
package struct ClassMatching: Sendable, Equatable {
  /// The network's class for each class of the dataset; nil for a class that the network does not
  /// know and that has no images.
  let places: [Int?]
  /// A note for the user; nil if both have the same classes in the same order.
  package let note: String?

  /// Matches the classes of a dataset that have images.
  /// - Parameters:
  ///   - dataset: The dataset.
  ///   - split: The part whose classes must be known.
  ///   - names: The network's classes in their order.
  ///   - network: The network's path, for messages.
  ///   - map: Pairs of names that differ; they take precedence over equal names.
  /// - Throws: `Failure` (usage) that names the classes without a match, or a pair of unknown
  ///   classes.
  package init(
    _ dataset: Dataset, _ split: Split, to names: [String], of network: String,
    map: ClassMap = .byName
  ) throws(Failure) {
    let own = dataset.classNames
    let paired = try map.pairedPlaces(of: own, in: names)
    guard own != names || !paired.isEmpty else {
      places = Array(own.indices)
      note = nil
      return
    }
    let others = names.enumerated().filter { map.pairs[$0.element] == nil }
    // Two classes with the same name cannot be told apart.
    let byName = Dictionary(
      others.map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    let byWordNetID = Dictionary(
      others.compactMap { place, name in ILSVRCSubmission.wordNetID(name).map { ($0, place) } },
      uniquingKeysWith: { first, _ in first })
    // "Cat" matches "cat", unless one side has both.
    let byLetters = Dictionary(grouping: others) { $0.element.lowercased() }
      .compactMapValues { $0.count == 1 ? $0[0].offset : nil }
    let ownLetters = Dictionary(grouping: own) { $0.lowercased() }
    var relettered: [String] = []
    let found = own.map { (name) -> Int? in
      if let place = paired[name] ?? byName[name]
        ?? ILSVRCSubmission.wordNetID(name).flatMap({ byWordNetID[$0] })
      {
        return place
      }
      let letters = name.lowercased()
      guard ownLetters[letters]?.count == 1, let place = byLetters[letters] else { return nil }
      relettered.append(name)
      return place
    }
    let counts = dataset.counts(split)
    let missing = own.indices.filter { found[$0] == nil && counts[$0] > 0 }
    guard missing.isEmpty else {
      throw Failure(
        .usage,
        "\(missing.count) of the \(own.count) classes of the dataset \(quoted(dataset.path)) are "
          + "not among the \(names.count) classes of \(quoted(network)): "
          + "\(listed(missing.map { own[$0] })). The network's classes are \(listed(names)). Map "
          + "the classes with --class-map FILE, or prepare the dataset with the network's names."
      )
    }
    let matched = found.compactMap { $0 }
    guard Set(matched).count == matched.count else {
      throw Failure(
        .usage,
        "Two classes of the dataset \(quoted(dataset.path)) match the same class of "
          + "\(quoted(network)) by name."
      )
    }
    places = found
    let used = Set(matched)
    let unmatched = names.indices.filter { !used.contains($0) }.map { names[$0] }
    var notes = [
      "The dataset's \(own.count) classes are matched by name to \(matched.count) of the network's "
        + "\(names.count)"
        + (paired.isEmpty ? "" : ", \(paired.count) of them as the class map says")
    ]
    if !relettered.isEmpty { notes.append("\(listed(relettered)) ignoring capitals") }
    if matched != matched.sorted() { notes.append("the network has them in another order") }
    if !unmatched.isEmpty {
      notes.append(
        "an image classified as one of the \(unmatched.count) others "
          + "(\(listed(unmatched, most: 3))) counts as an error"
      )
    }
    note = notes.joined(separator: "; ") + "."
  }

  /// The network's class for an image of the dataset.
  func label(_ label: Int) -> Int { places[label] ?? 0 }
}
