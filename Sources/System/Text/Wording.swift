/// A number with the noun that it counts.
package func counted(_ number: Int, _ one: String, _ many: String) -> String {
  "\(number) \(number == 1 ? one : many)"
}

/// A list of names for a sentence: the first few, and how many more there are.
package func listed(_ names: some Collection<String>, most: Int = 5) -> String {
  let more = names.count - most
  return names.prefix(more == 1 ? most + 1 : most).map { quoted($0) }.joined(separator: ", ")
    + (more > 1 ? " and \(more) more" : "")
}

/// A duration in words: `1 h 05 min`, `12 min 30 s` or `45 s`.
package func spoken(seconds: Double) -> String {
  func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  let whole = Int(max(0, min(seconds, 1e9)).rounded())
  if whole >= 3600 { return "\(whole / 3600) h \(twoDigits(whole / 60 % 60)) min" }
  return whole >= 60 ? "\(whole / 60) min \(twoDigits(whole % 60)) s" : "\(whole) s"
}
