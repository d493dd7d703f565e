package import Layers
import Networks
package import Safetensors
package import System

/// The SHA-256 digests of a checkpoint's parts, stored in its header.
///
/// A part is what one tower owns of one tensor: a range of rows, whose bytes are contiguous. The
/// header's string `sha256:<tensor>` lists the tensor's parts as `first-end:digest`. The string
/// `sha256` is the digest of the header itself with these 64 digits as zeros. It covers the digests
/// of the parts and so the whole file, although each rank hashes only what it writes or reads.
package struct CheckpointDigests: Sendable {
  /// A range of a tensor's rows.
  package struct Part: Hashable, Comparable, Sendable {
    /// The tensor's name.
    package let tensor: String
    /// The rows.
    package let rows: Range<Int>

    package init(tensor: String, rows: Range<Int>) {
      self.tensor = tensor
      self.rows = rows
    }

    /// By tensor, then by row.
    package static func < (one: Part, other: Part) -> Bool {
      (one.tensor, one.rows.lowerBound) < (other.tensor, other.rows.lowerBound)
    }
  }

  /// The key of the digest that covers the whole file.
  private static let wholeKey = "sha256"
  private static func key(_ tensor: String) -> String { "sha256:" + tensor }
  private static let none = String(repeating: "0", count: SHA256.digits)

  /// The digest of each part; zeros if it is not known yet.
  package private(set) var digests: [Part: String] = [:]
  /// The rows of each tensor's parts.
  private var rows: [String: [Range<Int>]] = [:]

  /// Plans the digests of parts.
  package init(of parts: some Sequence<Part>) {
    for part in parts { note(Self.none, of: part) }
  }

  // MARK: Between ranks

  /// The digests as text, one part per line, to send to another rank.
  package static func lines(_ digests: [Part: String]) -> String {
    digests.map {
      "\($0.key.rows.lowerBound) \($0.key.rows.upperBound) \($0.value) \($0.key.tensor)"
    }
    .joined(separator: "\n")
  }

  /// Adds the digests that another rank sent.
  package mutating func merge(lines: String) {
    for line in lines.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 3)
      guard words.count == 4, let first = Int(words[0]), let end = Int(words[1]), first <= end
      else { continue }
      note(String(words[2]), of: Part(tensor: String(words[3]), rows: first..<end))
    }
  }

  /// Sets the digest of a part.
  package mutating func note(_ digest: String, of part: Part) {
    if digests.updateValue(digest, forKey: part) == nil {
      rows[part.tensor, default: []].append(part.rows)
    }
  }

  // MARK: In the header

  /// A file's header with these digests and the one that covers the whole file.
  /// - Parameters:
  ///   - texts: The other metadata strings.
  ///   - tensors: The file's tensors.
  /// - Returns: The header; its length depends only on the strings and tensors.
  package func signedHeader(
    _ texts: [String: String], _ tensors: [(name: String, format: NumberFormat, shape: [Int])]
  ) -> SafetensorsHeader {
    var texts = texts.merging(self.texts) { $1 }
    texts[Self.wholeKey] = SHA256.digest(
      of: SafetensorsHeader(metadata: texts, tensors: tensors).encoded)
    return SafetensorsHeader(metadata: texts, tensors: tensors)
  }

  /// The strings for a header, in which the whole file's digest is still zeros.
  private var texts: [String: String] {
    var texts = [Self.wholeKey: Self.none]
    let byTensor = Dictionary(grouping: digests) { $0.key.tensor }
    for (tensor, parts) in byTensor {
      texts[Self.key(tensor)] = parts.sorted { $0.key.rows.lowerBound < $1.key.rows.lowerBound }
        .map { "\($0.key.rows.lowerBound)-\($0.key.rows.upperBound):\($0.value)" }
        .joined(separator: " ")
    }
    return texts
  }

  /// What to do about a damaged file; this depends on whether its run has other checkpoints.
  package static func remedy(_ texts: [String: String]) -> String {
    texts["state"] == nil
      ? "Copy the file again, or write it again."
      : "Continue from the previous checkpoint with --resume latest-good, or copy the file again."
  }

  /// What to do if the file is damaged.
  private var remedy = remedy([:])

  /// Reads the digests of a file, and checks the one that stands for the whole.
  /// - Throws: `Failure` (badData) where they are missing or the header was changed.
  package init(_ file: SafetensorsFile) throws(Failure) {
    let (header, path) = (file.header, file.path)
    remedy = Self.remedy(header.metadata)
    guard let whole = header.metadata[Self.wholeKey], whole.utf8.count == SHA256.digits else {
      throw Failure(.badData, "\(quoted(path)) lacks its checksum 'sha256'; it is damaged.")
    }
    let found = Self.whole(encoded: header.encoded, digest: whole)
    guard found == whole else {
      throw Failure(
        .badData,
        "\(quoted(path)) is damaged: the SHA-256 of its header is \(found ?? "missing") and should "
          + "be \(quoted(whole)). \(remedy)")
    }
    for entry in header.tensors {
      for word in (header.metadata[Self.key(entry.name)] ?? "").split(separator: " ") {
        let fields = word.split(whereSeparator: { $0 == "-" || $0 == ":" })
        guard fields.count == 3, let first = Int(fields[0]), let end = Int(fields[1]),
          first >= 0, first <= end, end <= entry.shape.first ?? 0
        else {
          throw Failure(
            .badData, "The checksums of \(quoted(entry.name)) in \(quoted(path)) are damaged.")
        }
        note(String(fields[2]), of: Part(tensor: entry.name, rows: first..<end))
      }
    }
  }

  /// The digest of a header in which its own digest is replaced by zeros.
  private static func whole(encoded: [UInt8], digest: String) -> String? {
    let pattern = Array("\"\(wholeKey)\":\"\(digest)\"".utf8)
    // From quote to quote: a mean image may lie between two of them.
    var place = encoded.firstIndex(of: pattern[0])
    while let mark = place, !encoded[mark...].starts(with: pattern) {
      place = encoded[(mark + 1)...].firstIndex(of: pattern[0])
    }
    guard let start = place else { return nil }
    var bytes = encoded
    let digits = start + pattern.count - 1 - SHA256.digits
    for i in digits..<(digits + SHA256.digits) { bytes[i] = UInt8(ascii: "0") }
    return SHA256.digest(of: bytes)
  }

  /// The rows of a tensor's parts, in order.
  package func parts(of tensor: String) -> [Range<Int>] {
    rows[tensor, default: []].sorted { $0.lowerBound < $1.lowerBound }
  }

  /// Compares the bytes of a whole tensor with the digests of its parts.
  /// - Throws: `Failure` (badData) that names the tensor.
  package func check(
    _ entry: TensorEntry, _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(Failure) {
    let count = entry.shape.first ?? 1
    let length = bytes.count / max(1, count)
    var next = 0
    for rows in parts(of: entry.name) where rows.lowerBound <= next {
      let own = bytes[(rows.lowerBound * length)..<(rows.upperBound * length)]
      let part = Part(tensor: entry.name, rows: rows)
      try check(part, is: SHA256.digest(of: UnsafeRawBufferPointer(rebasing: own)), path: path)
      next = max(next, rows.upperBound)
    }
    guard next >= count else { throw noDigest(ofRow: next, entry.name, path) }
  }

  /// The error for rows that no digest covers.
  func noDigest(ofRow row: Int, _ tensor: String, _ path: String) -> Failure {
    Failure(
      .badData, "\(quoted(path)) has no checksum for row \(row) of \(quoted(tensor)). \(remedy)")
  }

  /// Compares a part's digest with the one computed from the data.
  /// - Throws: `Failure` (badData) that names the tensor and both digests.
  package func check(_ part: Part, is found: String, path: String) throws(Failure) {
    let expected = digests[part] ?? "missing"
    guard expected == found else {
      throw Failure(
        .badData,
        "\(quoted(part.tensor)) in \(quoted(path)) is damaged: the SHA-256 of its rows "
          + "\(part.rows.lowerBound) to \(part.rows.upperBound) is \(found) and should be "
          + "\(expected). \(remedy)")
    }
  }
}

extension Parameter {
  /// The rows of the tensor that the parameter's tower owns.
  package func part(_ prefix: String = "") -> CheckpointDigests.Part {
    CheckpointDigests.Part(tensor: prefix + name, rows: kernels)
  }
}
