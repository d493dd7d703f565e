public import Failures
public import Images

/// The four files of MNIST and its relatives, plain or `.gz`: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, and the same with `t10k` or `test` for validation, which may be
/// missing.
///
/// The classes are the labels that occur, in the order of their numbers; Fashion-MNIST is
/// recognised by its labels, and its classes have their names.
public final class IDXSource: ImageSource {
  private struct Part: Sendable {
    let split: Split
    let prefix: String
    let images: IDXFile
    let labels: IDXFile
    let changed: Int64
  }

  private let folder: String
  private let parts: [Part]

  /// Reads the files of a folder; nil if there are none by these names.
  /// - Throws: `Failure` (input missing, bad data) that names the file.
  public init?(lookingIn folder: String) throws(Failure) {
    self.folder = folder
    var parts: [Part] = []
    for (split, prefixes) in [(Split.train, ["train"]), (.validation, ["t10k", "test"])] {
      for prefix in prefixes where !parts.contains(where: { $0.split == split }) {
        guard let images = Self.find("\(prefix)-images", "idx3", in: folder) else { continue }
        guard let labels = Self.find("\(prefix)-labels", "idx1", in: folder) else {
          throw Failure(
            .inputMissing,
            "\(quoted(images)) has no file of labels beside it; put "
              + "'\(prefix)-labels-idx1-ubyte.gz' there."
          )
        }
        parts.append(try Self.part(split, prefix: prefix, images: images, labels: labels))
      }
    }
    guard parts.first?.split == .train else { return nil }
    self.parts = parts
  }

  private static func find(_ name: String, _ kind: String, in folder: String) -> String? {
    for separator in ["-", "."] {
      for suffix in ["", ".gz"] {
        let path = "\(folder)/\(name)\(separator)\(kind)-ubyte\(suffix)"
        if PathBytes(path).status?.isFile == true { return path }
      }
    }
    return nil
  }

  private static func part(
    _ split: Split, prefix: String, images: String, labels: String
  ) throws(Failure) -> Part {
    let labelFile = try IDXFile(reading: labels, dimensionCount: 1)
    let imageFile = try IDXFile(reading: images, dimensionCount: 3) { (sizes) throws(Failure) in
      guard sizes[0] == labelFile.dimensions[0] else {
        throw Failure(
          .badData,
          "\(quoted(images)) holds \(sizes[0]) pictures, but \(quoted(labels)) "
            + "\(labelFile.dimensions[0]) labels."
        )
      }
      guard sizes[1] <= 8192, sizes[2] <= 8192 else {
        throw Failure(
          .badData, "\(quoted(images)) claims pictures of \(sizes[2])x\(sizes[1]) pixels.")
      }
    }
    return Part(
      split: split, prefix: prefix, images: imageFile, labels: labelFile,
      changed: PathBytes(images).status?.changed ?? 0)
  }

  /// `IDX files`.
  public var kind: String { "IDX files" }

  /// Lists the pictures in the order of the files.
  /// - Throws: `Failure` (bad data) for a single class.
  public func list() throws(Failure) -> SourceListing {
    let trainLabels = parts[0].labels.values
    let numbers = Set(trainLabels).sorted()
    guard numbers.count > 1 else {
      throw Failure(
        .badData, "\(quoted(folder)) holds one class only; a classifier needs at least two.")
    }
    let names =
      FashionMNIST.isRecognised(trainLabels: trainLabels)
      ? FashionMNIST.classNames : numbers.map { String($0) }
    var items: [SourceItem] = []
    for (number, part) in parts.enumerated() {
      for (image, label) in part.labels.values.enumerated() {
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
    return SourceListing(classNames: names, items: items)
  }

  /// Copies a picture's gray values.
  public func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    let images = parts[item.file].images
    let (height, width) = (images.dimensions[1], images.dimensions[2])
    let start = Int(item.place) * height * width
    buffer.resize(height * width)
    images.values.withUnsafeBytes { values in
      buffer.bytes.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: values[start..<start + height * width]))
    }
    return .pixels(width: width, height: height, bands: 1)
  }
}
