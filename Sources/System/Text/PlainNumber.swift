import Glibc

/// A number as people write it: `0.0001` and `1e-12`, without the last digits that binary arithmetic leaves.
package func plain(_ number: Double) -> String { plain(number, digits: 15) }

/// A number as people write it, with some digits at most: what was computed in 32 bits has six that count.
package func plain(_ number: Double, digits: Int32) -> String {
  // The sign of a number that is none means nothing.
  guard !number.isNaN else { return "not a number" }
  guard number.isFinite else { return number < 0 ? "minus infinity" : "infinite" }
  var text = [CChar](repeating: 0, count: 32)
  _ = withVaList([digits, number]) { vsnprintf(&text, text.count, "%.*g", $0) }
  return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension Double {
  /// The number that `plain` shows: of what was computed from decimal numbers, the decimal number that was meant.
  package var asWritten: Double { isFinite ? Double(plain(self)) ?? self : self }
}
