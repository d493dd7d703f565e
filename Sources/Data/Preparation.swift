public import Failures
import Foundation
import Images
import Threads

/// Turns pictures with labels into a dataset.
///
/// The dataset is made beside its place and takes its name when it is whole. For the same source
/// and settings every byte of it is the same, whatever the number of threads.
public enum Preparation {
  /// Prepares a dataset in this process alone.
  /// - Parameters:
  ///   - settings: What to prepare, from what, and how.
  ///   - report: Called while it runs, from any thread, but from one at a time.
  /// - Returns: What was done.
  /// - Throws: `Failure`: usage for settings that cannot be; input missing or bad data for the source; cannot
  ///   create when the destination exists or cannot be made; input/output.
  public static func run(
    _ settings: PreparationSettings, report: @escaping (PreparationEvent) -> Void = { _ in }
  ) throws(Failure) -> PreparationSummary {
    guard let summary = try run(settings, crew: LoneWorker(), report: report) else {
      throw Failure(.internal, "The preparation ended without a result.")
    }
    return summary
  }

  /// Prepares a dataset in several processes, each of which calls this; the result is the same.
  /// - Parameters:
  ///   - settings: What to prepare, from what, and how: the same in all of them.
  ///   - crew: The processes.
  ///   - report: Called in process 0 while it runs, from any thread, but from one at a time.
  /// - Returns: What was done, in process 0; nil in the others.
  /// - Throws: `Failure` as above, and if the processes do not see the same.
  public static func run(
    _ settings: PreparationSettings, crew: any PreparationCrew,
    report: @escaping (PreparationEvent) -> Void
  ) throws(Failure) -> PreparationSummary? {
    let start = MonotonicClock.seconds
    let report = crew.rank == 0 ? report : { _ in }
    try settings.check()
    try SquareScaling.start()
    let source = try ImageSources.open(settings.source, list: settings.list)
    let listing = try source.list()
    for note in listing.notes { report(.note(note)) }
    let plan = try PreparationPlan(listing, settings)
    let fingerprint = plan.fingerprint(settings, kind: source.kind)
    let folder = try StagingFolder.paths(for: settings.destination).staging
    let staging =
      crew.rank == 0
      ? try StagingFolder(for: settings.destination, fingerprint: fingerprint) : nil
    try crew.waitForAll()
    if crew.rank > 0 { try compare(fingerprint, folder, settings) }
    do throws(Failure) {
      if let staging {
        tell(staging.remains, of: plan.shards.count, report)
        try forecast(plan, source, settings, folder: folder, report)
      }
      let sums = try makeShards(plan, source, settings, folder: folder, crew, report)
      var numbers = sums.numbers
      try crew.sum(&numbers)
      sums.numbers = numbers
      guard let staging else {
        try crew.waitForAll()
        return nil
      }
      let summary = try finish(
        plan, sums, settings, kind: source.kind, folder: folder, start: start)
      try staging.commit()
      try crew.waitForAll()
      return summary
    } catch {
      // Room can be made, and the work goes on.
      staging?.keepsShards = error.exitCode == .inputOutput
      throw error
    }
  }

  private static func tell(
    _ remains: StagingFolder.Remains, of total: Int, _ report: (PreparationEvent) -> Void
  ) {
    switch remains {
    case .none: break
    case .useless:
      report(
        .note(
          "An earlier preparation of this dataset was stopped; nothing of it can be used, starting over."
        ))
    case .shards(let count):
      report(
        .note(
          "An earlier preparation was stopped; going on from its \(count) finished shards of \(total)."
        ))
    }
  }

  /// Makes sure that this process prepares the same as process 0, in the same folder.
  private static func compare(
    _ fingerprint: String, _ folder: String, _ settings: PreparationSettings
  ) throws(Failure) {
    let path = "\(folder)/\(ShardJournal.fingerprintFile)"
    guard let bytes = try? InputFile.contents(of: path, limit: 1 << 16) else {
      throw Failure(
        .cannotCreate,
        "This rank does not see the folder \(quoted(folder)) that rank 0 made; give --out a place on a "
          + "file system that all machines share.")
    }
    guard bytes == Array(fingerprint.utf8) else {
      throw Failure(
        .ranksDisagree,
        "This rank finds other pictures in \(quoted(settings.source)), or has another libvips or other "
          + "options, than rank 0; all machines must see the same.")
    }
  }

