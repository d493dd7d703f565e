import Glibc
import Images
import System

extension Preparation {
  /// Encodes a sample to estimate the size of the dataset.
  static func forecast(
    _ plan: PreparationPlan, _ source: any ImageSource, _ settings: PreparationSettings,
    folder: String, _ report: (PreparationEvent) -> Void
  ) throws(Failure) {
    let preparation = try ShardPreparation(source, settings)
    defer { SquareScaling.finishThread() }
    let counts = plan.counts
    var bytes = 0
    var pictures = 0
    // The order is shuffled, so its beginning is a fair sample.
    for item in (Split.allCases.lazy.compactMap { plan.order[$0] }.first { !$0.isEmpty } ?? [])
      .prefix(32)
    {
      guard let record = try? preparation.prepare(item) else { continue }
      // Two headers, the label's block, and on average half a block of padding after a record.
      bytes += record.count + 3 * 512 + 256
      pictures += 1
    }
    report(
      .planned(
        PreparationForecast(
          kind: source.kind, classes: plan.classNames.count, train: counts[.train] ?? 0,
          validation: counts[.validation] ?? 0, test: counts[.test] ?? 0,
          bytes: UInt64(bytes * plan.total / max(1, pictures) + settings.side * settings.side * 12),
          freeBytes: FreeSpace.bytes(at: folder))))
  }
}
