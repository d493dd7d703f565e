import System

/// A file of a source that cannot be used as a picture, whatever its label.
package struct UnusableFile: Sendable {
  /// Its path in the source.
  package let path: String
  /// A phrase that completes "the picture ...".
  package let reason: String
}

/// Everything that a source contains.
package struct SourceListing: Sendable {
  /// The classes' names; a label is an index into this list.
  package var classNames: [String]
  /// The pictures, in an order that depends only on the source.
  package var items: [SourceItem]
  /// Notes for the user, for example on files that were left out.
  package var notes: [String]
  /// Where the parts were found, as the rest of a sentence; empty if the kind of source says it
  /// all.
  package var layout = ""
  /// Files that should be pictures but cannot be used.
  package var unusable: [UnusableFile] = []

  package init(classNames: [String], items: [SourceItem], notes: [String] = []) {
    self.classNames = classNames
    self.items = items
    self.notes = notes
  }

  /// Makes a listing with sorted classes: by number if all names are numbers, otherwise by the
  /// names' bytes.
  ///
  /// Test pictures of classes without other pictures are left out, which is noted.
  /// - Parameters:
  ///   - names: The classes as they were found, in the order of the items' labels.
  ///   - found: The pictures.
  ///   - notes: Notes for the user.
  ///   - byNumber: Whether names that are all numbers are sorted as such.
  ///   - source: The source as messages name it.
  /// - Throws: `Failure` (bad data) for fewer than two classes, and for a class that has only
  ///   validation pictures.
  init(
    naming names: [String], items found: consuming [SourceItem], notes: [String],
    byNumber: Bool, source: String
  ) throws(Failure) {
    var (items, notes) = (found, notes)
    var counts: [Split: [Int]] = [:]
    for item in items {
      counts[item.split, default: Array(repeating: 0, count: names.count)][item.label] += 1
    }
    // Without training pictures, this is a dataset for evaluation.
    let declaring = [Split.train, .validation, .test].first { counts[$0] != nil } ?? .train
    let declared = counts[declaring] ?? []
    if declaring == .train, let validation = counts[.validation],
      let missing = names.indices.first(where: { declared[$0] == 0 && validation[$0] > 0 })
    {
      throw Failure(
        .badData,
        "The class \(quoted(names[missing])) in \(source) has validation pictures but none for "
          + "training; add some, or remove them.")
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
      // What was left out may be why: pictures with the label -1, or lines that cannot be used.
      let notes = notes.map { " " + $0 }.joined()
      throw Failure(
        .badData,
        used.isEmpty
          ? "\(source) holds no pictures with labels.\(notes)"
          : "\(source) holds one class only (\(quoted(names[used[0]]))); a classifier needs at "
            + "least two.\(notes)"
      )
    }
    let alike = Dictionary(grouping: used.map { names[$0] }) { $0.lowercased() }
      .values.filter { $0.count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    if let first = alike.first {
      notes.append("\(listed(first)) differ only in capitals; they are separate classes.")
    }
    let numbers = byNumber ? used.compactMap { Int(names[$0]) } : []
    // Only if no two names are the same number ("7" and "07").
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

  /// The note for a known dataset with two parts, the second of which is called a test set.
  static func testIsValidation(_ name: String) -> String {
    "\(quoted(name)) is used for validation, since this dataset has only two splits."
  }
}

/// Classes by name, numbered in order of appearance.
///
/// Names that look the same (Unicode's composed and decomposed characters) are the same class.
struct ClassNames {
  private(set) var names: [String] = []
  private var places: [String: Int] = [:]

  /// The number of a class; a new name gets a new number.
  mutating func place(of name: String) -> Int {
    // Swift compares strings by Unicode equivalence.
    if let place = places[name] { return place }
    places[name] = names.count
    names.append(name)
    return names.count - 1
  }

  func find(_ name: String) -> Int? { places[name] }
}
