import Glibc
package import Images
package import System

/// A prepared dataset, open for reading by any number of threads.
///
/// It holds square pictures in shards, their labels, the mean image and the colour components.
package final class Dataset: Sendable, CustomStringConvertible {
  /// The dataset's folder.
  package let path: String
  /// The names of the classes; a label is an index into this list.
  package let classNames: [String]
  /// The width and height of every picture in pixels.
  package let side: Int
  /// How non-square pictures were made square.
  package let resizing: Resizing
  /// Whether smaller pictures were enlarged as this version of the program does it.
  package let isEnlargedByCentres: Bool
  /// The mean of the training pictures: `side * side * 3` values, rows from the top, RGB, 0 to 255.
  package let mean: [Float]
  /// The covariance of R, G and B over all training pixels scaled to [0, 1].
  package let covariance: [[Double]]
  /// The principal components of that covariance.
  package let colour: ColourComponents
  /// Whether its pictures have colours; grey ones vary along one component only.
  package var isColoured: Bool { colour.eigenvalues[1] > 1e-6 * colour.eigenvalues[0] }
  /// SHA-256 of `dataset.json`, which holds the checksums of everything else: datasets with equal
  /// checksums hold the same data.
  package let checksum: String

  private let manifest: DatasetManifest
  private let train: OpenSplit
  private let validation: OpenSplit
  private let test: OpenSplit
  private let readers = ReaderPool()

  /// Whether a folder holds a prepared dataset, by the name of a file in it.
  package static func isThere(at path: String) -> Bool {
    FileStatus("\(path)/\(DatasetManifest.fileName)") != nil
  }

  /// Opens a dataset and checks that its files belong together; the pictures are checked as they
  /// are read.
  /// - Throws: `Failure`: input missing for a missing folder or file, bad data for one that is
  ///   damaged or of another format version.
  package init(opening path: String) throws(Failure) {
    self.path = path
    guard let status = PathBytes(path).status else {
      throw Failure(
        .inputMissing, "There is no dataset \(quoted(path)); make one with 'alexnet prepare'.")
    }
    let manifestPath = "\(path)/\(DatasetManifest.fileName)"
    guard status.isFolder, PathBytes(manifestPath).status != nil else {
      throw Failure(
        .inputMissing,
        "\(quoted(path)) is not a prepared dataset; make one from your pictures with 'alexnet "
          + "prepare'."
      )
    }
    let bytes = try DatasetManifest.bytes(in: path)
    checksum = SHA256.digest(of: bytes)
    manifest = try DatasetManifest(bytes, path: manifestPath)
    classNames = manifest.classes.map(\.name)
    side = manifest.pictures.side
    resizing = manifest.pictures.resizing ?? .crop
    isEnlargedByCentres = manifest.pictures.enlarging == SquareScaling.enlarging
    let statisticsBytes = try Self.verified(manifest.statistics, in: path)
    let statistics = try StatisticsFile(
      statisticsBytes, side: side, path: "\(path)/\(manifest.statistics.file)")
    mean = statistics.mean
    covariance = statistics.covariance
    colour = statistics.colour
    Self.allowManyFiles()
    train = try OpenSplit(manifest.train, in: path, classes: manifest.classes.count)
    validation = try OpenSplit(manifest.validation, in: path, classes: manifest.classes.count)
    test = try OpenSplit(manifest.test, in: path, classes: manifest.classes.count)
  }

  /// A one-line summary: pictures, classes, size, encoding.
  package var description: String {
    let pictures = manifest.pictures
    let quality = pictures.quality.map { " of quality \($0)" } ?? ""
    let (train, validation) = ("\(count(.train)) training", "\(count(.validation)) validation")
    let parts =
      count(.test) > 0
      ? "\(train), \(validation) and \(count(.test)) test" : "\(train) and \(validation)"
    return "\(parts) pictures of "
      + "\(side)x\(side) in \(counted(classNames.count, "class", "classes")) "
      + "(\(pictures.encoding.rawValue.uppercased())"
      + "\(quality), from \(manifest.source.kind))"
  }

  /// A warning about pictures that an earlier version of the program enlarged; nil if this version
  /// prepared them.
  package var enlargingNotice: String? {
    isEnlargedByCentres
      ? nil
      : "\(quoted(path)) was prepared by an earlier version, which shifted pictures smaller than "
        + "\(side) pixels by half a pixel to the right and down when it enlarged them; 'alexnet "
        + "predict' does not: prepare the dataset again to have both alike."
  }

  /// The number of pictures in a split.
  package func count(_ split: Split) -> Int { open(split).index.count }

  /// The number of pictures of each class in a split.
  package func counts(_ split: Split) -> [Int] {
    manifest.classes.map { $0.count(split) }
  }

  /// The label of a picture.
  package func label(_ split: Split, _ index: Int) -> Int { Int(open(split).index[index].label) }

  /// A picture's name in its shard, `00000012_cat`: its number and its file name.
  package func name(_ split: Split, _ index: Int) -> String {
    let split = open(split)
    let place = split.index[index]
    // The header of a tar member, 512 bytes, starts with its name.
    var name = [UInt8](repeating: 0, count: 100)
    let isRead = name.withUnsafeMutableBytes {
      place.offset >= 512 && split.shards[Int(place.shard)].read(at: place.offset - 512, into: $0)
    }
    guard isRead else { return "\(index)" }
    let text = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    return String(text.prefix(upTo: text.lastIndex(of: ".") ?? text.endIndex))
  }

  /// Decodes a picture into `side * side * 3` RGB bytes, rows from the top.
  /// - Throws: `Failure` (input/output, bad data) that names the shard and the record.
  package func decode(
    _ split: Split, _ index: Int, into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(Failure) {
    let reader = try readers.take()
    defer { readers.putBack(reader) }
    try decode(split, index, with: reader, into: output)
  }

  func decode(
    _ split: Split, _ index: Int, with reader: RecordReader,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(Failure) {
    let split = open(split)
    let place = split.index[index]
    try reader.decode(
      place, from: split.shards[Int(place.shard)], as: manifest.pictures.encoding, side: side,
      record: index, into: output)
  }

  private func open(_ split: Split) -> OpenSplit {
    switch split {
    case .train: train
    case .validation: validation
    case .test: test
    }
  }

  /// Reads a file and checks its length and checksum against those listed.
  static func verified(_ file: DatasetManifest.File, in folder: String) throws(Failure) -> [UInt8] {
    let path = "\(folder)/\(file.file)"
    let bytes = try RegularFile.contents(of: path, limit: Int(clamping: max(file.bytes, 1 << 20)))
    guard UInt64(bytes.count) == file.bytes, SHA256.digest(of: bytes) == file.sha256 else {
      throw Failure(
        .badData,
        "\(quoted(path)) is damaged: its checksum differs from dataset.json; "
          + "copy or prepare the dataset again."
      )
    }
    return bytes
  }

  // Each open shard is a file descriptor; ImageNet has over 300, and the usual limit is 1024.
  private static func allowManyFiles() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}

/// A split with its open shards.
private struct OpenSplit: Sendable {
  let index: RecordIndex
  let shards: [InputFile]

  init(_ part: DatasetManifest.Part?, in folder: String, classes: Int) throws(Failure) {
    guard let part else {
      (index, shards) = (.empty, [])
      return
    }
    let path = "\(folder)/\(part.index.file)"
    index = try RecordIndex(try Dataset.verified(part.index, in: folder), path: path)
    var shards: [InputFile] = []
    for shard in part.shards {
      let file = try InputFile(opening: "\(folder)/\(shard.file)")
      guard file.size == shard.bytes else {
        throw Failure(
          .badData,
          "\(quoted(file.path)) has \(file.size) bytes instead of \(shard.bytes): it was copied or "
            + "written incompletely; copy or prepare the dataset again.")
      }
      shards.append(file)
    }
    self.shards = shards
    guard index.count == part.count else {
      throw Failure(
        .badData,
        "\(quoted(path)) has \(counted(index.count, "record", "records")) instead of "
          + "\(part.count).")
    }
    for record in 0..<index.count {
      let place = index[record]
      guard Int(place.shard) < shards.count, Int(place.label) < classes, place.length > 0,
        place.offset <= shards[Int(place.shard)].size,
        UInt64(place.length) <= shards[Int(place.shard)].size - place.offset
      else {
        throw Failure(
          .badData, "\(quoted(path)) is damaged: record \(record) lies outside its shard.")
      }
    }
  }
}

/// Readers that are currently not in use.
private final class ReaderPool: @unchecked Sendable {
  private let monitor = Monitor()
  private var free: [RecordReader] = []

  func take() throws(Failure) -> RecordReader {
    if let reader = monitor.locked({ free.popLast() }) { return reader }
    return try RecordReader()
  }

  func putBack(_ reader: RecordReader) { monitor.locked { free.append(reader) } }
}
