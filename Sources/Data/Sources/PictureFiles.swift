package import Failures
import Images

/// Picture files, told by their names.
package enum PictureFiles {
  /// The endings that picture files have, as a sentence names them.
  package static var endings: String {
    ImageFormat.fileExtensions.sorted().map { "." + $0 }.joined(separator: ", ")
  }

  /// Whether a path leads to a folder.
  package static func isFolder(_ path: String) -> Bool { PathBytes(path).status?.isFolder ?? false }

  /// The pictures of a folder and of those in it, in the order of their names; links to folders are not
  /// followed, since they may lead round in a circle.
  /// - Throws: `Failure` (input missing) for a folder that cannot be read.
  package static func list(in folder: String) throws(Failure) -> [String] {
    try list(in: PathBytes(folder))
  }

  private static func list(in folder: PathBytes) throws(Failure) -> [String] {
    var found: [String] = []
    for entry in try FolderListing(of: folder).entries {
      let path = folder.appending(entry.name)
      switch entry.kind {
      case .folder where !entry.isLink: found += try list(in: path)
      case .file where isPicture(entry.name): found.append(path.text)
      default: break
      }
    }
    return found
  }

  /// Whether a file's name ends as pictures' names do, in upper or lower case.
  static func isPicture(_ name: [UInt8]) -> Bool {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
    let suffix = String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
    return ImageFormat.fileExtensions.contains(suffix)
  }
}
