package import Images
package import System

/// One picture of a source, before it is read.
package struct SourceItem: Sendable {
  /// The class, a place in the listing's names.
  package var label: Int
  /// The part of the dataset that it belongs to.
  package var split: Split
  /// Its path in the source, or a name made up for it; any bytes.
  package var name: [UInt8]
  /// Which file of the source holds it, counted by the source.
  package var file: Int
  /// Where it is in that file; its meaning is the source's own.
  package var place: UInt64
  /// How long it is there, if the source knows.
  package var length: UInt64
  /// When the file that holds it was changed last, in nanoseconds since 1970; 0 if it is not there.
  package var changed: Int64

  /// Makes an item.
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

/// What a source puts into the buffer.
package enum SourceImage: Sendable {
  /// A picture file's bytes.
  case encoded
  /// Pixels, rows from the top, gray (1 band) or RGB (3 bands).
  case pixels(width: Int, height: Int, bands: Int)
}

/// A kind of place that pictures with labels come from.
///
/// A new kind is one file: a type that lists what is there and reads one picture at a time, from
/// any thread and in any order, and a line in `ImageSources.open`.
package protocol ImageSource: Sendable {
  /// What it is in words, `class folders`.
  var kind: String { get }

  /// Finds all pictures, without reading them.
  /// - Throws: `Failure` with the path and the remedy.
  func list() throws(Failure) -> SourceListing

  /// Reads one picture into the buffer, as it lies in the source.
  /// - Throws: `ImageProblem` when this one cannot be read; the others may be.
  func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
}
