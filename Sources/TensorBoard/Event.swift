import CProtobuf
import Glibc
import Protobuf

/// A value that TensorBoard shows, under a tag.
package enum Summary: Sendable {
  /// A number, a point of a curve.
  case scalar(String, Double)
  /// A picture in colour, encoded as PNG.
  case image(String, png: [UInt8], width: Int, height: Int)
  /// A histogram.
  case histogram(String, HistogramCounts)
}

/// The messages of tensorflow/core/util/event.proto that are needed here.
enum Event {
  /// The first message of every file.
  static func version() -> [UInt8] {
    encoded(step: 0) { event, arena in
      event.pointee.what_case = TENSORFLOW__EVENT__WHAT_FILE_VERSION
      event.pointee.file_version = arena.text("brain.Event:2")
    }
  }

  /// The message that a run continues with a step.
  static func start(step: Int) -> [UInt8] {
    encoded(step: step) { event, arena in
      event.pointee.what_case = TENSORFLOW__EVENT__WHAT_SESSION_LOG
      event.pointee.session_log = arena.make { tensorflow__session_log__init($0) }
      event.pointee.session_log.pointee.status =
        TENSORFLOW__SESSION_LOG__SESSION_STATUS__START
    }
  }

  /// The values recorded after a step.
  static func summary(_ values: [Summary], step: Int) -> [UInt8] {
    encoded(step: step) { event, arena in
      let summary: UnsafeMutablePointer<Tensorflow__Summary> = arena.make {
        tensorflow__summary__init($0)
      }
      (summary.pointee.n_value, summary.pointee.value) = arena.list(
        values.map { value($0, arena) })
      event.pointee.what_case = TENSORFLOW__EVENT__WHAT_SUMMARY
      event.pointee.summary = summary
    }
  }

  private static func encoded(
    step: Int, _ fill: (UnsafeMutablePointer<Tensorflow__Event>, MessageArena) -> Void
  ) -> [UInt8] {
    let arena = MessageArena()
    let event: UnsafeMutablePointer<Tensorflow__Event> = arena.make {
      tensorflow__event__init($0)
    }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    event.pointee.wall_time = Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    event.pointee.step = Int64(step)
    fill(event, arena)
    return arena.packed(event)
  }

  private static func value(
    _ summary: Summary, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Tensorflow__Summary__Value>? {
    let value: UnsafeMutablePointer<Tensorflow__Summary__Value> = arena.make {
      tensorflow__summary__value__init($0)
    }
    switch summary {
    case .scalar(let tag, let number):
      value.pointee.tag = arena.text(tag)
      value.pointee.value_case = TENSORFLOW__SUMMARY__VALUE__VALUE_SIMPLE_VALUE
      value.pointee.simple_value = Float(number)
    case .image(let tag, let png, let width, let height):
      let image: UnsafeMutablePointer<Tensorflow__Summary__Image> = arena.make {
        tensorflow__summary__image__init($0)
      }
      (image.pointee.width, image.pointee.height) = (Int32(width), Int32(height))
      // Red, green and blue.
      image.pointee.colorspace = 3
      image.pointee.encoded_image_string = arena.bytes(png)
      value.pointee.tag = arena.text(tag)
      value.pointee.value_case = TENSORFLOW__SUMMARY__VALUE__VALUE_IMAGE
      value.pointee.image = image
    case .histogram(let tag, let counts):
      value.pointee.tag = arena.text(tag)
      value.pointee.value_case = TENSORFLOW__SUMMARY__VALUE__VALUE_HISTO
      value.pointee.histo = histogram(counts, arena)
    }
    return value
  }

  private static func histogram(
    _ counts: HistogramCounts, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Tensorflow__HistogramProto> {
    let histogram: UnsafeMutablePointer<Tensorflow__HistogramProto> = arena.make {
      tensorflow__histogram_proto__init($0)
    }
    let edges = counts.edges
    (histogram.pointee.min, histogram.pointee.max) = (counts.smallest, counts.largest)
    histogram.pointee.num = Double(counts.total)
    (histogram.pointee.sum, histogram.pointee.sum_squares) = (counts.sum, counts.squares)
    (histogram.pointee.n_bucket_limit, histogram.pointee.bucket_limit) = arena.list(
      edges.map(\.limit))
    (histogram.pointee.n_bucket, histogram.pointee.bucket) = arena.list(
      edges.map { Double($0.count) })
    return histogram
  }
}
