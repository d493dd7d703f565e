import Glibc
package import Images
import System

/// Pictures as files in folders.
///
/// Class folders, with or without folders for the parts of the dataset, and the folder trees of
/// known datasets; `FolderLayout` recognises them. Symbolic links are followed.
package struct PictureFolderSource: ImageSource {
  /// `class folders`, or the name of the dataset.
  package let kind: String
  private let root: PathBytes
  private let listing: SourceListing

  /// Recognises the layout of a folder.
  /// - Throws: `Failure`: input missing for folders without pictures, bad data for unknown layouts.
  init(_ path: String, _ walk: FolderWalk, _ options: SourceOptions) throws(Failure) {
    root = PathBytes(path)
    var layout = FolderLayout(path, walk)
    try layout.recognise(options)
    kind = layout.kind
    listing = try layout.listing()
  }

  /// The pictures, class by class if the classes are folders.
  package func list() -> SourceListing { listing }

  /// Reads a picture's file.
  /// - Throws: `ImageProblem` when it cannot be opened or read.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  { try PictureFiles.read(item, in: root, into: buffer) }
}
