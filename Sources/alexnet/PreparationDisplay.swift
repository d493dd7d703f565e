import Data
import Failures
import Foundation

/// Shows a preparation: one living line on a terminal, a plain line every few seconds in a file.
final class PreparationDisplay {
  private let stream = StandardStream.output
  private let isTerminal = StandardStream.output.isTerminal
  private let destination: String
  private var lastLine = -Double.infinity
  private var lineLength = 0
  private static let secondsBetweenPlainLines = 5.0

  init(destination: String) { self.destination = destination }

  func show(_ event: PreparationEvent) {
    switch event {
    case .note(let text): line("Note: \(text)")
    case .planned(let forecast):
      line(
        "Preparing \(forecast.train) training and \(forecast.validation) validation pictures in "
          + "\(forecast.classes) classes from \(forecast.kind).")
      let free = forecast.freeBytes.map { " of \(size($0)) free" } ?? ""
      line("The dataset will take about \(size(forecast.bytes))\(free) at \(quoted(destination)).")
      if let free = forecast.freeBytes, free < forecast.bytes {
        line("Note: that is more than there is room for; stop now, or make room meanwhile.")
      }
    case .progress(let progress): show(progress)
    }
  }

  func show(_ summary: PreparationSummary) {
    let speed = Double(summary.train + summary.validation) / max(summary.seconds, 1e-9)
    line(
      "Prepared \(summary.train) training and \(summary.validation) validation pictures in "
        + "\(summary.classes) classes: \(size(summary.bytes)) at \(quoted(destination)), in "
        + "\(duration(summary.seconds)), \(Int(speed)) images/s.")
    guard summary.rejected > 0 else { return }
    line(
      "\(summary.rejected) pictures could not be used; \(quoted("\(destination)/rejected.jsonl")) lists them."
    )
    if summary.rejectedShare > 0.01 {
      let percent = String(format: "%.1f", summary.rejectedShare * 100)
      line("Warning: that is \(percent)% of all; look at the list before you train.")
    }
  }

  private func show(_ progress: PreparationProgress) {
    let percent = 100 * progress.done / max(1, progress.total)
    var text =
      "\(progress.done)/\(progress.total) pictures (\(percent)%)  \(Int(progress.imagesPerSecond)) images/s"
    if progress.rejected > 0 { text += "  \(progress.rejected) rejected" }
    text += "  \(duration(progress.secondsLeft)) left"
    if isTerminal {
      let padding = String(repeating: " ", count: max(0, lineLength - text.count))
      stream.write("\r\(text)\(padding)")
      lineLength = text.count
    } else if progress.seconds - lastLine >= Self.secondsBetweenPlainLines
      || progress.done == progress.total
    {
      lastLine = progress.seconds
      stream.write(text + "\n")
    }
  }

  private func line(_ text: String) {
    if lineLength > 0 { stream.write("\r" + String(repeating: " ", count: lineLength) + "\r") }
    lineLength = 0
    stream.write(text + "\n")
  }

  private func size(_ bytes: UInt64) -> String {
    bytes >= 1_000_000_000
      ? String(format: "%.1f GB", Double(bytes) * 1e-9)
      : String(format: "%.1f MB", Double(bytes) * 1e-6)
  }

  private func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded())
    if whole >= 3600 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return whole >= 60 ? "\(whole / 60) min \(whole % 60) s" : "\(whole) s"
  }
}
