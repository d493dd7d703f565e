import Foundation
package import System

/// Shows a preparation on standard output.
///
/// On a terminal one line that is updated, in a file a plain line every few seconds.
package final class PreparationDisplay {
  private let status = StatusLine()
  private let destination: String
  private let isResult: Bool
  private var problem: Failure?

  /// Makes a display.
  /// - Parameters:
  ///   - destination: Where the dataset will be.
  ///   - isResult: Whether nothing but the lines comes of it, as in a dry run: then `finish` says
  ///     whether all were written.
  package init(destination: String, isResult: Bool = false) {
    (self.destination, self.isResult) = (destination, isResult)
  }

  private func say(_ line: String) {
    guard isResult else { return status.say(line) }
    do throws(Failure) { try StandardStream.output.show(line + "\n") } catch {
      problem = problem ?? error
    }
  }

  /// Ends the display.
  /// - Throws: `Failure` (inputOutput) if the lines are a result and some could not be written.
  package func finish() throws(Failure) { if let problem { throw problem } }

  /// Shows an event; for the parameter `report` of `Preparation.run`.
  package func show(_ event: PreparationEvent) {
    switch event {
    case .note(let text): say("Note: \(text)")
    case .recognised(let source): show(source)
    case .planned(let forecast):
      say(
        "Preparing \(pictures(forecast.train, forecast.validation, forecast.test)) in "
          + "\(counted(forecast.classes, "class", "classes")) from \(forecast.kind).")
      let free = forecast.freeBytes.map { " of \(size($0)) free" } ?? ""
      say(
        "The dataset will take about \(size(forecast.bytes))\(free) at \(quoted(destination)).")
      if let free = forecast.freeBytes, free < forecast.bytes {
        say(
          "Note: that is more than the free space; stop now, or free some space meanwhile.")
      }
    case .progress(let progress): show(progress)
    }
  }

  /// Shows the summary.
  package func show(_ summary: PreparationSummary) {
    let total = summary.train + summary.validation + summary.test
    let speed = Double(total) / max(summary.seconds, 1e-9)
    say(
      "Prepared \(pictures(summary.train, summary.validation, summary.test)) in "
        + "\(counted(summary.classes, "class", "classes")): \(size(summary.bytes)) at "
        + "\(quoted(destination)), in "
        + "\(spoken(seconds: summary.seconds)), \(Int(speed)) images/s.")
    for note in summary.notes { say("Note: \(note)") }
    for warning in summary.duplicates { say("Warning: \(warning)") }
    if !summary.duplicates.isEmpty {
      say("\(quoted("\(destination)/\(DatasetFiles.duplicates)")) lists them.")
    }
    guard summary.rejected > 0 else { return }
    say(
      "\(counted(summary.rejected, "picture", "pictures")) could not be used; "
        + "\(quoted("\(destination)/\(DatasetFiles.rejected)")) "
        + "lists them."
    )
    for kind in summary.rejectedKinds.prefix(8) { say("  \(kind)") }
    if summary.rejectedKinds.count > 8 {
      say("  and \(summary.rejectedKinds.count - 8) more kinds")
    }
    if summary.rejectedShare > 0.01 {
      let percent = String(format: "%.1f", summary.rejectedShare * 100)
      say("Warning: that is \(percent)% of all; look at the list before you train.")
    }
  }

  private func show(_ progress: PreparationProgress) {
    let percent = 100 * progress.done / max(1, progress.total)
    var text =
      "\(progress.done)/\(progress.total) pictures (\(percent)%)  \(Int(progress.imagesPerSecond)) "
      + "images/s"
    if progress.rejected > 0 { text += "  \(progress.rejected) rejected" }
    text += "  \(spoken(seconds: progress.secondsLeft)) left"
    status.update(isLast: progress.done == progress.total) { text }
  }

  private func show(_ source: RecognisedSource) {
    say("Found \(source.kind)\(source.layout.isEmpty ? "" : ": \(source.layout)").")
    say("Classes: \(source.classNames.count) (\(listed(source.classNames, most: 10))).")
    let held = source.holdOut.map { String(format: ", %g%% of all held out", 100 * $0) } ?? ""
    let parts = Split.allCases.compactMap { split in
      source.counts[split].map {
        "\($0) for \(split.adjective)" + (split == .validation ? held : "")
      }
    }
    say("Pictures: \(parts.joined(separator: "; ")).")
  }

  private func pictures(_ train: Int, _ validation: Int, _ test: Int) -> String {
    test == 0
      ? "\(train) training and \(validation) validation pictures"
      : "\(train) training, \(validation) validation and \(test) test pictures"
  }

  private func size(_ bytes: UInt64) -> String {
    bytes >= 1_000_000_000
      ? String(format: "%.1f GB", Double(bytes) * 1e-9)
      : String(format: "%.1f MB", Double(bytes) * 1e-6)
  }
}
