import Glibc

/// A value that TensorBoard shows.
public struct Summary: Sendable {
  let message: [UInt8]

  /// A number, a point of a curve.
  public static func scalar(_ tag: String, _ value: Double) -> Summary {
    var fields = Message()
    fields.add(1, tag)
    fields.add(2, Float(value))
    return Summary(message: fields.bytes)
  }

  /// A picture in colour, encoded as PNG.
  public static func image(_ tag: String, png: [UInt8], width: Int, height: Int) -> Summary {
    var image = Message()
    image.add(1, height)
    image.add(2, width)
    image.add(3, 3)
    image.add(4, png)
    var fields = Message()
    fields.add(1, tag)
    fields.add(4, image.bytes)
    return Summary(message: fields.bytes)
  }

  /// The distribution of numbers.
  public static func histogram(_ tag: String, _ counts: HistogramCounts) -> Summary {
    var histogram = Message()
    let edges = counts.edges
    for (number, value) in [
      counts.smallest, counts.largest, Double(counts.total), counts.sum, counts.squares,
    ].enumerated() {
      histogram.add(number + 1, value)
    }
    histogram.add(6, edges.map(\.limit))
    histogram.add(7, edges.map { Double($0.count) })
    var fields = Message()
    fields.add(1, tag)
    fields.add(5, histogram.bytes)
    return Summary(message: fields.bytes)
  }
}

/// The few messages of tensorflow/core/util/event.proto that are written here.
enum Event {
  /// What every file begins with.
  static func version() -> [UInt8] {
    var event = begun(step: 0)
    event.add(3, "brain.Event:2")
    return event.bytes
  }

  /// Says that a run goes on with a step.
  static func start(step: Int) -> [UInt8] {
    var session = Message()
    session.add(1, 1)
    var event = begun(step: step)
    event.add(7, session.bytes)
    return event.bytes
  }

  static func summary(_ values: [Summary], step: Int) -> [UInt8] {
    var summary = Message()
    for value in values { summary.add(1, value.message) }
    var event = begun(step: step)
    event.add(5, summary.bytes)
    return event.bytes
  }

  private static func begun(step: Int) -> Message {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var event = Message()
    event.add(1, Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec))
    event.add(2, step)
    return event
  }
}

/// A protocol buffer's message, field by field (protobuf.dev/programming-guides/encoding).
struct Message {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, _ number: Int) {
    varint(UInt64(field << 3))
    varint(UInt64(bitPattern: Int64(number)))
  }

  mutating func add(_ field: Int, _ number: Double) {
    varint(UInt64(field << 3 | 1))
    little(number.bitPattern, 8)
  }

  mutating func add(_ field: Int, _ number: Float) {
    varint(UInt64(field << 3 | 5))
    little(UInt64(number.bitPattern), 4)
  }

  mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  mutating func add(_ field: Int, _ content: [UInt8]) {
    varint(UInt64(field << 3 | 2))
    varint(UInt64(content.count))
    bytes += content
  }

  mutating func add(_ field: Int, _ numbers: [Double]) {
    varint(UInt64(field << 3 | 2))
    varint(UInt64(8 * numbers.count))
    for number in numbers { little(number.bitPattern, 8) }
  }

  private mutating func varint(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func little(_ number: UInt64, _ count: Int) {
    for place in 0..<count {
      bytes.append(UInt8(truncatingIfNeeded: number >> (8 * UInt64(place))))
    }
  }
}
