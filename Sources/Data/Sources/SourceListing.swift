import System

/// A file of a source that cannot become a picture, whatever its label.
package struct UnusableFile: Sendable {
  /// Its path in the source.
  package let path: String
  /// A phrase that completes "the picture ...".
  package let reason: String
}

/// Everything that a source holds.
package struct SourceListing: Sendable {
  /// The classes' names; a label is a place in this list.
  package var classNames: [String]
  /// The pictures, in an order that depends on the source alone.
  package var items: [SourceItem]
  /// What the user should know: files that were left out, for example.
  package var notes: [String]
  /// Where the parts were found, as the rest of a sentence; empty where the kind of source says it all.
  package var layout = ""
  /// What was meant to be a picture, and is none.
  package var unusable: [UnusableFile] = []

  /// Makes a listing.
  package init(classNames: [String], items: [SourceItem], notes: [String] = []) {
    self.classNames = classNames
    self.items = items
    self.notes = notes
  }

  /// Makes a listing of classes by their names, which come in the order of their numbers if all are numbers, otherwise
  /// of their bytes.
  ///
  /// Test pictures of classes that have no others are left out, which is noted.
  /// - Parameters:
  ///   - names: The classes as they were found, in the order of the items' labels.
  ///   - found: The pictures.
  ///   - notes: What the user should know.
  ///   - byNumber: Whether names that are all numbers are sorted as such.
  ///   - source: The source as messages name it.
  /// - Throws: `Failure` (bad data) for fewer than two classes, and a class that has validation pictures alone.
  init(
    naming names: [String], items found: consuming [SourceItem], notes: [String],
    byNumber: Bool, source: String
  ) throws(Failure) {
    var (items, notes) = (found, notes)
    var counts: [Split: [Int]] = [:]
    for item in items {
      counts[item.split, default: Array(repeating: 0, count: names.count)][item.label] += 1
    }
    // Without training pictures this is a dataset to measure with.
    let declaring = [Split.train, .validation, .test].first { counts[$0] != nil } ?? .train
    let declared = counts[declaring] ?? []
    if declaring == .train, let validation = counts[.validation],
      let missing = names.indices.first(where: { declared[$0] == 0 && validation[$0] > 0 })
    {
      throw Failure(
        .badData,
        "The class \(quoted(names[missing])) in \(source) has validation pictures but none for training; "
          + "add some, or remove them.")
    }
    if declaring != .test, let test = counts[.test] {
      let unknown = names.indices.filter { declared[$0] == 0 && test[$0] > 0 }
      if !unknown.isEmpty {
        let (left, known) = (unknown.reduce(0) { $0 + test[$1] }, Set(unknown))
        items.removeAll { $0.split == .test && known.contains($0.label) }
        notes.append(
          "\(counted(left, "test picture", "test pictures")) of classes that only the test split "
            + "has were left out: \(listed(unknown.map { names[$0] })).")
      }
    }
    let used = names.indices.filter { !declared.isEmpty && declared[$0] > 0 }
    guard used.count > 1 else {
      throw Failure(
        .badData,
        used.isEmpty
          ? "\(source) holds no pictures with labels."
          : "\(source) holds one class only (\(quoted(names[used[0]]))); a classifier needs at least two."
      )
    }
    let alike = Dictionary(grouping: used.map { names[$0] }) { $0.lowercased() }
      .values.filter { $0.count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    if let first = alike.first {
      notes.append("\(listed(first)) differ only in capitals; they are separate classes.")
    }
    let numbers = byNumber ? used.compactMap { Int(names[$0]) } : []
    // Only if no two names are one number ("7" and "07").
    let isNumbered = Set(numbers).count == used.count
    let order = used.sorted {
      isNumbered
        ? (Int(names[$0]) ?? 0) < (Int(names[$1]) ?? 0)
        : names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8)
    }
    var labels = Array(repeating: 0, count: names.count)
    for (label, place) in order.enumerated() { labels[place] = label }
    for place in items.indices { items[place].label = labels[items[place].label] }
    self.init(classNames: order.map { names[$0] }, items: items, notes: notes)
  }
}

/// Classes by their names, numbered as they come.
///
/// Names that look the same (Unicode's composed and decomposed letters) are one.
struct ClassNames {
  private(set) var names: [String] = []
  private var places: [String: Int] = [:]

  /// The number of a class, a new one for a new name.
  mutating func place(of name: String) -> Int {
    // Strings are equal in Swift if they are equivalent in Unicode.
    if let place = places[name] { return place }
    places[name] = names.count
    names.append(name)
    return names.count - 1
  }

  func find(_ name: String) -> Int? { places[name] }
}
