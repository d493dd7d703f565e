import Glibc

/// A path as the system stores it: any bytes but zero, not necessarily valid UTF-8.
package struct PathBytes: Sendable, Equatable {
  package var bytes: [UInt8]

  /// Makes a path from text.
  package init(_ text: String) { bytes = Array(text.utf8) }
  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// The path of something in this folder.
  package func appending(_ name: [UInt8]) -> PathBytes {
    bytes.isEmpty ? PathBytes(bytes: name) : PathBytes(bytes: bytes + [UInt8(ascii: "/")] + name)
  }

  /// The path as text; invalid UTF-8 becomes replacement characters.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Passes the path to a system function, as a C string.
  ///
  /// A path that contains a zero byte is passed as the empty path, which does not exist, instead of
  /// the part before the zero.
  package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    body((bytes.contains(0) ? [] : bytes.map { CChar(bitPattern: $0) }) + [0])
  }

  /// The absolute path with symbolic links resolved; nil if nothing is there.
  package var resolved: PathBytes? {
    guard let whole = withCString({ realpath($0, nil) }) else { return nil }
    defer { free(whole) }
    let bytes = UnsafeBufferPointer(start: whole, count: strlen(whole))
    return PathBytes(bytes: bytes.map { UInt8(bitPattern: $0) })
  }

  /// The status of the file it leads to, following symbolic links, or nil.
  package var status: FileStatus? { FileStatus(self) }

  /// The modification time of the file it leads to, in nanoseconds since 1970; 0 if nothing is
  /// there.
  package var changed: Int64 { status?.changed ?? 0 }
  /// Whether it leads to a regular file.
  package var isFile: Bool { status?.isFile == true }
  /// Whether it leads to a folder.
  package var isFolder: Bool { status?.isFolder == true }
}

extension [UInt8] {
  /// The last component, if these are the bytes of a path.
  package var lastComponent: ArraySlice<UInt8> {
    self[(lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
  }
}

/// A name of any bytes as text.
///
/// Names that are not UTF-8 are read as Latin-1, so that different names stay different.
package func readable(_ name: some Collection<UInt8>) -> String {
  String(validating: name, as: UTF8.self)
    ?? String(String.UnicodeScalarView(name.map { Unicode.Scalar($0) }))
}
