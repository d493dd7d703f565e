package import Images
package import System

/// The four files of MNIST and its relatives, plain or `.gz`.
///
/// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and the same with `t10k` or `test` for
/// validation, which may be missing. The names may start like those of EMNIST,
/// `emnist-balanced-train-...`, or of QMNIST, whose labels are rows of eight integers (`idx2-int`),
/// the first of which is the class.
///
/// The classes are the labels that occur, in numerical order. Fashion-MNIST is recognised by its
/// labels, and its classes get their names. EMNIST's pictures are stored transposed and are turned
/// upright; its classes are named by `emnist-balanced-mapping.txt`.
package final class IDXSource: ImageSource {
  private struct Part: Sendable {
    let split: Split
    let prefix: String
    let images: IDXFile
    let labels: [UInt8]
    let changed: Int64
  }

  private let folder: String
  private let parts: [Part]

  /// The beginning of the file names, `emnist-letters-`; empty for MNIST and most others.
  private let family: String

  /// Reads the files of a folder; nil if there are none by these names.
  /// - Throws: `Failure` (input missing, bad data, usage) that names the file.
  package init?(lookingIn folder: String) throws(Failure) {
    self.folder = folder
    let names = try FolderListing(of: PathBytes(folder)).entries.filter { $0.kind == .file }
      .map { String(decoding: $0.name, as: UTF8.self) }
    let marker = /^(.*?)train-images[-.]idx3-ubyte(\.gz)?$/
    let families = Set(names.compactMap { try? marker.wholeMatch(in: $0)?.output.1 }).sorted()
    guard let family = families.first else { return nil }
    guard families.count == 1 else {
      throw Failure(
        .usage,
        "\(quoted(folder)) holds several datasets "
          + "(\(listed(families.map { "\($0)train-images" }))); put the files of one into a folder "
          + "of their own.")
    }
    self.family = String(family)
    var parts: [Part] = []
    for (split, prefixes) in [(Split.train, ["train"]), (.validation, ["t10k", "test"])] {
      for prefix in prefixes.map({ "\(family)\($0)" })
      where !parts.contains(where: { $0.split == split }) {
        guard let images = Self.find("\(prefix)-images", "idx3-ubyte", in: names) else { continue }
        let labels = Self.find("\(prefix)-labels", "idx1-ubyte", in: names)
        let rows = Self.find("\(prefix)-labels", "idx2-int", in: names)
        guard let file = labels ?? rows else {
          throw Failure(
            .inputMissing,
            "\(quoted("\(folder)/\(images)")) has no label file next to it; put "
              + "'\(prefix)-labels-idx1-ubyte.gz' there.")
        }
        parts.append(
          try Self.part(
            split, prefix: prefix, images: "\(folder)/\(images)", labels: "\(folder)/\(file)",
            isRows: labels == nil))
      }
    }
    guard parts.first?.split == .train else { return nil }
    self.parts = parts
  }

  private static func find(_ name: String, _ kind: String, in names: [String]) -> String? {
    ["-", "."].lazy.flatMap { separator in ["", ".gz"].map { name + separator + kind + $0 } }
      .first { names.contains($0) }
  }

  private static func part(
    _ split: Split, prefix: String, images: String, labels: String, isRows: Bool
  ) throws(Failure) -> Part {
    let labelFile = try IDXFile(
      reading: labels, dimensionCount: isRows ? 2 : 1, bytesOfValue: isRows ? 4 : 1)
    let columns = isRows ? 4 * labelFile.dimensions[1] : 1
    // The last byte of a big-endian number.
    let values =
      isRows
      ? labelFile.values[3...].enumerated().filter { $0.offset % columns == 0 }.map(\.element)
      : labelFile.values
    let imageFile = try IDXFile(reading: images, dimensionCount: 3) { (sizes) throws(Failure) in
      guard sizes[0] == labelFile.dimensions[0] else {
        throw Failure(
          .badData,
          "\(quoted(images)) holds \(sizes[0]) pictures, but \(quoted(labels)) holds "
            + "\(labelFile.dimensions[0]) labels."
        )
      }
      guard sizes[1] <= 8192, sizes[2] <= 8192 else {
        throw Failure(
          .badData,
          "\(quoted(images)) has pictures of \(sizes[2])x\(sizes[1]) pixels; 8192x8192 is the "
            + "limit."
        )
      }
    }
    return Part(
      split: split, prefix: prefix, images: imageFile, labels: values,
      changed: PathBytes(images).changed)
  }

  /// `IDX files`.
  package var kind: String { "IDX files" }

  /// Lists the pictures in the order of the files.
  /// - Throws: `Failure` (bad data) if there is only one class.
  package func list() throws(Failure) -> SourceListing {
    let trainLabels = parts[0].labels
    let numbers = Set(trainLabels).sorted()
    guard numbers.count > 1 else {
      throw Failure(
        .badData, "\(quoted(folder)) holds one class only; a classifier needs at least two.")
    }
    let names: [String]
    if FashionMNIST.isRecognised(trainLabels: trainLabels) {
      names = FashionMNIST.classNames
    } else {
      let letters = try letters()
      names = numbers.map { letters[Int($0)] ?? String($0) }
    }
    var items: [SourceItem] = []
    for (number, part) in parts.enumerated() {
      for (image, label) in part.labels.enumerated() {
        guard let label = numbers.firstIndex(of: label) else {
          throw Failure(
            .badData,
            "The class \(label) in \(quoted(folder)) has validation pictures but none for training."
          )
        }
        items.append(
          SourceItem(
            label: label, split: part.split, name: Array("\(part.prefix)-\(image)".utf8),
            file: number, place: UInt64(image), changed: part.changed))
      }
    }
    var notes: [String] = []
    if parts.count > 1 {
      notes.append(SourceListing.testIsValidation("\(parts[1].prefix)-images"))
    }
    if isTurned {
      notes.append("EMNIST's pictures are stored on their side; they were turned upright.")
    }
    return SourceListing(classNames: names, items: items, notes: notes)
  }

  private var isTurned: Bool { family.hasPrefix("emnist-") }

  /// The letters of EMNIST's classes: each line has a label and the ASCII codes of its letters.
  private func letters() throws(Failure) -> [Int: String] {
    let path = "\(folder)/\(family)mapping.txt"
    guard PathBytes(path).isFile else { return [:] }
    var letters: [Int: String] = [:]
    for line in try TextLines.read(path, limit: 1 << 20) {
      let numbers = line.split(separator: " ").compactMap { UInt8($0) }
      guard numbers.count > 1 else { continue }
      letters[Int(numbers[0])] = numbers[1...].map { String(Unicode.Scalar($0)) }.joined()
    }
    return Set(letters.values).count == letters.count ? letters : [:]
  }

  /// Copies a picture's grey values.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    let images = parts[item.file].images
    let (height, width) = (images.dimensions[1], images.dimensions[2])
    let start = Int(item.place) * height * width
    buffer.resize(height * width)
    if isTurned {
      for row in 0..<width {
        for column in 0..<height {
          buffer.bytes[row * height + column] = images.values[start + column * width + row]
        }
      }
      return .pixels(width: height, height: width, bands: 1)
    }
    images.values.withUnsafeBytes { values in
      buffer.bytes.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: values[start..<start + height * width]))
    }
    return .pixels(width: width, height: height, bands: 1)
  }
}
