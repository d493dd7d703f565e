package import System

/// The options that a user gave, read as the types that the program wants.
package struct Arguments: Sendable {
  var values: [String: [String]] = [:]
  /// The words that belong to no option.
  package internal(set) var operands: [String] = []

  /// Whether the option or flag was given.
  package func has(_ name: String) -> Bool { values[name] != nil }

  /// The option's value as it was typed, or nil.
  package func string(_ name: String) -> String? { values[name]?.last }

  /// Every value of an option that may be repeated.
  package func strings(_ name: String) -> [String] { values[name] ?? [] }

  /// A whole number within bounds, or nil where the option was not given.
  /// - Throws: `Failure` (usage) that names the option, its value and the bounds.
  package func integer(_ name: String, in bounds: ClosedRange<Int>) throws(Failure) -> Int? {
    guard let text = string(name) else { return nil }
    guard let number = Int(text), bounds.contains(number) else {
      let range =
        bounds.upperBound == .max
        ? "of \(bounds.lowerBound) or more" : "from \(bounds.lowerBound) to \(bounds.upperBound)"
      throw Failure(.usage, "--\(name) takes a whole number \(range), not \(quoted(text)).")
    }
    return number
  }

  /// A finite number within bounds, or nil where the option was not given.
  /// - Throws: `Failure` (usage) that names the option, its value and the bounds.
  package func number(_ name: String, in bounds: ClosedRange<Double>) throws(Failure) -> Double? {
    guard let text = string(name) else { return nil }
    guard let number = Double(text), number.isFinite, bounds.contains(number) else {
      let range =
        bounds.upperBound == .greatestFiniteMagnitude
        ? "of \(plain(bounds.lowerBound)) or more"
        : "from \(plain(bounds.lowerBound)) to \(plain(bounds.upperBound))"
      throw Failure(.usage, "--\(name) takes a number \(range), not \(quoted(text)).")
    }
    return number
  }

  /// Seconds that something may take: one at least, or nil where 0 was given, which stands for no limit.
  /// - Throws: `Failure` (usage) that names the option and its value.
  package func limit(_ name: String, default usual: Double) throws(Failure) -> Double? {
    let limit = try number(name, in: 0...1e6) ?? usual
    guard limit == 0 || limit >= 1 else {
      throw Failure(.usage, "--\(name) takes 0 for none or a second at least, not \(plain(limit)).")
    }
    return limit == 0 ? nil : limit
  }

  /// One of an enumeration's cases by its word, or nil where the option was not given.
  /// - Throws: `Failure` (usage) that lists the words.
  package func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, of type: Choice.Type
  ) throws(Failure) -> Choice? where Choice.RawValue == String {
    try choice(name, of: type.allCases.map(\.rawValue)).flatMap { Choice(rawValue: $0) }
  }

  /// A length of time in seconds, or nil where the option was not given: `90`, `90s`, `30m`, `12h`, `2d` or
  /// `hours:minutes:seconds`.
  /// - Throws: `Failure` (usage) that names the option and its value.
  package func seconds(_ name: String) throws(Failure) -> Double? {
    guard let text = string(name) else { return nil }
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    let unit = text.last.flatMap { units[$0] }
    let parts = (unit == nil ? text : String(text.dropLast()))
      .split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in
      part.allSatisfy { $0.isNumber || $0 == "." } ? Double(part) : nil
    }
    let total = numbers.reduce(0) { 60 * $0 + $1 } * (unit ?? 1)
    guard numbers.count == parts.count, parts.count <= 3, unit == nil || parts.count == 1,
      total > 0, total < 1e9
    else {
      throw Failure(
        .usage,
        "--\(name) takes a time such as 90s, 30m, 12h, 2d or 23:30:00, not \(quoted(text)).")
    }
    return total
  }

  /// One of some words, or nil where the option was not given.
  /// - Throws: `Failure` (usage) that lists the words.
  package func choice(_ name: String, of words: [String]) throws(Failure) -> String? {
    guard let text = string(name) else { return nil }
    guard words.contains(text) else {
      throw Failure(
        .usage, "--\(name) takes \(words.joined(separator: " or ")), not \(quoted(text)).")
    }
    return text
  }
}
