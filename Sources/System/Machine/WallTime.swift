import Glibc

/// The time of day, for people.
package enum WallTime {
  /// Now, as `2026-11-29T07:20:11+0100`: the machine's own zone, and how far it is from UTC.
  package static var now: String { text(time(nil), "%Y-%m-%dT%H:%M:%S%z") }

  /// A time of day, now if none is given in seconds since 1970, as `07:20:11`.
  package static func ofDay(_ seconds: Int64? = nil) -> String {
    text(seconds.map { time_t($0) } ?? time(nil), "%H:%M:%S")
  }

  private static func text(_ time: time_t, _ format: String) -> String {
    var (seconds, parts) = (time, tm())
    localtime_r(&seconds, &parts)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      let length = strftime(buffer.baseAddress, buffer.count, format, &parts)
      return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
