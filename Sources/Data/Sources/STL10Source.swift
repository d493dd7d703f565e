package import Images
package import System

/// STL-10's binary version: `train_X.bin`, `train_y.bin`, `test_X.bin`, `test_y.bin`,
/// `class_names.txt`.
///
/// A picture has 96x96 values each of red, green and blue, column by column; labels count from 1.
/// The unlabelled pictures in `unlabeled_X.bin` are left out.
package final class STL10Source: ImageSource {
  private struct Part: Sendable {
    let split: Split
    let name: String
    let file: InputFile
    let labels: [UInt8]
  }

  private static let side = 96
  private static let values = side * side * 3

  private let folder: String
  private let classNames: [String]
  private let parts: [Part]

  /// Opens the files of a folder; nil if there are none by these names.
  /// - Throws: `Failure` (input missing, bad data) that names the file.
  package init?(lookingIn path: String) throws(Failure) {
    func isFile(_ name: String) -> Bool { PathBytes("\(path)/\(name)").isFile }
    guard isFile("train_X.bin"), isFile("train_y.bin") else { return nil }
    folder = path
    classNames =
      isFile("class_names.txt")
      ? try ClassNameList.distinct("\(path)/class_names.txt") : (1...10).map { String($0) }
    var parts: [Part] = []
    for (split, name) in [(Split.train, "train"), (.validation, "test")]
    where isFile("\(name)_X.bin") {
      let file = try InputFile(opening: "\(path)/\(name)_X.bin")
      let labels = try RegularFile.contents(of: "\(path)/\(name)_y.bin", limit: 1 << 28)
      guard file.size == UInt64(labels.count * Self.values), !labels.isEmpty else {
        throw Failure(
          .badData,
          "\(quoted(file.path)) has \(file.size) bytes, not those of \(labels.count) pictures of "
            + "\(Self.values) bytes, one for each label; download it again.")
      }
      let classes = classNames.count
      guard labels.allSatisfy({ (1...classes).contains(Int($0)) }) else {
        throw Failure(
          .badData, "\(quoted("\(path)/\(name)_y.bin")) holds labels beyond its \(classes) classes."
        )
      }
      parts.append(Part(split: split, name: name, file: file, labels: labels))
    }
    self.parts = parts
  }

  /// `STL-10 binary files`.
  package var kind: String { "STL-10 binary files" }

  /// Lists the pictures in the order of the files.
  /// - Throws: Nothing; errors were found when the files were opened.
  package func list() throws(Failure) -> SourceListing {
    var items: [SourceItem] = []
    for (number, part) in parts.enumerated() {
      for (picture, label) in part.labels.enumerated() {
        items.append(
          SourceItem(
            label: Int(label) - 1, split: part.split, name: Array("\(part.name)-\(picture)".utf8),
            file: number, place: UInt64(picture), changed: part.file.changed))
      }
    }
    var notes: [String] = []
    if parts.count > 1 { notes.append(SourceListing.testIsValidation("test_X.bin")) }
    if PathBytes("\(folder)/unlabeled_X.bin").status != nil {
      notes.append("The pictures in 'unlabeled_X.bin' have no labels and were left out.")
    }
    return SourceListing(classNames: classNames, items: items, notes: notes)
  }

  /// Copies a picture's values, converting three planes of columns to rows of RGB pixels.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    var planes = [UInt8](repeating: 0, count: Self.values)
    let file = parts[item.file].file
    guard
      planes.withUnsafeMutableBytes({ file.read(at: item.place * UInt64(Self.values), into: $0) })
    else { throw ImageProblem("cannot be read from its file") }
    buffer.resize(Self.values)
    let output = buffer.bytes
    for row in 0..<Self.side {
      for column in 0..<Self.side {
        for channel in 0..<3 {
          output[3 * (row * Self.side + column) + channel] =
            planes[(channel * Self.side + column) * Self.side + row]
        }
      }
    }
    return .pixels(width: Self.side, height: Self.side, bands: 3)
  }
}
