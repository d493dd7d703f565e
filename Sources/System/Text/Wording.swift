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