  /// Encodes a sample to say how large the dataset will be.
  private static func forecast(
    _ plan: PreparationPlan, _ source: any ImageSource, _ settings: PreparationSettings,
    folder: String, _ report: (PreparationEvent) -> Void
  ) throws(Failure) {
    let preparation = try ShardPreparation(source, settings)
    defer { SquareScaling.finishThread() }
    let (train, validation) = (plan.order[.train] ?? [], plan.order[.validation] ?? [])
    var bytes = 0
    var pictures = 0
    // The order is shuffled, so its beginning is a fair sample.
    for item in train.prefix(32) {
      guard let record = try? preparation.prepare(item) else { continue }
      // Two headers, the label's block, and half a block lost at the end of a record.
      bytes += record.count + 3 * 512 + 256
      pictures += 1
    }
    var space = statvfs()
    let isKnown = statvfs(folder, &space) == 0
    report(
      .planned(
        PreparationForecast(
          kind: source.kind, classes: plan.classNames.count, train: train.count,
          validation: validation.count,
          bytes: UInt64(bytes * plan.total / max(1, pictures) + settings.side * settings.side * 12),
          freeBytes: isKnown ? UInt64(space.f_bavail) * UInt64(space.f_frsize) : nil)))
  }

  private static func makeShards(
    _ plan: PreparationPlan, _ source: any ImageSource, _ settings: PreparationSettings,
    folder: String, _ crew: any PreparationCrew, _ report: @escaping (PreparationEvent) -> Void
  ) throws(Failure) -> PixelSums {
    let own = plan.shards.indices.filter { $0 % crew.size == crew.rank }.map { plan.shards[$0] }
    let team = ThreadTeam(count: max(1, min(settings.threads ?? Affinity.coreCount, own.count)))
    let progress = ProgressReporter(
      total: plan.total, own: max(1, own.reduce(0) { $0 + $1.range.count }), report: report)
    let work = SharedWork(own, side: settings.side)
    let journal = ShardJournal(folder: folder)
    team.run { _ in
      do throws(Failure) {
        let preparation = try ShardPreparation(source, settings)
        while let shard = work.next() {
          if preparation.takeOver(shard, from: journal, in: folder, progress: progress) != nil {
            continue
          }
          unlink("\(folder)/\(shard.fileName)")
          let prepared = try preparation.make(
            shard, of: plan, in: folder, progress: progress, isStopped: { work.isStopped })
          guard let prepared else { break }
          try journal.write(prepared, of: shard)
        }
        work.add(preparation.sums)
      } catch {
        work.fail(error)
      }
      SquareScaling.finishThread()
    }
    return try work.result()
  }

  private static func finish(
    _ plan: PreparationPlan, _ sums: PixelSums, _ settings: PreparationSettings, kind: String,
    folder: String, start: Double
  ) throws(Failure) -> PreparationSummary {
    let journal = ShardJournal(folder: folder)
    let shards = try plan.shards.map { (shard) throws(Failure) in
      guard let prepared = journal.read(shard) else {
        throw Failure(
          .inputOutput,
          "The notes on the shard \(quoted(shard.fileName)) in \(quoted(folder)) are gone.")
      }
      return prepared
    }
    let rejected = shards.flatMap(\.rejected)
    var parts: [Split: DatasetManifest.Part] = [:]
    var classes = plan.classNames.map { DatasetManifest.Class(name: $0, train: 0, validation: 0) }
    for split in Split.allCases {
      let own = zip(plan.shards, shards).filter { $0.0.split == split }.map(\.1)
      parts[split] = try writeIndex(own, split, folder: folder)
      for record in own.flatMap(\.records) {
        classes[Int(record.label)].train += split == .train ? 1 : 0
        classes[Int(record.label)].validation += split == .validation ? 1 : 0
      }
    }
    if let empty = classes.firstIndex(where: { $0.train == 0 }) {
      let name = plan.classNames[empty]
      let example =
        rejected.first { $0.class == name }.map { ": \(quoted($0.path)) \($0.reason)" } ?? ""
      throw Failure(
        .badData,
        "No training picture of the class \(quoted(name)) in \(quoted(settings.source)) can be used"
          + "\(example)."
      )
    }
    guard let train = parts[.train], let validation = parts[.validation], validation.count > 0
    else {
      throw Failure(
        .badData,
        "\(quoted(settings.source)) has no usable picture for validation; add some, or hold out more."
      )
    }
    let covariance = sums.covariance()
    let statistics = StatisticsFile(
      mean: sums.mean(), covariance: covariance, colour: ColourComponents(covariance: covariance))
    let manifest = DatasetManifest(
      pictures: DatasetManifest.Pictures(
        side: settings.side, encoding: settings.effectiveEncoding,
        quality: settings.effectiveEncoding == .jpeg ? settings.quality : nil),
      classes: classes, train: train, validation: validation,
      statistics: try write(
        statistics.encoded(side: settings.side), "statistics.safetensors", folder),
      source: DatasetManifest.Source(
        kind: kind, seed: settings.seed, holdOut: plan.holdOut,
        limitPerClass: settings.limitPerClass,
        rejected: rejected.count),
      methods: methods)
    let rejectedFile = try write(try lines(rejected), "rejected.jsonl", folder)
    let manifestFile = try write(try manifest.encoded(), DatasetManifest.fileName, folder)
    let files = [train.index, validation.index, manifest.statistics, rejectedFile, manifestFile]
    let bytes = shards.reduce(0) { $0 + $1.description.bytes } + files.reduce(0) { $0 + $1.bytes }
    return PreparationSummary(
      train: train.count, validation: validation.count, classes: classes.count,
      rejected: rejected.count, bytes: bytes, seconds: MonotonicClock.seconds - start)
  }

