import Glibc

/// A number for people: `0.0001` and `1e-12`, without the last digits of binary arithmetic.
package func plain(_ number: Double) -> String { plain(number, digits: 15) }

/// A number for people with a limited number of digits: results of 32-bit arithmetic have six
/// significant ones.
package func plain(_ number: Double, digits: Int32) -> String {
  // The sign of a NaN has no meaning.
  guard !number.isNaN else { return "not a number" }
  guard number.isFinite else { return number < 0 ? "minus infinity" : "infinite" }
  var text = [CChar](repeating: 0, count: 32)
  _ = withVaList([digits, number]) { vsnprintf(&text, text.count, "%.*g", $0) }
  return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A number of 32 bits for people: `0.1`, without the digits that 64 bits add.
package func plain(_ number: Float) -> String { plain(Double("\(number)") ?? Double(number)) }

extension Double {
  /// The number that `plain` shows: for results computed from decimal numbers, the intended decimal
  /// number.
  package var asWritten: Double { isFinite ? Double(plain(self)) ?? self : self }
}
