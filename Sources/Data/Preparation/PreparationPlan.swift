import System
import Tensors

/// Which picture goes into which shard.
///
/// The plan depends only on the source and the settings, never on the number of threads, and one
/// thread makes a whole shard. So the dataset's bytes are the same for any number of threads.
struct PreparationPlan {
  struct Shard {
    let split: Split
    /// Its number among the shards of its split.
    let number: Int
    /// The pictures, as indices into `order`.
    let range: Range<Int>
    /// Whether its pictures count towards the mean image and the colour statistics.
    let isMeasured: Bool
    var fileName: String { "\(split.rawValue)-\(decimal(number, digits: 6)).tar" }
  }

  let classNames: [String]
  /// The pictures of each split in the order on disk.
  ///
  /// They are shuffled, so that sequential readers do not see one class after the other.
  let order: [Split: [SourceItem]]
  let shards: [Shard]
  /// The fraction of the pictures that is held out; nil if none is.
  let holdOut: Double?
  /// Notes on the classes, for the user to see before hours of work.
  let notes: [String]
  var total: Int { order.values.reduce(0) { $0 + $1.count } }

  /// - Throws: `Failure`: usage if pictures are to be held out though there are some for
  ///   validation, bad data if none can be.
  init(_ listing: SourceListing, _ settings: PreparationSettings) throws(Failure) {
    classNames = listing.classNames
    var items = Self.byClass(listing)
    if let limit = settings.limitPerClass {
      items = Self.limited(items, to: limit, seed: settings.seed)
    }
    let splits = Set(items.lazy.map(\.split))
    let isDivisible = splits.contains(.train) && !splits.contains(.validation)
    if !isDivisible && settings.holdOut != nil {
      throw Failure(
        .usage,
        "The source \(quoted(settings.source)) has "
          + (splits.contains(.validation)
            ? "validation pictures of its own" : "no training pictures")
          + "; leave out --hold-out.")
    }
    holdOut = isDivisible ? settings.holdOut ?? PreparationSettings.defaultHoldOut : nil
    if let holdOut {
      Self.holdOut(holdOut, of: &items, seed: settings.seed)
      // Without one, training could not start: better said before the work than after it.
      guard items.contains(where: { $0.split == .validation }) else {
        throw Failure(
          .badData,
          "\(quoted(settings.source)) has no usable picture for validation, since each class has "
            + "one picture only; "
            + (settings.limitPerClass == 1
              ? "give --limit-per-class 2 or more." : "add pictures, or a validation split."))
      }
    }
    var order: [Split: [SourceItem]] = [:]
    let random = RandomPurpose.diskOrder.generator(seed: settings.seed)
    for (number, split) in Split.allCases.enumerated() {
      let part = items.filter { $0.split == split }
      order[split] = random.permutation(of: part.count, epoch: number).map { part[Int($0)] }
    }
    self.order = order
    notes = ClassCounts(order, listing.classNames).notes
    // A dataset for evaluation only gets the statistics of its own pictures.
    let measured = Split.allCases.first { order[$0]?.isEmpty == false }
    // Enough shards to keep many threads busy, but neither thousands of tiny files nor files of
    // gigabytes.
    let size = min(4096, max(256, items.count / 16))
    shards = Split.allCases.flatMap { split in
      let count = order[split]?.count ?? 0
      return stride(from: 0, to: count, by: size).enumerated().map { number, start in
        Shard(
          split: split, number: number, range: start..<min(count, start + size),
          isMeasured: split == measured)
      }
    }
  }

  /// The number of pictures in each part that is not empty.
  var counts: [Split: Int] { order.mapValues(\.count).filter { $0.value > 0 } }

  func hasPictures(_ split: Split) -> Bool { order[split]?.isEmpty == false }

  func items(_ shard: Shard) -> ArraySlice<SourceItem> {
    order[shard.split, default: []][shard.range]
  }

  /// The pictures sorted by class.
  ///
  /// Some sources list them in this order and others do not, and the same pictures must make the
  /// same dataset wherever they come from.
  private static func byClass(_ listing: SourceListing) -> [SourceItem] {
    var places = Array(repeating: [Int](), count: listing.classNames.count)
    for (place, item) in listing.items.enumerated() { places[item.label].append(place) }
    return places.flatMap { $0.map { listing.items[$0] } }
  }

  /// Calls `body` with the indices in `items` for each class and split.
  private static func forEachClass(
    _ items: [SourceItem], _ body: (_ label: Int, _ split: Split, _ places: [Int]) -> Void
  ) {
    var places: [Split: [Int: [Int]]] = [:]
    for (place, item) in items.enumerated() {
      places[item.split, default: [:]][item.label, default: []].append(place)
    }
    for split in Split.allCases {
      for (label, places) in (places[split] ?? [:]).sorted(by: { $0.key < $1.key }) {
        body(label, split, places)
      }
    }
  }

  private static func limited(_ items: [SourceItem], to limit: Int, seed: UInt64) -> [SourceItem] {
    let random = RandomPurpose.classLimit.generator(seed: seed)
    let testRandom = RandomPurpose.testLimit.generator(seed: seed)
    var chosen: [Int] = []
    forEachClass(items) { label, split, places in
      let order = (split == .test ? testRandom : random).permutation(
        of: places.count, epoch: 2 * label + (split == .train ? 0 : 1))
      chosen += order.prefix(limit).map { places[Int($0)] }
    }
    return chosen.sorted().map { items[$0] }
  }

  /// Moves a share of each class to validation, and always leaves one picture for training.
  private static func holdOut(_ share: Double, of items: inout [SourceItem], seed: UInt64) {
    let random = RandomPurpose.holdOut.generator(seed: seed)
    var moved: [Int] = []
    // If the share rounds to nothing in every class, take one picture from each class that has two.
    for least in [0, 1] where moved.isEmpty {
      forEachClass(items) { label, split, places in
        guard split == .train else { return }
        let wanted = Int((Double(places.count) * share).rounded())
        let count = min(max(wanted, least), places.count - 1)
        moved += random.permutation(of: places.count, epoch: label).prefix(count).map {
          places[Int($0)]
        }
      }
    }
    for place in moved { items[place].split = .validation }
  }
}

/// A number with leading zeros.
func decimal(_ number: Int, digits: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