  private static let methods = [
    "pictures":
      "turned upright by EXIF, shorter side scaled to the side by libvips, the centre square, "
      + "8-bit sRGB, white behind transparency",
    "encoding": "JPEG by libjpeg-turbo, 4:2:0, or PNG by libpng; pictures without colour in gray",
    "mean": "mean of the decoded training records, pixel by pixel, 0 to 255; sums in whole numbers",
    "covariance":
      "of R, G, B over all pixels of the decoded training records, scaled to [0, 1]; sums in whole "
      + "numbers, divided by the number of pixels",
    "eigenvectors":
      "rows, of length 1, the largest part positive, by Jacobi's rotations; eigenvalues descending",
    "order": "records shuffled by the seed (Philox 4x32-10)",
  ]

  private static func writeIndex(
    _ shards: [PreparedShard], _ split: Split, folder: String
  ) throws(Failure) -> DatasetManifest.Part {
    let places = shards.enumerated().flatMap { number, shard in
      shard.records.map { record in
        var place = record
        place.shard = UInt32(number)
        return place
      }
    }
    return DatasetManifest.Part(
      count: places.count,
      index: try write(RecordIndex.encoded(places), "\(split.rawValue).index", folder),
      shards: shards.map(\.description))
  }

  private static func write(
    _ bytes: [UInt8], _ name: String, _ folder: String
  ) throws(Failure) -> DatasetManifest.File {
    DatasetManifest.File(
      file: name, bytes: UInt64(bytes.count),
      sha256: try OutputFile.write(bytes, to: "\(folder)/\(name)"))
  }

  private static func lines(_ rejected: [RejectedPicture]) throws(Failure) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return try rejected.flatMap { Array(try encoder.encode($0)) + [UInt8(ascii: "\n")] }
    } catch {
      throw Failure(.internal, "The list of rejected pictures cannot be written as JSON: \(error).")
    }
  }
}

/// The shards that are still to be made, and the sums over those that are.
private final class SharedWork: @unchecked Sendable {
  private let monitor = Monitor()
  private let shards: [PreparationPlan.Shard]
  private var taken = 0
  private let sums: PixelSums
  private var failure: Failure?

  init(_ shards: [PreparationPlan.Shard], side: Int) {
    self.shards = shards
    sums = PixelSums(side: side)
  }

  var isStopped: Bool { monitor.locked { failure != nil } }

  func next() -> PreparationPlan.Shard? {
    monitor.locked {
      guard failure == nil, taken < shards.count else { return nil }
      taken += 1
      return shards[taken - 1]
    }
  }

  func add(_ sums: PixelSums) { monitor.locked { self.sums.add(sums) } }

  func fail(_ failure: Failure) { monitor.locked { self.failure = self.failure ?? failure } }

  func result() throws(Failure) -> PixelSums {
    if let failure { throw failure }
    return sums
  }
}
