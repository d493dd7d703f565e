public import Failures
public import Images

/// One picture of a source, before it is read.
public struct SourceItem: Sendable {
  /// The class, a place in the listing's names.
  public var label: Int
  /// The part of the dataset that it belongs to.
  public var split: Split
  /// Its path in the source, or a name made up for it; any bytes.
  public var name: [UInt8]
  /// Which file of the source holds it, counted by the source.
  public var file: Int
  /// Where it is in that file; its meaning is the source's own.
  public var place: UInt64
  /// How long it is there, if the source knows.
  public var length: UInt64
  /// When the file that holds it was changed last, in nanoseconds since 1970; 0 if it is not there.
  public var changed: Int64

  /// Makes an item.
  public init(
    label: Int, split: Split, name: [UInt8], file: Int = 0, place: UInt64 = 0, length: UInt64 = 0,
    changed: Int64 = 0
  ) {
    self.label = label
    self.split = split
    self.name = name
    self.file = file
    self.place = place
    self.length = length
    self.changed = changed
  }

  /// The name as text, for messages.
  public var nameText: String { String(decoding: name, as: UTF8.self) }
}

/// Everything that a source holds.
public struct SourceListing: Sendable {
  /// The classes' names; a label is a place in this list.
  public var classNames: [String]
  /// The pictures, in an order that depends on the source alone.
  public var items: [SourceItem]
  /// What the user should know: files that were left out, for example.
  public var notes: [String]

  /// Makes a listing.
  public init(classNames: [String], items: [SourceItem], notes: [String] = []) {
    self.classNames = classNames
    self.items = items
    self.notes = notes
  }
}

/// What a source puts into the buffer.
public enum SourceImage: Sendable {
  /// A picture file's bytes.
  case encoded
  /// Pixels, rows from the top, gray (1 band) or RGB (3 bands).
  case pixels(width: Int, height: Int, bands: Int)
}

/// A kind of place that pictures with labels come from.
///
/// A new kind is one file: a type that lists what is there and reads one picture at a time, from
/// any thread and in any order, and a line in `ImageSources.open`.
public protocol ImageSource: Sendable {
  /// What it is in words, `class folders`.
  var kind: String { get }

  /// Finds all pictures, without reading them.
  /// - Throws: `Failure` with the path and the remedy.
  func list() throws(Failure) -> SourceListing

  /// Reads one picture into the buffer, as it lies in the source.
  /// - Throws: `ImageProblem` when this one cannot be read; the others may be.
  func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
}

/// Finds out what kind of source a path is.
public enum ImageSources {
  /// Opens a source.
  /// - Parameters:
  ///   - path: The folder that holds the pictures or the archives of them, or a single shard.
  ///   - list: A list file that selects or relabels pictures.
  /// - Returns: The source.
  /// - Throws: `Failure` (input missing) when nothing is there, or nothing that is known.
  public static func open(
    _ path: String, list: String? = nil
  ) throws(Failure) -> any ImageSource {
    let source = try find(path)
    return list.map { ListedSource(source, list: $0) } ?? source
  }

  private static func find(_ path: String) throws(Failure) -> any ImageSource {
    let location = PathBytes(path)
    guard let status = location.status else {
      throw Failure(
        .inputMissing,
        "There is no folder \(quoted(path)); give --source the folder that holds the pictures.")
    }
    guard status.isFolder || (status.isFile && path.hasSuffix(".tar")) else {
      throw Failure(
        .inputMissing,
        "\(quoted(path)) is not a folder; give --source the folder that holds the pictures.")
    }
    if status.isFolder {
      if let files = try IDXSource(lookingIn: path) { return files }
      if let files = try CIFARSource(lookingIn: path) { return files }
      if let archives = try ILSVRCSource(lookingIn: path) { return archives }
    }
    if let shards = try WebDatasetSource(lookingIn: path) { return shards }
    return ClassFolderSource(path)
  }
}
