import Images
import JSON
import System

/// The contents of `dataset.json`: everything about a dataset but the pictures.
struct DatasetManifest: Codable, Equatable, Sendable {
  static let fileName = DatasetFiles.description
  /// Version 2 may have a test part, or no training or validation pictures.
  static let currentVersion = 2
  static let format = "alexnet dataset"
  /// A class takes four JSON values, a shard five: there may be half a million of either.
  private static let bounds = JSONText.Bounds(depth: 16, values: 1 << 22)

  struct File: Codable, Equatable, Sendable {
    var file: String
    var bytes: UInt64
    var sha256: String
  }
  struct Shard: Codable, Equatable, Sendable {
    var file: String
    var bytes: UInt64
    var records: Int
    var sha256: String
  }
  struct Class: Codable, Equatable, Sendable {
    var name: String
    var train: Int
    var validation: Int
    var test: Int?

    func count(_ split: Split) -> Int {
      switch split {
      case .train: train
      case .validation: validation
      case .test: test ?? 0
      }
    }
  }
  struct Pictures: Codable, Equatable, Sendable {
    var side: Int
    var encoding: RecordEncoding
    var quality: Int?
    /// How non-square pictures were made square; nil for `crop`, the only way of earlier versions.
    var resizing: Resizing?
    /// How enlarged pixels are aligned, `SquareScaling.enlarging`; nil if an earlier version
    /// enlarged them.
    var enlarging: String?
  }
  struct Part: Codable, Equatable, Sendable {
    var count: Int
    var index: File
    var shards: [Shard]

    /// A part without pictures.
    static let none = Part(count: 0, index: File(file: "", bytes: 0, sha256: ""), shards: [])
  }
  struct Source: Codable, Equatable, Sendable {
    var kind: String
    var seed: UInt64
    var holdOut: Double?
    var limitPerClass: Int?
    var rejected: Int
  }

  var format: String
  var formatVersion: Int
  var program: String
  var pictures: Pictures
  var classes: [Class]
  var train: Part
  var validation: Part
  /// The test pictures; nil if the source had none.
  var test: Part?
  var statistics: File
  var source: Source
  /// How each number was computed, for human readers.
  var methods: [String: String]

  func part(_ split: Split) -> Part? {
    switch split {
    case .train: train
    case .validation: validation
    case .test: test
    }
  }

  /// The file's bytes; the same manifest gives the same bytes.
  var encoded: [UInt8] {
    Array(JSONText.encode(self).utf8) + [UInt8(ascii: "\n")]
  }

  private struct Version: Decodable {
    let format: String
    let formatVersion: Int
  }

  /// The bytes of a dataset's `dataset.json`, of at most 256 MiB.
  /// - Throws: `Failure` (inputMissing, badData, inputOutput) where they cannot be read.
  static func bytes(in folder: String) throws(Failure) -> [UInt8] {
    try RegularFile.contents(of: "\(folder)/\(fileName)", limit: 256 << 20)
  }

  /// Reads the bytes of `dataset.json`.
  /// - Throws: `Failure` (bad data) that names the path, and both versions if they differ.
  init(_ bytes: [UInt8], path: String) throws(Failure) {
    let complaint = "does not describe a dataset of this program"
    let version = try JSONText.decode(
      Version.self, bytes, Self.bounds, from: path, complaint: complaint)
    guard version.format == Self.format else {
      throw Failure(.badData, "\(quoted(path)) \(complaint).")
    }
    guard (1...Self.currentVersion).contains(version.formatVersion) else {
      throw Failure(
        .badData,
        "The dataset \(quoted(path)) has format version \(version.formatVersion), but this program "
          + "reads versions up to \(Self.currentVersion); use the newer program that wrote it, or "
          + "prepare it again with 'alexnet prepare'.")
    }
    self = try JSONText.decode(
      Self.self, bytes, Self.bounds, from: path, complaint: "is damaged")
    try check(path)
  }

  init(
    pictures: Pictures, classes: [Class], parts: [Split: Part], statistics: File,
    source: Source, methods: [String: String]
  ) {
    train = parts[.train] ?? .none
    validation = parts[.validation] ?? .none
    test = parts[.test].flatMap { $0.count > 0 ? $0 : nil }
    format = Self.format
    // Datasets that an older program can read get version 1.
    formatVersion = test == nil && train.count > 0 && validation.count > 0 ? 1 : 2
    program = "alexnet-train"
    self.pictures = pictures
    self.classes = classes
    self.statistics = statistics
    self.source = source
    self.methods = methods
  }

  private func check(_ path: String) throws(Failure) {
    let parts = Split.allCases.compactMap { part($0) }
    let names = parts.flatMap { $0.shards.map(\.file) + [$0.index.file] }
    let isPlain = (names + [statistics.file]).allSatisfy { name in
      !name.isEmpty && !name.utf8.contains(UInt8(ascii: "/")) && name != ".." && name != "."
        && !name.unicodeScalars.contains { $0.isControl }
    }
    let sizes = parts.flatMap { $0.shards.map(\.bytes) + [$0.index.bytes] } + [statistics.bytes]
    // The sum of a million such files fits too.
    let isPossible = sizes.allSatisfy { $0 < 1 << 43 }
    guard (1...8192).contains(pictures.side), !classes.isEmpty, isPlain, isPossible else {
      throw Failure(
        .badData,
        "\(quoted(path)) is damaged: a size is out of range, or a file name has a folder in it.")
    }
    for split in Split.allCases {
      guard let part = part(split) else { continue }
      let counts = [
        ("shards' records", part.shards.map(\.records)),
        ("classes' counts", classes.map { $0.count(split) }),
      ]
      for (what, numbers) in counts where !Self.add(numbers, to: part.count) {
        throw Failure(
          .badData,
          "\(quoted(path)) is damaged: the \(what) of \(split) do not add up to \(part.count).")
      }
    }
  }

  /// Whether numbers, none of them negative, have a sum.
  private static func add(_ numbers: [Int], to sum: Int) -> Bool {
    var rest = sum
    for number in numbers {
      guard 0...max(0, rest) ~= number else { return false }
      rest -= number
    }
    return rest == 0
  }
}
