/// The name of a file of a held folder that is not whole yet, and the way from there to its own.
///
/// The file itself is written by `WholeFile`, or by several processes that each know the name.
/// Nobody else's files have such names: whatever has one was left by a process that was killed.
package struct PartialFile: Sendable {
  /// What follows the name of a file that is being written.
  package static let suffix = ".partial"

  /// The file's path in the folder while it is being written.
  package var temporary: String { name + Self.suffix }

  private let name: String
  private let folder: HeldFolder

  /// Names a file by its path in a folder; nothing is made or looked at.
  package init(_ name: String, in folder: HeldFolder) {
    (self.name, self.folder) = (name, folder)
  }

  /// Whether something has the temporary name.
  package var isThere: Bool { folder.status(of: temporary) != nil }

  /// Gives the file its name, in place of the one that had it, and brings the name to the disk.
  /// - Throws: `Failure` (inputOutput) where the folder or the disk refuses.
  package func publish() throws(Failure) {
    try folder.rename(temporary, to: name)
    let inner = name.lastIndex(of: "/").map { String(name[..<$0]) }
    try folder.bringNamesToDisk(of: inner ?? ".")
  }

  /// Makes the file another name of one that is there, in place of the file that had the name.
  /// - Returns: Whether the file system has hard links.
  package func publish(asLinkTo other: String) -> Bool {
    remove()
    guard folder.link(other, as: temporary) else { return false }
    // Between two names of one file renaming does nothing.
    defer { remove() }
    do throws(Failure) { try folder.rename(temporary, to: name) } catch { return false }
    return true
  }

  /// Removes what has the temporary name.
  package func remove() { folder.remove(temporary) }
}
