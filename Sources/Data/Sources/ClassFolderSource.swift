public import Failures
import Glibc
public import Images

/// Pictures in one folder for each class, at any depth below it.
///
/// Either `DIR/train/<class>/...` with `DIR/val`, `DIR/validation` or `DIR/test` beside it, or
/// `DIR/<class>/...`. The classes are in the order of their names' bytes. A file is a picture by
/// its extension, in upper or lower case; symbolic links are followed.
public struct ClassFolderSource: ImageSource {
  let root: PathBytes

  /// A source in a folder.
  public init(_ path: String) { root = PathBytes(path) }

  /// `class folders`.
  public var kind: String { "class folders" }

  private static let validationNames = ["val", "validation", "test"]
  private static let largestFile = 1 << 30

  /// Finds all pictures.
  /// - Throws: `Failure`: input missing for folders without pictures or that cannot be read, bad data for a
  ///   single class or classes that do not match.
  public func list() throws(Failure) -> SourceListing {
    let top = try FolderListing(of: root)
    guard !top.entries.isEmpty else {
      throw Failure(
        .inputMissing,
        "The folder \(quoted(root.text)) is empty; --source wants DIR/<class>/<pictures> or "
          + "DIR/train/<class>/<pictures>.")
    }
    let folders = top.entries.filter { $0.kind == .folder }.map(\.name)
    let train = Array("train".utf8)
    let validation = Self.validationNames.map { Array($0.utf8) }.first { folders.contains($0) }
    var search = Search(root: root)
    if folders.contains(train) {
      try search.addClasses(in: train, split: .train, declares: true)
      if let validation {
        try search.addClasses(in: validation, split: .validation, declares: false)
      }
    } else if validation != nil
      && folders.allSatisfy({ Self.isValidationName(String(decoding: $0, as: UTF8.self)) })
    {
      throw Failure(
        .inputMissing,
        "\(quoted(root.text)) holds validation pictures only; put the training pictures into "
          + "\(quoted(root.text + "/train")).")
    } else {
      try search.addClasses(in: [], split: .train, declares: true)
    }
    return try search.listing()
  }

  static func isValidationName(_ name: String) -> Bool { validationNames.contains(name) }

  /// A picture's file below `root`.
  ///
  /// What is no regular file, a broken link for example, is found out when it is read.
  static func item(_ name: [UInt8], label: Int, split: Split, in root: PathBytes) -> SourceItem {
    let status = root.appending(name).status
    return SourceItem(
      label: label, split: split, name: name, length: UInt64(status?.st_size ?? 0),
      changed: status?.changed ?? 0)
  }

  /// Reads a picture's file.
  /// - Throws: `ImageProblem` when it cannot be opened or read.
  public func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    let file: RegularFile
    do throws(RegularFile.OpeningError) {
      file = try InputFile.open(root.appending(item.name))
    } catch { throw ImageProblem(error.reason) }
    defer { close(file.descriptor) }
    guard file.length <= Self.largestFile else { throw ImageProblem("has more than 1 GiB") }
    buffer.resize(file.length)
    guard InputFile.read(file.descriptor, at: 0, into: buffer.bytes) else {
      throw ImageProblem("cannot be read: \(String(cString: strerror(errno)))")
    }
    return .encoded
  }

  /// The walk through the folders.
  private struct Search {
    let root: PathBytes
    var classes: [[UInt8]] = []
    var items: [SourceItem] = []
    var looseFiles = 0
    var otherFiles = 0

    init(root: PathBytes) { self.root = root }

    /// Takes each folder in `parent` as a class.
    mutating func addClasses(
      in parent: [UInt8], split: Split, declares: Bool
    ) throws(Failure) {
      let path = parent.isEmpty ? root : root.appending(parent)
      for entry in try FolderListing(of: path).entries {
        guard entry.kind == .folder else {
          looseFiles += PictureFiles.isPicture(entry.name) ? 1 : 0
          continue
        }
        if declares { classes.append(entry.name) }
        let folder = PathBytes(bytes: parent).appending(entry.name)
        guard let label = classes.firstIndex(of: entry.name) else {
          throw Failure(
            .badData,
            "The class \(quoted(String(decoding: entry.name, as: UTF8.self))) has validation pictures in "
              + "\(quoted(path.text)) but none for training.")
        }
        let before = items.count
        try addPictures(in: folder, label: label, split: split, above: [])
        if items.count == before && split == .train {
          throw Failure(
            .badData,
            "The class folder \(quoted(root.appending(folder.bytes).text)) holds no picture "
              + "(.jpg, .jpeg, .png, .webp, .bmp, .tif); add some or remove the folder.")
        }
      }
      if split == .validation && !items.contains(where: { $0.split == .validation }) {
        throw Failure(
          .badData,
          "\(quoted(path.text)) holds no class folder with pictures; put each validation picture into the "
            + "folder of its class, or remove the folder to hold out a part of the training pictures."
        )
      }
    }

    private mutating func addPictures(
      in folder: PathBytes, label: Int, split: Split, above: [FolderIdentity]
    ) throws(Failure) {
      let path = root.appending(folder.bytes)
      let identity = path.status.map { FolderIdentity(device: $0.st_dev, node: $0.st_ino) }
      // A link to a folder above would lead around for ever.
      if let identity, above.contains(identity) { return }
      let chain = above + [identity].compactMap { $0 }
      for entry in try FolderListing(of: path).entries {
        let name = folder.appending(entry.name)
        if entry.kind == .folder {
          try addPictures(in: name, label: label, split: split, above: chain)
        } else if PictureFiles.isPicture(entry.name) {
          items.append(ClassFolderSource.item(name.bytes, label: label, split: split, in: root))
        } else {
          otherFiles += 1
        }
      }
    }

    func listing() throws(Failure) -> SourceListing {
      let names = classes.map { String(decoding: $0, as: UTF8.self) }
      guard !names.isEmpty else {
        let hint =
          looseFiles > 0
          ? "its \(looseFiles) pictures lie loose: put each into the folder of its class"
          : "--source wants DIR/<class>/<pictures> or DIR/train/<class>/<pictures>"
        throw Failure(.inputMissing, "\(quoted(root.text)) holds no class folders; \(hint).")
      }
      guard names.count > 1 else {
        throw Failure(
          .badData,
          "\(quoted(root.text)) holds one class only (\(quoted(names[0]))); a classifier needs at least two."
        )
      }
      var notes: [String] = []
      if looseFiles > 0 {
        notes.append("\(looseFiles) pictures that lie outside the class folders were left out.")
      }
      if otherFiles > 0 {
        notes.append("\(otherFiles) files that are no pictures by their names were left out.")
      }
      return SourceListing(classNames: names, items: items, notes: notes)
    }
  }

  private struct FolderIdentity: Equatable {
    let device: dev_t
    let node: ino_t
  }
}
