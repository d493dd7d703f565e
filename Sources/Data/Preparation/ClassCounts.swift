import System

/// How many pictures each class has in each part of a dataset to be prepared.
struct ClassCounts {
  private let names: [String]
  private let counts: [Split: [Int]]

  // Networks memorise fewer pictures, and fewer measure nothing.
  private static let fewest = 10
  private static let mostUneven = 20

  init(_ order: [Split: [SourceItem]], _ names: [String]) {
    self.names = names
    counts = order.mapValues { items in
      var counts = Array(repeating: 0, count: names.count)
      for item in items { counts[item.label] += 1 }
      return counts
    }
  }

  private func names(where isMeant: (Int) -> Bool) -> [String] {
    names.indices.filter(isMeant).map { names[$0] }
  }

  /// Notes on class counts that may harm training.
  var notes: [String] {
    var notes: [String] = []
    let (train, validation) = (counts[.train] ?? [], counts[.validation] ?? [])
    if train.contains(where: { $0 > 0 }) {
      let unmeasured = names { validation[$0] == 0 }
      if !unmeasured.isEmpty {
        notes.append(
          "\(counted(unmeasured.count, "class has", "classes have")) no validation pictures: "
            + "\(listed(unmeasured)).")
      }
      let small = names { train[$0] < Self.fewest }
      if !small.isEmpty {
        notes.append(
          "\(counted(small.count, "class has", "classes have")) fewer than \(Self.fewest) training "
            + "pictures: \(listed(small)).")
      }
      let sorted = train.indices.sorted { train[$0] < train[$1] }
      if let least = sorted.first, let most = sorted.last,
        train[most] > Self.mostUneven * max(1, train[least])
      {
        notes.append(
          "The classes are uneven: \(quoted(names[most])) has \(train[most]) training pictures, "
            + "\(quoted(names[least])) has \(train[least]).")
      }
    }
    return notes
  }
}
