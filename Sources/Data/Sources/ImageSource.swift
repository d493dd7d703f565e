package import Images
package import System

/// One picture of a source, before it is read.
package struct SourceItem: Sendable {
  /// The label, an index into the listing's class names.
  package var label: Int
  /// The part of the dataset that it belongs to.
  package var split: Split
  /// Its path in the source, or a generated name; any bytes.
  package var name: [UInt8]
  /// The number of the source's file that holds it.
  package var file: Int
  /// Its position in that file; the meaning depends on the source.
  package var place: UInt64
  /// Its length in that file, if the source knows it.
  package var length: UInt64
  /// The modification time of the file that holds it, in nanoseconds since 1970; 0 if the file is
  /// missing.
  package var changed: Int64

  package init(
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
  package var nameText: String { String(decoding: name, as: UTF8.self) }
}

/// The form of the data that a source puts into the buffer.
package enum SourceImage: Sendable {
  /// A picture file's bytes.
  case encoded
  /// Pixels, rows from the top, grey (1 band) or RGB (3 bands).
  case pixels(width: Int, height: Int, bands: Int)
}

/// A kind of source for labelled pictures.
///
/// A new kind needs one file, a type that lists what is there and reads one picture at a time, from
/// any thread and in any order, and one line in `ImageSources.open`.
package protocol ImageSource: Sendable {
  /// The kind in words, `class folders`.
  var kind: String { get }

  /// Finds all pictures, without reading them.
  /// - Throws: `Failure` with the path and the remedy.
  func list() throws(Failure) -> SourceListing

  /// Reads one picture into the buffer, as it is stored in the source.
  /// - Throws: `ImageProblem` if this picture cannot be read; others may still be readable.
  func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
}
