import Glibc

/// This host and this program.
package enum Machine {
  /// The name of the host, as messages and locks name it.
  package static let hostName: String = {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()

  /// The SHA-256 of the program's file, which tells two builds apart; nil where the program cannot
  /// read itself.
  package static var programChecksum: String? {
    (try? InputFile(opening: "/proc/self/exe"))?.checksum
  }
}
