import Glibc
import Images
package import System

/// Turns pictures with labels into a dataset.
///
/// The dataset is made in a staging folder, which gets its final name when it is complete. The same
/// source and settings give the same bytes with any number of threads.
package enum Preparation {
  /// Prepares a dataset in this process alone.
  /// - Parameters:
  ///   - settings: What to prepare, and how.
  ///   - report: Called with events, from any thread but never concurrently.
  /// - Returns: A summary.
  /// - Throws: `Failure`: usage for invalid settings; input missing or bad data for the source;
  ///   cannot create when the destination exists or cannot be made; input/output.
  package static func run(
    _ settings: PreparationSettings, report: @escaping (PreparationEvent) -> Void = { _ in }
  ) throws(Failure) -> PreparationSummary {
    guard let summary = try run(settings, crew: LoneWorker(), report: report) else {
      throw Failure(.internal, "The preparation ended without a result.")
    }
    return summary
  }

  /// Prepares a dataset in several processes, each of which calls this; the result is the same as
  /// with one.
  /// - Parameters:
  ///   - settings: What to prepare, and how: the same in all processes.
  ///   - crew: The processes.
  ///   - report: Called in process 0 with events, from any thread but never concurrently.
  /// - Returns: A summary in process 0; nil in the others.
  /// - Throws: `Failure` as above, and if the processes do not see the same files.
  package static func run(
    _ settings: PreparationSettings, crew: any PreparationCrew,
    report: @escaping (PreparationEvent) -> Void
  ) throws(Failure) -> PreparationSummary? {
    let start = MonotonicClock.seconds
    let report = crew.rank == 0 ? report : { _ in }
    try settings.check()
    try SquareScaling.start()
    let (source, plan, unusable) = try recognise(settings, report)
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
        plan, sums, settings, kind: source.kind, unusable: unusable, folder: folder, start: start)
      try staging.commit()
      try crew.waitForAll()
      return summary
    } catch {
      // After making room, the user can continue with the finished shards.
      staging?.keepsShards = [.inputOutput, .cannotCreate].contains(error.exitCode)
      throw error
    }
  }

  /// Reports what was recognised in a source, and prepares nothing.
  /// - Parameters:
  ///   - settings: What would be prepared, and how; the destination is ignored.
  ///   - report: Called with what was recognised and with notes for the user.
  /// - Throws: `Failure` as `run` would.
  package static func survey(
    _ settings: PreparationSettings, report: (PreparationEvent) -> Void
  ) throws(Failure) {
    try settings.check()
    try SquareScaling.start()
    _ = try recognise(settings, report)
  }

  private static func recognise(
    _ settings: PreparationSettings, _ report: (PreparationEvent) -> Void
  ) throws(Failure) -> (any ImageSource, PreparationPlan, unusable: [RejectedPicture]) {
    let source = try ImageSources.open(settings.source, settings.reading)
    let listing = try source.list()
    let plan = try PreparationPlan(listing, settings)
    report(
      .recognised(
        RecognisedSource(
          kind: source.kind, layout: listing.layout, classNames: plan.classNames,
          counts: plan.counts, holdOut: plan.holdOut)))
    for note in listing.notes + plan.notes { report(.note(note)) }
    if settings.isStrict, let file = listing.unusable.first {
      throw settings.refusal(of: file.path, file.reason)
    }
    return (
      source, plan,
      listing.unusable.map {
        RejectedPicture(path: $0.path, reason: $0.reason, split: nil, class: nil)
      }
    )
  }

  private static func tell(
    _ remains: StagingFolder.Remains, of total: Int, _ report: (PreparationEvent) -> Void
  ) {
    switch remains {
    case .none: break
    case .useless:
      report(
        .note(
          "An earlier preparation of this dataset was stopped; none of its shards can be used, so "
            + "this one starts over."
        ))
    case .shards(let count):
      report(
        .note(
          "An earlier preparation was stopped; this one continues after its \(count) finished "
            + "shards of \(total)."
        ))
    }
  }

  /// Checks that this process prepares the same as process 0, in the same folder.
  private static func compare(
    _ fingerprint: String, _ folder: String, _ settings: PreparationSettings
  ) throws(Failure) {
    let path = "\(folder)/\(ShardJournal.fingerprintFile)"
    guard let bytes = try? RegularFile.contents(of: path, limit: 1 << 16) else {
      throw Failure(
        .cannotCreate,
        "This rank does not see the folder \(quoted(folder)) that rank 0 made; give --out a folder "
          + "on a file system that all machines share.")
    }
    guard bytes == Array(fingerprint.utf8) else {
      throw Failure(
        .ranksDisagree,
        "This rank finds other pictures in \(quoted(settings.source)) than rank 0, or has another "
          + "libvips or other options; start all ranks with the same files, libraries and options.")
    }
  }

  private static func makeShards(
    _ plan: PreparationPlan, _ source: any ImageSource, _ settings: PreparationSettings,
    folder: String, _ crew: any PreparationCrew, _ report: @escaping (PreparationEvent) -> Void
  ) throws(Failure) -> PixelSums {
    let own = plan.shards.indices.filter { $0 % crew.size == crew.rank }.map { plan.shards[$0] }
    let team = ThreadTeam(count: max(1, min(settings.threads ?? Processors.own.threads, own.count)))
    let progress = ProgressReporter(
      total: plan.total, own: max(1, own.reduce(0) { $0 + $1.range.count }), report: report)
    let queue = ShardQueue(own, side: settings.side)
    let journal = ShardJournal(folder: folder)
    team.run { _ in
      do throws(Failure) {
        let preparation = try ShardPreparation(source, settings)
        while let shard = queue.next() {
          if preparation.takeOver(shard, from: journal, in: folder, progress: progress) != nil {
            continue
          }
          unlink("\(folder)/\(shard.fileName)")
          let prepared = try preparation.make(
            shard, of: plan, in: folder, progress: progress, isStopped: { queue.isStopped })
          guard let prepared else { break }
          try journal.write(prepared, of: shard)
        }
        queue.add(preparation.sums)
      } catch {
        queue.fail(error)
      }
      SquareScaling.finishThread()
    }
    return try queue.result()
  }
}
