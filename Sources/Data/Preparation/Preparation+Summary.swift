import Foundation
import Images
import JSON
import System

/// The last step of a preparation: from shards to a dataset.
extension Preparation {
  /// Writes the files next to the shards: the indexes, the statistics, the list of rejected
  /// pictures, and the description of the dataset.
  static func finish(
    _ plan: PreparationPlan, _ sums: PixelSums, _ settings: PreparationSettings, kind: String,
    unusable: [RejectedPicture], folder: String, start: Double
  ) throws(Failure) -> PreparationSummary {
    let journal = ShardJournal(folder: folder)
    let shards = try plan.shards.map { (shard) throws(Failure) in
      guard let prepared = journal.read(shard) else {
        throw Failure(
          .inputOutput,
          "The record of shard \(quoted(shard.fileName)) in \(quoted(folder)) is missing or "
            + "damaged; start again to make the shard again.")
      }
      return prepared
    }
    let rejected = unusable + shards.flatMap(\.rejected)
    var parts: [Split: DatasetManifest.Part] = [:]
    var classes = plan.classNames.map { DatasetManifest.Class(name: $0, train: 0, validation: 0) }
    for split in Split.allCases where split != .test || plan.hasPictures(.test) {
      let own = zip(plan.shards, shards).filter { $0.0.split == split }.map(\.1)
      parts[split] = try writeIndex(own, split, folder: folder)
      for record in own.flatMap(\.records) {
        switch split {
        case .train: classes[Int(record.label)].train += 1
        case .validation: classes[Int(record.label)].validation += 1
        case .test: classes[Int(record.label)].test = 1 + (classes[Int(record.label)].test ?? 0)
        }
      }
    }
    if plan.hasPictures(.train), let empty = classes.firstIndex(where: { $0.train == 0 }) {
      let name = plan.classNames[empty]
      let example =
        rejected.first { $0.class == name }.map { ": \(quoted($0.path)) \($0.reason)" } ?? ""
      throw Failure(
        .badData,
        "No training picture of the class \(quoted(name)) in \(quoted(settings.source)) can be used"
          + "\(example)."
      )
    }
    for split in Split.allCases where plan.hasPictures(split) || plan.hasPictures(.train) {
      guard split == .test || parts[split]?.count != 0 else {
        throw Failure(
          .badData,
          "\(quoted(settings.source)) has no usable picture for \(split.rawValue); add some, or "
            + "hold out more."
        )
      }
    }
    let duplicates = try Duplicates(zip(plan.shards, shards), plan, in: folder)
    let covariance = sums.covariance()
    let statistics = StatisticsFile(
      mean: sums.mean(), covariance: covariance, colour: ColourComponents(covariance: covariance))
    let manifest = DatasetManifest(
      pictures: DatasetManifest.Pictures(
        side: settings.side, encoding: settings.effectiveEncoding,
        quality: settings.effectiveEncoding == .jpeg ? settings.quality : nil,
        resizing: settings.resizing, enlarging: SquareScaling.enlarging),
      classes: classes, parts: parts,
      statistics: try write(
        statistics.encoded(side: settings.side), DatasetFiles.statistics, folder),
      source: DatasetManifest.Source(
        kind: kind, seed: settings.seed, holdOut: plan.holdOut,
        limitPerClass: settings.limitPerClass,
        rejected: rejected.count),
      methods: methods(settings.resizing))
    let rejectedFile = try write(lines(rejected), DatasetFiles.rejected, folder)
    let manifestFile = try write(manifest.encoded, DatasetManifest.fileName, folder)
    var files = parts.values.map(\.index) + [manifest.statistics, rejectedFile, manifestFile]
    if !duplicates.isEmpty {
      files.append(try write(duplicates.lines, DatasetFiles.duplicates, folder))
    }
    let bytes = shards.reduce(0) { $0 + $1.description.bytes } + files.reduce(0) { $0 + $1.bytes }
    return PreparationSummary(
      train: parts[.train]?.count ?? 0, validation: parts[.validation]?.count ?? 0,
      test: parts[.test]?.count ?? 0, classes: classes.count,
      rejected: rejected.count, rejectedKinds: kinds(of: rejected),
      notes: notes(shards), duplicates: duplicates.warnings, bytes: bytes,
      seconds: MonotonicClock.seconds - start)
  }

  /// How the pictures and the figures were computed, in words.
  private static func methods(_ resizing: Resizing) -> [String: String] {
    let square =
      resizing == .crop
      ? "shorter side scaled to the side by libvips, the centre square"
      : "both sides scaled to the side by libvips"
    return [
      "pictures":
        "turned upright by EXIF, \(square), 8-bit sRGB, white behind transparency; reduced by "
        + "Lanczos' filter, enlarged by bicubic interpolation between the centres of pixels",
      "encoding":
        "JPEG by libjpeg-turbo, 4:2:0, or PNG by libpng; pictures without colour in gray",
      "mean":
        "mean of the decoded training records (where there are none: of the validation or test "
        + "records), pixel by pixel, 0 to 255; sums in whole numbers",
      "covariance":
        "of R, G, B over all pixels of the decoded training records, scaled to [0, 1]; sums in "
        + "whole numbers, divided by the number of pixels",
      "eigenvectors":
        "rows, of length 1, the largest part positive, by Jacobi's rotations; eigenvalues "
        + "descending",
      "order": "records shuffled by the seed (Philox 4x32-10)",
    ]
  }

  private static func writeIndex(
    _ shards: [PreparedShard], _ split: Split, folder: String
  ) throws(Failure) -> DatasetManifest.Part {
    let places = shards.enumerated().flatMap { number, shard in
      shard.records.map { record in
        var place = record
        place.shard = UInt32(number)
        return place
      }
    }
    return DatasetManifest.Part(
      count: places.count,
      index: try write(RecordIndex.encoded(places), "\(split.rawValue).index", folder),
      shards: shards.map(\.description))
  }

  private static func write(
    _ bytes: [UInt8], _ name: String, _ folder: String
  ) throws(Failure) -> DatasetManifest.File {
    DatasetManifest.File(
      file: name, bytes: UInt64(bytes.count),
      sha256: try OutputFile.write(bytes, to: "\(folder)/\(name)"))
  }

  /// Values as lines of JSON.
  static func lines(_ values: [some Encodable]) -> [UInt8] {
    values.flatMap { Array((JSONText.encode($0, isPretty: false) + "\n").utf8) }
  }

  private static func notes(_ shards: [PreparedShard]) -> [String] {
    let animated = shards.reduce(0) { $0 + $1.animated }
    return animated == 0
      ? []
      : [
        "\(counted(animated, "picture has", "pictures have")) several frames or pages; the first "
          + "was taken."
      ]
  }

  /// The reasons why pictures were rejected, each with its count and one example.
  private static func kinds(of rejected: [RejectedPicture]) -> [String] {
    var tally = Tally()
    for picture in rejected {
      // Numbers are ignored, since sizes and line numbers differ from picture to picture.
      tally.add(
        String(picture.reason.filter { !$0.isNumber }),
        example: "\(quoted(picture.path)), which \(picture.reason)")
    }
    return tally.sorted.map { kind in
      kind.count == 1 ? "1: \(kind.example)" : "\(kind.count) like \(kind.example)"
    }
  }
}
