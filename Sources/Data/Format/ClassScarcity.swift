import System

/// How many images of each class there are, and what to say where they are few.
package struct ClassScarcity: Sendable {
  private let counts: [Int]
  private let names: [String]

  /// With fewer images, one of them moves its class's error by more than 10 %.
  package static let fewest = 10

  /// Makes the counts; a class's number is its place.
  package init(_ counts: [Int], names: [String]) {
    (self.counts, self.names) = (counts, names)
  }

  /// Counts a part of a dataset.
  package init(_ split: Split, of dataset: Dataset) {
    self.init(dataset.counts(split), names: dataset.classNames)
  }

  /// A sentence about classes without images, or with few; nil where there is none.
  ///
  /// `kind` is what is counted, `validation`.
  package func notice(of kind: String) -> String? {
    let missing = names.indices.filter { counts[$0] == 0 }
    let few = names.indices.filter { (1..<Self.fewest).contains(counts[$0]) }
    var parts: [String] = []
    if !missing.isEmpty {
      parts.append(
        "\(share(missing)) no \(kind) image (\(list(missing))): nothing is measured of "
          + (missing.count == 1 ? "it" : "them"))
    }
    if !few.isEmpty {
      parts.append(
        "\(share(few)) fewer than \(Self.fewest) \(kind) images (\(list(few))): one of "
          + "them moves the class's error by more than \(100 / Self.fewest) %")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ") + "."
  }

  private func share(_ classes: [Int]) -> String {
    "\(classes.count) of \(names.count) classes \(classes.count == 1 ? "has" : "have")"
  }

  private func list(_ classes: [Int]) -> String { listed(classes.map { names[$0] }) }
}

extension Dataset {
  /// What is said before training where there is too little to learn from or to measure with.
  package func scarcityNotices(batchSize: Int) -> [String] {
    var notices: [String] = []
    if count(.train) < batchSize {
      notices.append(
        "The \(count(.train)) training images are fewer than a batch of \(batchSize): each step "
          + "shows all of them, some several times; take a smaller --batch-size.")
    }
    if count(.validation) > 0,
      let notice = ClassScarcity(.validation, of: self).notice(of: "validation")
    {
      notices.append(notice)
    }
    return notices
  }
}
