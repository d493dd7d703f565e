import Foundation
package import System
package import Training

/// One step of a timeline as a picture: what the ranks compute, what travels between them, and what
/// of that the arithmetic hides.
package struct StepPicture {
  /// A part of a row.
  private struct Bar {
    let start, end: Double
    let name: String
    let style: String
  }

  /// A thread, or a link.
  private struct Row {
    let process: Int
    /// The rank that a link comes from; nil for a thread.
    let source: Int?
    let title: String
    let bars: [Bar]
  }

  /// The step's name, `step 12`.
  package let name: String
  /// What the picture shows, in numbers.
  package let caption: String
  private let seconds: Double
  private let rows: [Row]

  /// The most ranks that are drawn.
  private static let mostRanks = 4
  private static let (width, left, rowHeight, top) = (1100.0, 170.0, 34.0, 34.0)

  /// Draws the step of median length in the first rank.
  /// - Throws: `Failure` (badData) where the timeline is damaged, or has no step.
  package init(_ trace: Trace) throws(Failure) {
    let spans = try trace.spans()
    let steps = spans.filter { $0.category == "step" && $0.process == 0 }
      .sorted { $0.end - $0.start < $1.end - $1.start }
    guard !steps.isEmpty else {
      throw Failure(.badData, "The timeline has no step; record it again.")
    }
    let step = steps[steps.count / 2]
    name = step.name
    seconds = step.end - step.start
    let names = trace.processNames
    let ranks = Array(names.keys.sorted().prefix(Self.mostRanks))
    let within = spans.filter {
      $0.end > step.start && $0.start < step.end && ranks.contains($0.process)
    }
    let whole = step.end - step.start
    var rows: [Row] = []
    var (travelling, hidden) = (0.0, 0.0)
    for rank in ranks {
      let own = within.filter { $0.process == rank }
      let threads = Set(
        own.filter { $0.category == "forward" || $0.category == "backward" }.map(\.track)
      ).union([0])
      for thread in threads.sorted() {
        let bars = own.filter { $0.track == thread }.compactMap { span -> Bar? in
          switch (span.category, span.name) {
          case ("forward", _): Self.bar(span, "var(--c0)", step, whole)
          case ("backward", _): Self.bar(span, "var(--c1)", step, whole)
          case ("phase", "update"): Self.bar(span, "var(--c2)", step, whole)
          case ("phase", "reading images"): Self.bar(span, "var(--c3)", step, whole)
          case ("late", _), ("moving", _):
            Self.bar(span, span.category == "late" ? "var(--mark)" : "var(--c5)", step, whole)
          default: nil
          }
        }
        rows.append(
          Row(
            process: rank, source: nil,
            title: (names[rank] ?? "") + (thread == 0 ? "" : ", thread \(thread)"), bars: bars))
      }
      let waits = own.filter { $0.category == "wait" }
      let links = own.filter { $0.category == "link" }
      for track in Set(links.map(\.track)).sorted() {
        guard let source = Trace.rank(ofLink: track) else { continue }
        let messages = links.filter { $0.track == track }
        for message in messages {
          travelling += message.end - message.start
          hidden += Self.length(of: message, outside: waits)
        }
        rows.append(
          Row(
            process: rank, source: source, title: "link from rank \(source)",
            bars: messages.map { Self.bar($0, "var(--c4)", step, whole) }))
      }
    }
    self.rows = rows
    let share = String(format: "%.0f", travelling > 0 ? 100 * hidden / travelling : 100)
    caption =
      String(format: "A %@ took %.1f ms in the first rank.", step.name, 1e3 * seconds)
      + (travelling > 0
        ? String(format: " Messages were on their way for %.1f ms", 1e3 * travelling)
          + " over the links drawn, \(share) % of it under arithmetic."
        : "")
  }

  private static func bar(
    _ span: Trace.Span, _ style: String, _ step: Trace.Span, _ whole: Double
  ) -> Bar {
    Bar(
      start: max(0, span.start - step.start), end: min(whole, span.end - step.start),
      name: span.name, style: style)
  }

  /// The part of a message's way that its receiver does not wait for.
  private static func length(of message: Trace.Span, outside waits: [Trace.Span]) -> Double {
    waits.reduce(message.end - message.start) { rest, wait in
      rest - max(0, min(wait.end, message.end) - max(wait.start, message.start))
    }
  }

  // MARK: Drawing

  /// The picture as an element of a page, in the page's colours.
  package var svg: String {
    let height = Self.top + Double(rows.count) * Self.rowHeight + 58
    var body = ""
    let scale = (Self.width - Self.left - 16) / max(seconds, 1e-9)
    func x(_ seconds: Double) -> String { String(format: "%.1f", Self.left + seconds * scale) }
    func y(_ row: Int) -> Double { Self.top + Double(row) * Self.rowHeight }
    let unit = tick(max(seconds, 1e-9))
    for number in 0...Int(seconds / unit) {
      let place = x(Double(number) * unit)
      body +=
        "<line x1=\"\(place)\" x2=\"\(place)\" y1=\"22\" y2=\"\(height - 52)\" stroke=\"var(--grid)\"/>"
        + text(place, "16", String(format: "%g ms", 1e3 * Double(number) * unit), "middle")
    }
    for (number, row) in rows.enumerated() {
      let isLink = row.source != nil
      body += text("8", "\(y(number) + 20)", Self.shortened(row.title), "start")
      for bar in row.bars where bar.end > bar.start {
        let width = max((bar.end - bar.start) * scale, 0.6)
        let (inset, tall) = isLink ? (9.0, 12.0) : (4.0, 24.0)
        body +=
          "<rect x=\"\(x(bar.start))\" y=\"\(y(number) + inset)\" height=\"\(tall)\" width=\""
          + String(format: "%.1f", width) + "\" fill=\"\(bar.style)\" stroke=\"var(--card)\" "
          + "stroke-width=\"0.4\"><title>\(HTML.escaped(bar.name)), "
          + String(format: "%.2f ms", 1e3 * (bar.end - bar.start)) + "</title></rect>"
        if !isLink, width > 8 * Double(bar.name.count), bar.name.count < 16 {
          body += text(
            String(format: "%.1f", Self.left + bar.start * scale + width / 2),
            "\(y(number) + 20)", bar.name, "middle", fill: "var(--card)")
        }
      }
    }
    for (number, row) in rows.enumerated() {
      guard let source = row.source,
        let sender = rows.firstIndex(where: { $0.process == source && $0.source == nil })
      else { continue }
      // From the sender's track to the link when a message leaves.
      for bar in row.bars {
        body +=
          "<line x1=\"\(x(bar.start))\" x2=\"\(x(bar.start))\" y1=\"\(y(sender) + 16)\" y2=\""
          + "\(y(number) + 15)\" stroke=\"var(--ink)\" stroke-width=\"0.7\" stroke-opacity=\"0.45\"/>"
      }
    }
    return "<svg role=\"img\" class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "
      + "\(Int(Self.width)) \(Int(height))\" font-family=\"inherit\"><title>"
      + "\(HTML.escaped(name)) of a run</title>\(body)\(legend(height - 18))</svg>"
  }

  /// The picture as a file of its own.
  package var svgFile: String { SVG.file(of: svg) }

  private func legend(_ y: Double) -> String {
    let entries = [
      ("var(--c0)", "forward"), ("var(--c1)", "backward"), ("var(--c2)", "update"),
      ("var(--c3)", "reading images"), ("var(--c4)", "message on its way"),
      ("var(--mark)", "waits: the other has not sent"), ("var(--c5)", "waits: bytes move"),
    ]
    var place = 8.0
    return entries.map { style, name in
      defer { place += 34 + 7.2 * Double(name.count) }
      return
        "<rect x=\"\(place)\" y=\"\(y - 11)\" width=\"14\" height=\"12\" fill=\"\(style)\"/>"
        + text("\(place + 19)", "\(y)", name, "start")
    }.joined()
  }

  private func text(
    _ x: String, _ y: String, _ words: String, _ anchor: String, fill: String = "var(--ink)"
  ) -> String {
    "<text x=\"\(x)\" y=\"\(y)\" font-size=\"13\" text-anchor=\"\(anchor)\" fill=\"\(fill)\">"
      + "\(HTML.escaped(words))</text>"
  }

  private static func shortened(_ title: String) -> String {
    // The host's name is of use where there are several, and long.
    let rest = title.split(separator: ":", maxSplits: 1).last.map(String.init) ?? title
    return rest.hasPrefix("link") ? rest : "rank " + rest
  }
}
