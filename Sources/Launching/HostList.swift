package import System

/// Hosts and the ranks of each.
package struct HostList: Sendable, Equatable {
  /// A host.
  package struct Host: Sendable, Equatable {
    /// Its name.
    package let name: String
    /// Its ranks.
    package let ranks: Int
  }

  /// The hosts in their order; at least one.
  package let hosts: [Host]

  /// All ranks.
  package var ranks: Int { hosts.reduce(0) { $0 + $1.ranks } }
  /// The ranks of the host that has most of them.
  package var mostRanks: Int { hosts.map(\.ranks).max() ?? 1 }
  /// The list as mpirun takes it, `a:2,b:2`.
  package var text: String { hosts.map { "\($0.name):\($0.ranks)" }.joined(separator: ",") }

  /// Reads `a,b:4`: two ranks a host unless it says another number.
  /// - Throws: `Failure` (usage) that names what is no host or no number.
  package init(_ text: String) throws(Failure) {
    var hosts: [Host] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      hosts.append(try Self.host(String(parts[0]), parts.count == 2 ? String(parts[1]) : "2"))
    }
    self.hosts = Self.merged(hosts)
  }

  /// Reads a hostfile of mpirun's: lines `HOST slots=RANKS`; one rank where a line says no number.
  /// - Throws: `Failure` (inputMissing, usage) if it cannot be read, names no host, or says what is
  ///   not understood.
  package init(hostfile path: String) throws(Failure) {
    let bytes = try RegularFile.contents(of: path, limit: 1 << 20)
    var hosts: [Host] = []
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
      // mpirun allows blanks around the equals sign.
      let text = String(line.prefix { $0 != "#" }).replacing("=", with: " = ")
      var words = text.split(whereSeparator: \.isWhitespace)[...]
      guard let name = words.popFirst() else { continue }
      var ranks = "1"
      while let key = words.popFirst() {
        let isPair = words.popFirst() == "="
        guard isPair, let value = words.popFirst(),
          Self.rankWords.contains(String(key)) || Self.limitWords.contains(String(key))
        else {
          throw Failure(
            .usage,
            "\(quoted(String(key))) in the line of \(quoted(String(name))) in \(quoted(path)) is "
              + "not understood; write 'HOST slots=RANKS'.")
        }
        if Self.rankWords.contains(String(key)) { ranks = String(value) }
      }
      hosts.append(try Self.host(String(name), ranks))
    }
    guard !hosts.isEmpty else {
      throw Failure(
        .usage, "There is no host in \(quoted(path)); write a line 'HOST slots=2' each.")
    }
    self.hosts = Self.merged(hosts)
  }

  /// What mpirun calls a host's ranks, and the most that it may have.
  private static let rankWords = ["slots", "count", "cpu"]
  private static let limitWords = ["max-slots", "max_slots", "slots-max", "slots_max"]

  /// Each host once: the ranks of one that is named again are added to it, as mpirun does.
  private static func merged(_ hosts: [Host]) -> [Host] {
    var merged: [Host] = []
    var places: [String: Int] = [:]
    for host in hosts {
      if let place = places[host.name] {
        merged[place] = Host(name: host.name, ranks: merged[place].ranks + host.ranks)
      } else {
        places[host.name] = merged.count
        merged.append(host)
      }
    }
    return merged
  }

  /// The lines of a batch system's list of hosts, each as often as it has ranks.
  /// - Throws: `Failure` (inputMissing, badData) if it cannot be read, is no file or names no host.
  package static func nodes(of path: String) throws(Failure) -> [String] {
    let bytes = try RegularFile.contents(of: path, limit: 1 << 20)
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard !lines.isEmpty else {
      throw Failure(.badData, "The batch system's list of hosts, \(quoted(path)), names none.")
    }
    return lines.map(String.init)
  }

  private static func host(_ name: String, _ ranks: String) throws(Failure) -> Host {
    // A name that begins with a dash, or holds anything but a name, would be an option of ssh or
    // worse.
    let isInside = { (letter: Character) in
      letter.isASCII && (letter.isLetter || letter.isNumber)
    }
    guard let first = name.first, let last = name.last, isInside(first), isInside(last),
      name.allSatisfy({ isInside($0) || "._-".contains($0) })
    else { throw Failure(.usage, "\(quoted(name)) is not the name of a host.") }
    guard let number = Int(ranks), (1...9999).contains(number) else {
      throw Failure(.usage, "\(quoted(ranks)) is not a number of ranks for \(quoted(name)).")
    }
    return Host(name: name, ranks: number)
  }
}
