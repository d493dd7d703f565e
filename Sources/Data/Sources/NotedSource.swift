import Images
import System

/// A source with notes on other files next to its own.
struct NotedSource: ImageSource {
  let base: any ImageSource
  let notes: [String]

  var kind: String { base.kind }

  func list() throws(Failure) -> SourceListing {
    var listing = try base.list()
    listing.notes += notes
    return listing
  }

  func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage {
    try base.read(item, into: buffer)
  }
}
