import CArchive
import Glibc
package import System

/// The contents of ILSVRC's development kit: the classes, and the class of each validation picture.
///
/// `ILSVRC2010_devkit-1.0.tar.gz` and `ILSVRC2012_devkit_t12.tar.gz` hold `data/meta.mat`, a MATLAB
/// file, and `data/ILSVRC20??_validation_ground_truth.txt`, one ID per line. They are read as
/// downloaded, or from the folder that they were unpacked in.
package struct DevelopmentKit {
  /// A class, or a node above classes in WordNet.
  package struct Synset {
    /// 1 to 1000 for the classes of the competition, more for the nodes above them in WordNet.
    package let number: Int
    /// `n01440764`: the name of its archive in the training archive.
    package let wordNetID: String
    /// `tench, Tinca tinca`.
    let words: String
  }

  /// The kit's path.
  package let path: String
  /// The classes, and the nodes above them.
  package let synsets: [Synset]
  /// The class numbers of the validation pictures, in order.
  let groundTruth: [Int]

  // The files of the real kits have a megabyte or two each, and about ten in all.
  private static let largestFile = 16 << 20
  private static let largestKit = 256 << 20

  /// Looks in a folder for the kit's archive or its unpacked folder; nil if there is neither.
  /// - Throws: `Failure` (bad data) that names the file.
  package init?(lookingIn folder: String) throws(Failure) {
    let entries = try FolderListing(of: PathBytes(folder)).entries
    let names = entries.map { (String(decoding: $0.name, as: UTF8.self), $0.kind) }
    func isKit(_ name: String) -> Bool { name.hasPrefix("ILSVRC") && name.contains("devkit") }
    var files: [(name: String, bytes: [UInt8])] = []
    let archives = [".tar.gz", ".tgz", ".tar"]
    if let (name, _) = names.first(where: { name, kind in
      kind == .file && isKit(name) && archives.contains { name.hasSuffix($0) }
    }) {
      path = "\(folder)/\(name)"
      files = try Self.members(of: path)
    } else if let name = names.first(where: { name, kind in
      kind == .folder && (isKit(name) || name.hasPrefix("devkit"))
    }) {
      path = "\(folder)/\(name.0)"
      let data = "\(path)/data"
      for entry in try FolderListing(of: PathBytes(data)).entries where entry.kind == .file {
        let name = String(decoding: entry.name, as: UTF8.self)
        guard Self.isWanted(name) else { continue }
        files.append(
          (name, try RegularFile.contents(of: "\(data)/\(name)", limit: Self.largestFile)))
      }
    } else {
      return nil
    }
    guard let meta = files.first(where: { $0.name == "meta.mat" }),
      let truth = files.first(where: { $0.name != "meta.mat" })
    else {
      throw Failure(
        .badData,
        "\(quoted(path)) lacks data/meta.mat or the validation ground truth; download it again.")
    }
    synsets = try Self.synsets(meta.bytes, path: path)
    var numbers: [Int] = []
    for line in TextLines.split(truth.bytes) {
      guard let number = Int(line.filter { $0 != " " }) else {
        throw Failure(
          .badData,
          "\(quoted(truth.name)) in \(quoted(path)) holds \(quoted(line)), which is not a number.")
      }
      numbers.append(number)
    }
    groundTruth = numbers
  }

  private static func isWanted(_ name: String) -> Bool {
    name == "meta.mat" || name.hasSuffix("validation_ground_truth.txt")
  }

  private static func members(
    of path: String
  ) throws(Failure) -> [(name: String, bytes: [UInt8])] {
    _ = try InputFile(opening: path)
    let archive = archive_read_new()
    defer { archive_read_free(archive) }
    archive_read_support_filter_gzip(archive)
    archive_read_support_format_tar(archive)
    let damaged = Failure(.badData, "\(quoted(path)) is damaged; download it again.")
    guard archive_read_open_filename(archive, path, 1 << 16) == ARCHIVE_OK else { throw damaged }
    var files: [(name: String, bytes: [UInt8])] = []
    while true {
      var entry: OpaquePointer?
      let code = archive_read_next_header(archive, &entry)
      if code == ARCHIVE_EOF { return files }
      guard code == ARCHIVE_OK || code == ARCHIVE_WARN else { throw damaged }
      // Skipped members are unpacked too.
      let (end, overflow) = archive_filter_bytes(archive, 0).addingReportingOverflow(
        max(0, archive_entry_size(entry)))
      guard !overflow, end <= largestKit else {
        throw Failure(
          .badData,
          "\(quoted(path)) unpacks to more than \(largestKit >> 20) MiB and is not a development "
            + "kit; download it again.")
      }
      guard archive_entry_filetype(entry) == S_IFREG, let name = archive_entry_pathname(entry)
      else { continue }
      let base = String(
        decoding: Array(String(cString: name).utf8).split(separator: UInt8(ascii: "/")).last ?? [],
        as: UTF8.self)
      let size = archive_entry_size(entry)
      guard isWanted(base), size >= 0, size <= largestFile else { continue }
      guard !files.contains(where: { $0.name == base }) else {
        throw Failure(
          .badData, "\(quoted(path)) holds two files \(quoted(base)); download it again.")
      }
      var bytes = [UInt8](repeating: 0, count: Int(size))
      guard
        bytes.withUnsafeMutableBytes({ archive_read_data(archive, $0.baseAddress, $0.count) })
          == Int(size)
      else { throw damaged }
      files.append((base, bytes))
    }
  }

  /// The synsets in the bytes of a `meta.mat`.
  private static func synsets(_ bytes: [UInt8], path: String) throws(Failure) -> [Synset] {
    guard
      let structures = MATFile(bytes)?.structures(
        named: "synsets", unpackingUpTo: largestFile),
      let wordNetID = structures.fields.firstIndex(of: "WNID"),
      let words = structures.fields.firstIndex(of: "words"),
      // ILSVRC2010_ID, ILSVRC2012_ID.
      let number = structures.fields.firstIndex(where: {
        $0.hasPrefix("ILSVRC") && $0.hasSuffix("_ID")
      })
    else { throw damagedMeta(path) }
    let synsets = (0..<structures.count).compactMap { place -> Synset? in
      guard case .number(let number) = structures.value(place, number), number >= 1, number < 1e9,
        case .text(let wordNetID) = structures.value(place, wordNetID),
        case .text(let words) = structures.value(place, words)
      else { return nil }
      return Synset(number: Int(number), wordNetID: wordNetID, words: words)
    }
    guard !synsets.isEmpty else { throw damagedMeta(path) }
    return synsets
  }

  private static func damagedMeta(_ path: String) -> Failure {
    Failure(
      .badData, "meta.mat in \(quoted(path)) does not hold ILSVRC's synsets; download it again.")
  }
}
