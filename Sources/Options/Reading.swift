import System

/// What an option takes: how its word becomes a value, and what is said of a word that does not.
package struct Reading<Value: Sendable>: Sendable {
  /// What a shell may complete.
  package let completion: OptionDeclaration.Completion
  private let body: @Sendable (_ word: String, _ option: String) throws -> Value
  private let words: @Sendable (Value) -> String

  /// Makes a reading.
  /// - Parameters:
  ///   - completion: What a shell may complete.
  ///   - text: A value as a user would type it.
  ///   - body: Reads a word; throws `Failure` (usage).
  package init(
    completion: OptionDeclaration.Completion = .nothing,
    text: @escaping @Sendable (Value) -> String = { "\($0)" },
    _ body: @escaping @Sendable (_ word: String, _ option: String) throws -> Value
  ) {
    self.completion = completion
    self.body = body
    words = text
  }

  /// Makes a reading that says the same of every word that it does not understand.
  private init(
    _ expected: String, completion: OptionDeclaration.Completion = .nothing,
    text: @escaping @Sendable (Value) -> String = { "\($0)" },
    _ read: @escaping @Sendable (String) -> Value?
  ) {
    self.init(completion: completion, text: text) { word, option in
      guard let value = read(word) else {
        throw Failure(.usage, "--\(option) takes \(expected), not \(quoted(word)).")
      }
      return value
    }
  }

  /// A value as a user would type it.
  package func text(_ value: Value) -> String { words(value) }

  /// Reads a word that follows an option.
  func read(_ word: String, of option: String) throws(Failure) -> Value {
    do { return try body(word, option) } catch let failure as Failure {
      throw failure
    } catch { throw Failure(.internal, "\(error)") }
  }
}

extension Reading where Value == String {
  /// Any text.
  package static let text = Reading(text: { $0 }) { word, _ in word }
  /// The name of a file or folder, which is not empty and has lost no bytes.
  package static let path = Reading(completion: .path, text: { $0 }) {
    word, option in
    guard !word.isEmpty else {
      throw Failure(
        .usage, "--\(option) was given an empty value; leave it out or give a value.")
    }
    // What would be written under the name that is left would replace what others wrote there.
    guard !word.hasLostBytes else {
      throw Failure(
        .usage,
        "The name \(quoted(word)) of --\(option) is not UTF-8, or holds the character that stands "
          + "for what is not; give another name.")
    }
    return word
  }

  /// The name of a picture to write in one format, which must not end like one in another.
  package static func picture(_ format: String) -> Reading {
    let others = ["png", "svg", "jpg", "jpeg", "gif", "webp", "tif", "tiff", "bmp", "pdf"]
    return Reading(completion: .path, text: { $0 }) { word, option in
      let parts = word.split(separator: "/").last?.split(separator: ".") ?? []
      let ending = parts.count > 1 ? parts[parts.count - 1].lowercased() : ""
      guard ending == format || !others.contains(ending) else {
        throw Failure(
          .usage,
          "--\(option) writes a picture as \(format.uppercased()); give it a name that ends in "
            + ".\(format), not \(quoted(word)).")
      }
      return try path.read(word, of: option)
    }
  }

  /// One of some words.
  package static func word(of words: [String]) -> Reading {
    Reading(words.joined(separator: " or "), completion: .words(words), text: { $0 }) {
      words.contains($0) ? $0 : nil
    }
  }
}

extension Reading where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of an enumeration's cases by its word.
  package static var word: Reading { word(of: Array(Value.allCases)) }

  /// One of some of an enumeration's cases by its word.
  package static func word(of cases: [Value]) -> Reading {
    let words = cases.map(\.rawValue)
    return Reading(
      words.joined(separator: " or "), completion: .words(words), text: { $0.rawValue }
    ) { words.contains($0) ? Value(rawValue: $0) : nil }
  }
}

extension Reading where Value == Int {
  /// A whole number within bounds.
  package static func integer(in bounds: ClosedRange<Int>) -> Reading {
    let range =
      bounds.upperBound == .max
      ? "of \(bounds.lowerBound) or more" : "from \(bounds.lowerBound) to \(bounds.upperBound)"
    return Reading("a whole number \(range)") { word in
      Int(word).flatMap { bounds.contains($0) ? $0 : nil }
    }
  }
}

extension Reading where Value == Double {
  /// A finite number within bounds.
  package static func number(in bounds: ClosedRange<Double>) -> Reading {
    let range =
      bounds.upperBound == .greatestFiniteMagnitude
      ? "of \(plain(bounds.lowerBound)) or more"
      : "from \(plain(bounds.lowerBound)) to \(plain(bounds.upperBound))"
    return Reading("a number \(range)", text: plain) { word in
      Double(word).flatMap { $0.isFinite && bounds.contains($0) ? $0 : nil }
    }
  }

  /// A share between 0 and 1: `5%` or `0.05`.
  package static let share = Reading("a share between 0 and 1 such as 5% or 0.05", text: plain) {
    word in
    let isPercent = word.hasSuffix("%")
    let number = Double(isPercent ? String(word.dropLast()) : word)
    return number.map { isPercent ? $0 / 100 : $0 }.flatMap { $0 > 0 && $0 < 1 ? $0 : nil }
  }

  /// A length of time in seconds: `90`, `90s`, `30m`, `12h`, `2d` or `hours:minutes:seconds`.
  package static let time = Reading("a time such as 90s, 30m, 12h, 2d or 23:30:00", text: plain) {
    word in
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    let unit = word.last.flatMap { units[$0] }
    let parts = (unit == nil ? word : String(word.dropLast()))
      .split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in
      part.allSatisfy { $0.isNumber || $0 == "." } ? Double(part) : nil
    }
    let total = numbers.reduce(0) { 60 * $0 + $1 } * (unit ?? 1)
    // Behind a colon there are less than sixty of the unit in front of it.
    guard numbers.count == parts.count, parts.count <= 3,
      numbers.dropFirst().allSatisfy({ $0 < 60 }), unit == nil || parts.count == 1,
      total > 0, total < 1e9
    else { return nil }
    return total
  }

  /// The same with its unit: a number alone is minutes to Slurm and seconds to PBS.
  package static let timeWithUnit = Reading(text: plain) { word, option in
    guard Double(word) == nil else {
      throw Failure(
        .usage,
        "--\(option) takes a time such as 30m, 12h, 2d or 23:30:00, not \(quoted(word)), which is "
          + "minutes to Slurm and seconds to PBS.")
    }
    return try time.read(word, of: option)
  }
}

extension Reading where Value == TimeLimit {
  /// Seconds that something may take: one at least, a million at most, or 0 for no limit.
  package static let limit = Reading(
    "0 for no limit, or 1 to 1000000 seconds", text: { plain($0.seconds ?? 0) }
  ) { word in
    guard let number = Double(word), number == 0 || (1...1e6).contains(number) else { return nil }
    return TimeLimit(seconds: number == 0 ? nil : number)
  }
}

/// Seconds that something may take.
package struct TimeLimit: Sendable, Equatable {
  /// The seconds; nil for no limit.
  package let seconds: Double?

  /// Makes a limit.
  package init(seconds: Double?) { self.seconds = seconds }
}
