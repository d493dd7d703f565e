import CArchive
import Glibc
import JSON
package import System

/// A timeline as Chrome's trace events, which Perfetto and chrome://tracing open.
package struct Trace: Codable, Sendable {
  /// An event: `B` and `E` begin and end a span, `s`, `t` and `f` are a flow, `M` names things.
  package struct Event: Codable, Sendable {
    package var ph: String
    package var name: String?
    package var cat: String?
    package var pid: Int
    package var tid: Int
    /// Microseconds since the first span.
    package var ts: Double?
    package var id: Int?
    package var bp: String?
    package var args: Arguments?
  }

  /// What an event says beyond its name.
  package struct Arguments: Codable, Sendable {
    package var name: String?
    package var sort_index: Int?
    package var bytes: Int?
    package var peer: Int?
  }

  /// What is said of the whole.
  package struct Facts: Codable, Sendable {
    /// What each rank's clock was ahead of the first rank's when the recording ended, in
    /// microseconds, and how far that may be wrong.
    package var clockOffsets: [Double]
    package var clockUncertainties: [Double]
    /// Events that did not fit, by rank.
    package var dropped: [Int]
    /// Messages without their other end.
    package var unmatched: Int
  }

  package var displayTimeUnit = "ms"
  package var otherData: Facts
  package var traceEvents: [Event]

  // MARK: Files

  /// Writes it, an event a line; compressed where the name ends in `.gz`.
  /// - Throws: `Failure` where the file cannot be written.
  package func write(to path: String) throws(Failure) {
    var text =
      "{\"displayTimeUnit\":\"ms\",\"otherData\":\(JSONText.encode(otherData, isPretty: false)),\n"
      + "\"traceEvents\":[\n"
    text += traceEvents.map { JSONText.encode($0, isPretty: false) }.joined(separator: ",\n")
    text += "\n]}\n"
    let file = try WholeFile(path)
    if path.hasSuffix(".gz") {
      try Self.compress(text, into: file)
    } else {
      try file.write(Array(text.utf8))
    }
    try file.publish()
  }

  private static func compress(_ text: String, into file: WholeFile) throws(Failure) {
    let copy = dup(file.descriptor)
    guard copy >= 0, let stream = gzdopen(copy, "wb") else {
      if copy >= 0 { close(copy) }
      throw file.failure(errno)
    }
    var isWhole = true
    var text = text
    text.withUTF8 { bytes in
      var place = 0
      while place < bytes.count, isWhole {
        let count = min(bytes.count - place, 1 << 20)
        isWhole = gzwrite(stream, bytes.baseAddress.map { $0 + place }, UInt32(count)) == count
        place += count
      }
    }
    let code = errno
    guard gzclose(stream) == Z_OK, isWhole else { throw file.failure(isWhole ? errno : code) }
  }

  /// The most bytes that are read of a timeline.
  package static let longest = 512 << 20

  /// Reads a timeline, compressed or not.
  /// - Throws: `Failure` (inputMissing, badData) where there is none.
  package init(reading path: String) throws(Failure) {
    guard let stream = gzopen(path, "rb") else {
      throw .system(.inputMissing, "\(quoted(path)) cannot be read", errno: errno)
    }
    defer { gzclose(stream) }
    var text: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = gzread(stream, &block, UInt32(block.count))
      guard count >= 0, text.count + Int(count) <= Self.longest else {
        throw Failure(
          .badData,
          count < 0
            ? "\(quoted(path)) cannot be decompressed; record the timeline again."
            : "\(quoted(path)) is too long for a timeline; record fewer steps.")
      }
      if count == 0 { break }
      text += block[..<Int(count)]
    }
    self = try JSONText.decode(
      Trace.self, text, JSONText.Bounds(values: 1 << 26), from: path,
      complaint: "is no timeline of alexnet-train --timeline")
  }

  /// Makes a trace of its parts.
  init(_ facts: Facts, _ events: [Event]) {
    (otherData, traceEvents) = (facts, events)
  }
}

// MARK: Reading back

extension Trace {
  /// A span, its begin and its end together.
  package struct Span: Sendable {
    package let name: String
    package let category: String
    package let process: Int
    package let track: Int
    /// Seconds.
    package let start: Double
    package var end: Double
    package let bytes: Int
    /// How many spans it lies in.
    package let depth: Int
  }

  /// All spans in the order of their begins.
  /// - Throws: `Failure` (badData) where one has no end, or spans of a track overlap.
  package func spans() throws(Failure) -> [Span] {
    struct Place: Hashable { let process, track: Int }
    var result: [Span] = []
    var open: [Place: [Int]] = [:]
    var last: [Place: Double] = [:]
    func fail(_ event: Event, _ sentence: String) -> Failure {
      Failure(
        .badData,
        "The timeline is damaged: on track \(event.tid) of process \(event.pid) \(sentence).")
    }
    for event in traceEvents where event.ph == "B" || event.ph == "E" {
      let place = Place(process: event.pid, track: event.tid)
      let time = (event.ts ?? 0) / 1e6
      guard time.isFinite, time >= last[place] ?? 0 else { throw fail(event, "time goes back") }
      last[place] = time
      if event.ph == "B" {
        let depth = open[place]?.count ?? 0
        open[place, default: []].append(result.count)
        result.append(
          Span(
            name: event.name ?? "", category: event.cat ?? "", process: event.pid,
            track: event.tid, start: time, end: .nan, bytes: event.args?.bytes ?? 0, depth: depth))
      } else {
        guard let number = open[place]?.popLast() else {
          throw fail(event, "something ends that has not begun")
        }
        result[number].end = time
      }
    }
    guard let span = result.first(where: \.end.isNaN) else { return result }
    throw Failure(.badData, "The timeline is damaged: \(quoted(span.name)) has no end.")
  }

  /// The names of the processes, which are the ranks.
  package var processNames: [Int: String] {
    var names: [Int: String] = [:]
    for event in traceEvents where event.name == "process_name" {
      names[event.pid] = event.args?.name
    }
    return names
  }

  /// The track in a process on which the messages of a rank arrive.
  package static func link(from rank: Int) -> Int { firstLink + rank }

  /// The rank whose messages arrive on a track; nil of any other track.
  package static func rank(ofLink track: Int) -> Int? {
    track >= firstLink ? track - firstLink : nil
  }

  private static let firstLink = 1_000_000
}
