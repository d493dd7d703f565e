package import System

/// Where a server listens: `PORT` on this machine alone, or `HOST:PORT`.
package struct ServerPlace: Sendable, Equatable {
  /// The host's name or address; nil for the loopback addresses, which no other machine reaches.
  package let host: String?
  /// The port; 0 for one that is free.
  package let port: UInt16

  /// Whether no other machine reaches it.
  package var isLoopback: Bool {
    host.map { ["localhost", "127.0.0.1", "::1"].contains($0) } ?? true
  }

  /// Reads `8000`, `node7:8000`, `192.0.2.7:8000` or `[2001:db8::7]:8000`.
  /// - Throws: `Failure` (usage) for anything else.
  package init(_ word: String, option: String) throws(Failure) {
    let colon = word.lastIndex(of: ":")
    var host = colon.map { String(word[..<$0]) }
    let digits = colon.map { word[word.index(after: $0)...] } ?? word[...]
    if let name = host, name.hasPrefix("["), name.hasSuffix("]") {
      host = String(name.dropFirst().dropLast())
    } else if host?.contains(":") == true {
      host = ""
    }
    guard digits.allSatisfy(\.isASCII), digits.first?.isNumber == true, let port = UInt16(digits),
      host?.isEmpty != true
    else {
      throw Failure(
        .usage,
        "--\(option) takes a port from 0 to 65535, alone or behind a host such as node7:8000 or "
          + "[::1]:8000, not \(quoted(word)).")
    }
    (self.host, self.port) = (host, port)
  }
}
