package import Images
package import System

/// The binary version of CIFAR-10 (`data_batch_1.bin` ..., `test_batch.bin`, `batches.meta.txt`)
/// and of CIFAR-100 (`train.bin`, `test.bin`, `fine_label_names.txt`).
///
/// A record is a byte for the label (CIFAR-100: one for the coarse label, which is ignored, and one
/// for the fine label) and 32x32 values each of red, green and blue. The classes are in the order
/// of the labels.
package final class CIFARSource: ImageSource {
  private struct Part: Sendable {
    let split: Split
    let name: String
    let changed: Int64
    let records: [UInt8]
  }

  private static let side = 32
  private static let values = side * side * 3
  // The archive's folders, for users who give the folder that they unpacked it in.
  private static let subfolders = ["cifar-10-batches-bin", "cifar-100-binary"]
  private static let largestFile = 1 << 30

  /// The folder of the files.
  let folder: String
  private let labelBytes: Int
  private let classNames: [String]
  private let parts: [Part]

  /// Reads the files of a folder; nil if there are none by these names.
  /// - Throws: `Failure` (input missing, bad data) that names the file, (usage) for both datasets.
  package init?(lookingIn path: String) throws(Failure) {
    var places = Self.places(in: path)
    // Folders next to files are named as not read.
    if places.isEmpty { places = Self.subfolders.flatMap { Self.places(in: "\(path)/\($0)") } }
    guard places.count < 2 else {
      let folders = Set(places.map(\.folder)).sorted()
      throw Failure(
        .usage,
        "\(quoted(path)) holds CIFAR-10 and CIFAR-100 (\(listed(folders))); give --source a folder "
          + "with the files of one of them alone.")
    }
    guard let (folder, isHundred) = places.first else { return nil }
    self.folder = folder
    labelBytes = isHundred ? 2 : 1
    let train = isHundred ? ["train"] : Self.batches
    let missing = train.filter { !Self.isFile("\(folder)/\($0).bin") }.map { "\($0).bin" }
    guard missing.isEmpty else {
      throw Failure(
        .inputMissing,
        "\(listed(missing)) of CIFAR-10 \(missing.count == 1 ? "is" : "are") missing in "
          + "\(quoted(folder)); unpack all of cifar-10-binary.tar.gz there.")
    }
    let validation = isHundred ? ["test"] : ["test_batch"]
    let names = "\(folder)/\(isHundred ? "fine_label_names.txt" : "batches.meta.txt")"
    classNames =
      Self.isFile(names)
      ? try ClassNameList.distinct(names, count: isHundred ? 100 : 10)
      : (0..<(isHundred ? 100 : 10)).map { String($0) }
    var parts: [Part] = []
    for (split, files) in [(Split.train, train), (.validation, validation)] {
      for name in files where Self.isFile("\(folder)/\(name).bin") {
        parts.append(
          try Self.part(
            split, name, folder, recordSize: labelBytes + Self.values, labelAt: labelBytes - 1,
            classes: classNames.count))
      }
    }
    self.parts = parts
    // The batch files have equal lengths, so a shorter one was cut off.
    let lengths = parts.filter { $0.split == .train }.map { ($0.records.count, $0.name) }
    if let least = lengths.min(by: { $0.0 < $1.0 }), let most = lengths.max(by: { $0.0 < $1.0 }),
      least.0 < most.0
    {
      throw Failure(
        .badData,
        "\(quoted("\(folder)/\(least.1).bin")) has \(least.0) bytes and \(quoted("\(most.1).bin")) "
          + "has \(most.0); the shorter file is incomplete: download it again.")
    }
  }

  /// A folder for each dataset that has files in it.
  private static func places(in folder: String) -> [(folder: String, isHundred: Bool)] {
    let isTen = batches.contains { isFile("\(folder)/\($0).bin") }
    let isHundred = isFile("\(folder)/train.bin") && isFile("\(folder)/fine_label_names.txt")
    return [(folder: folder, isHundred: false), (folder: folder, isHundred: true)].filter {
      $0.isHundred ? isHundred : isTen
    }
  }

  private static let batches = (1...5).map { "data_batch_\($0)" }

  private static func isFile(_ path: String) -> Bool { PathBytes(path).isFile }

  private static func part(
    _ split: Split, _ name: String, _ folder: String, recordSize: Int, labelAt: Int, classes: Int
  ) throws(Failure) -> Part {
    let path = "\(folder)/\(name).bin"
    let bytes = try RegularFile.contents(of: path, limit: largestFile)
    guard !bytes.isEmpty, bytes.count % recordSize == 0 else {
      throw Failure(
        .badData,
        "\(quoted(path)) has \(bytes.count) bytes, which is not a multiple of the record size "
          + "\(recordSize); download it again.")
    }
    for record in 0..<bytes.count / recordSize {
      let label = bytes[record * recordSize + labelAt]
      guard label < classes else {
        throw Failure(
          .badData,
          "Picture \(record) in \(quoted(path)) has the label \(label), but there are \(classes) "
            + "classes."
        )
      }
    }
    return Part(
      split: split, name: name, changed: PathBytes(path).changed, records: bytes)
  }

  /// `CIFAR-10 binary files` or `CIFAR-100 binary files`.
  package var kind: String { "CIFAR-\(labelBytes == 1 ? 10 : 100) binary files" }

  /// Lists the pictures in the order of the files.
  /// - Throws: Nothing; errors were found when the files were read.
  package func list() throws(Failure) -> SourceListing {
    let size = labelBytes + Self.values
    var items: [SourceItem] = []
    for (number, part) in parts.enumerated() {
      for record in 0..<part.records.count / size {
        items.append(
          SourceItem(
            label: Int(part.records[record * size + labelBytes - 1]), split: part.split,
            name: Array("\(part.name)-\(record)".utf8), file: number, place: UInt64(record),
            changed: part.changed))
      }
    }
    let test = parts.first { $0.split == .validation }
    return SourceListing(
      classNames: classNames, items: items,
      notes: test.map { [SourceListing.testIsValidation("\($0.name).bin")] } ?? [])
  }

  /// Copies a picture's values, converting three planes to RGB pixels.
  package func read(_ item: SourceItem, into buffer: ByteBuffer) throws(ImageProblem) -> SourceImage
  {
    let records = parts[item.file].records
    let start = Int(item.place) * (labelBytes + Self.values) + labelBytes
    let plane = Self.side * Self.side
    buffer.resize(Self.values)
    let output = buffer.bytes
    for pixel in 0..<plane {
      for channel in 0..<3 {
        output[3 * pixel + channel] = records[start + channel * plane + pixel]
      }
    }
    return .pixels(width: Self.side, height: Self.side, bands: 3)
  }
}
