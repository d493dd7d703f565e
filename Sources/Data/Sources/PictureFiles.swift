import Glibc
import Images
package import System

/// Picture files, recognised by their names.
package enum PictureFiles {
  /// The endings of picture files, as a list for messages.
  package static var endings: String {
    ImageFormat.fileExtensions.sorted().map { "." + $0 }.joined(separator: ", ")
  }

  /// Whether a path is a folder.
  package static func isFolder(_ path: String) -> Bool { PathBytes(path).isFolder }

  /// The pictures that `prepare` would find in a folder, and notes on other files, one sentence per
  /// kind.
  ///
  /// Each folder's pictures come before those of the folders in it.
  /// - Throws: `Failure` (input missing) for a folder that cannot be read.
  package static func list(
    in folder: String
  ) throws(Failure) -> (pictures: [String], notes: [String]) {
    var walk = try FolderWalk(folder)
    var pictures: [String] = []
    let root = PathBytes(folder)
    walk.tree.forEachPicture { pictures.append(root.appending($0).text) }
    walk.countOthers(in: walk.tree)
    return (pictures, walk.notes + [walk.unusableNote].compactMap(\.self))
  }

  /// Whether a file's name has a picture's ending, in upper or lower case.
  static func isPicture(_ name: [UInt8]) -> Bool {
    ImageFormat.fileExtensions.contains(suffix(name))
  }

  /// Whether a file is a picture by its first bytes, whatever its name.
  static func isPicture(at path: PathBytes) -> Bool {
    guard let file = try? InputFile.open(path) else { return false }
    defer { close(file.descriptor) }
    var start = [UInt8](repeating: 0, count: min(64, file.length))
    return start.withUnsafeMutableBytes { memory in
      !memory.isEmpty
        && WholeTransfer.read(into: memory, from: file.descriptor, at: 0) == 0
        && ImageFormat(unnamed: UnsafeRawBufferPointer(memory)) != nil
    }
  }

  // Formats that users consider pictures; a camera raw file would be read as the TIFF of its
  // thumbnail.
  private static let otherKinds: [String: String] = {
    var kinds: [String: String] = [:]
    for raw in [
      "3fr", "arw", "cr2", "cr3", "crw", "dng", "erf", "kdc", "mrw", "nef", "nrw", "orf", "pef",
      "raf", "raw", "rw2", "srw", "x3f",
    ] { kinds[raw] = "is a camera's raw file" }
    for other in [
      "ai", "cdr", "dds", "eps", "exr", "fits", "hdr", "ico", "pcx", "pdf", "pfm", "ps", "psd",
      "svg",
      "svgz", "tga", "wmf", "xcf",
    ] { kinds[other] = "is a picture in a format that is not read (\(other.uppercased()))" }
    return kinds
  }()

  /// Why a file with a picture's ending cannot be used; nil for other files.
  static func reasonAgainst(_ name: [UInt8]) -> String? {
    otherKinds[suffix(name)].map { "\($0); convert it to JPEG or PNG" }
  }

  private static func suffix(_ name: [UInt8]) -> String {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return "" }
    return String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
  }

  // MARK: Items

  /// Refuses a picture that is too long to be one.
  /// - Throws: `ImageProblem` for more than 1 GiB.
  static func checkLength(_ length: UInt64) throws(ImageProblem) {
    guard length <= 1 << 30 else { throw ImageProblem("is larger than 1 GiB") }
  }

  /// A picture's file below `root`.
  ///
  /// A file that is not regular, for example a broken link, gives an error when it is read.
  static func item(
    _ name: [UInt8], label: Int, split: Split, in root: PathBytes, base: Int = 0
  ) -> SourceItem {
    let status = root.appending(name).status
    return SourceItem(
      label: label, split: split, name: name, file: base, length: UInt64(status?.size ?? 0),
      changed: status?.changed ?? 0)
  }

  /// Reads a picture's file.
  /// - Throws: `ImageProblem` when it cannot be opened or read.
  static func read(
    _ item: SourceItem, in root: PathBytes, into buffer: ByteBuffer
  ) throws(ImageProblem) -> SourceImage {
    let file: RegularFile
    do throws(RegularFile.OpeningError) {
      file = try InputFile.open(root.appending(item.name))
    } catch { throw ImageProblem(error.reason) }
    defer { close(file.descriptor) }
    try checkLength(UInt64(file.length))
    buffer.resize(file.length)
    let code = WholeTransfer.read(into: buffer.bytes, from: file.descriptor, at: 0)
    guard code == 0 else {
      throw ImageProblem("cannot be read: \(String(cString: strerror(code)))")
    }
    return .encoded
  }
}
