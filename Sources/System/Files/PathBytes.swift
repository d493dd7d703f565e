package import Glibc

/// A path as the system holds it: any bytes but zero, not necessarily text.
package struct PathBytes: Sendable, Equatable {
  package var bytes: [UInt8]

  /// The path of a text.
  package init(_ text: String) { bytes = Array(text.utf8) }
  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// The path of something inside this folder.
  package func appending(_ name: [UInt8]) -> PathBytes {
    bytes.isEmpty ? PathBytes(bytes: name) : PathBytes(bytes: bytes + [UInt8(ascii: "/")] + name)
  }

  /// The path as text; what is not UTF-8 in it shows as replacement characters.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The path as the system takes it, which ends it at a zero: one with a zero inside is the empty path, which leads nowhere,
  /// and not what stands before the zero.
  package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    body((bytes.contains(0) ? [] : bytes.map { CChar(bitPattern: $0) }) + [0])
  }

  /// The path from the root, symbolic links followed; nil if it leads nowhere.
  package var resolved: PathBytes? {
    guard let whole = withCString({ realpath($0, nil) }) else { return nil }
    defer { free(whole) }
    let bytes = UnsafeBufferPointer(start: whole, count: strlen(whole))
    return PathBytes(bytes: bytes.map { UInt8(bitPattern: $0) })
  }

  /// What the path leads to, symbolic links followed, or nil.
  package var status: stat? {
    withCString { path in
      var status = stat()
      return stat(path, &status) == 0 ? status : nil
    }
  }

  /// When what it leads to was changed last, in nanoseconds since 1970; 0 where it leads nowhere.
  package var changed: Int64 { status?.changed ?? 0 }
  /// Whether it leads to a regular file.
  package var isFile: Bool { status?.isFile == true }
  /// Whether it leads to a folder.
  package var isFolder: Bool { status?.isFolder == true }
}

extension [UInt8] {
  /// The last component, where these are the bytes of a path.
  package var lastComponent: ArraySlice<UInt8> {
    self[(lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
  }
}

/// A name of any bytes as text: what is no UTF-8 is taken for Latin-1, so that different names stay different.
package func readable(_ name: some Collection<UInt8>) -> String {
  String(validating: name, as: UTF8.self)
    ?? String(String.UnicodeScalarView(name.map { Unicode.Scalar($0) }))
}
