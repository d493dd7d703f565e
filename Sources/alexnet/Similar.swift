import AlexNet
import Checkpoints
import Data
import Evaluation
import Foundation
import Images
import MPI
import Networks
import Options
import Report
import System
import Training

/// `alexnet similar`: finds the pictures of a set that are most similar to others, by a network's
/// last hidden layer.
enum Similar: Subcommand {
  static let name = "similar"
  static let summary =
    "find the most similar pictures of a set by a network's features (also under mpirun -np N)"

  private static let features = Option(
    "features", "FILE.npy", .path, "The features of the set, to write or to search.")
  private static let set = Option(
    "set", "DATASET|FOLDER", .path,
    "The set: a prepared dataset's validation images, or a folder of pictures.")
  private static let count = Setting(
    "top", "N", .integer(in: 1...1_000_000), default: 6, former: "count", "Neighbours to list.")
  private static let data = Option(
    "data", "DATASET", .path, default: "the one of --set, or the run's",
    "The dataset whose features are searched, for classes and pictures.")
  private static let draw = Option(
    "draw", "FILE.svg", .path,
    "Draw the queries and their neighbours: the first \(NeighbourSheet.mostRows) queries, up to "
      + "\(NeighbourSheet.mostNeighbours) neighbours each.")
  private static let json = Flag("json", "Write one line of JSON for each query.")
  private static let csv = Flag(
    "csv", "Write a line of comma-separated values for each neighbour.")
  private static let bench = Option(
    "bench", "N", .integer(in: 1...10_000_000),
    "Time a search among N pictures with 4096 random features on one core.")

  static let command = Command(
    "alexnet similar",
    overview: """
      With --set, writes the features of a set of pictures, the outputs of the network's last hidden
      layer (4096 numbers each in AlexNet), as a NumPy array, and the pictures' names and what made
      the features as a .txt file next to it. For query pictures, lists the pictures of the set with
      the nearest features (Euclidean distance), as in the paper's figure 4, and their classes;
      features that another network or another step made are refused. Under 'mpirun -np N' the
      pictures are spread over the ranks.
      """,
    synopsis:
      "RUN|CHECKPOINT --features FILE.npy [--set DATASET|FOLDER] [IMAGE|FOLDER|-...] [options]",
    takesOperands: true,
    groups: [
      (
        "What",
        [
          SharedOptions.formerCheckpoint, SharedOptions.best, features, set, data,
          SharedOptions.split, count, SharedOptions.resize,
        ]
      ),
      ("Output", [json, csv, draw]),
      ("Machine", [SharedOptions.rankThreads, bench, SharedOptions.watchdog]),
    ])

  static func run(_ words: [String]) throws(Failure) {
    if let pictures = try command.parse(words)[bench] {
      return try StandardStream.output.write(BenchSimilar(pictures: pictures).text())
    }
    try OverRanks.run(command, words) { try similar($0, over: $1) }
  }

  private static func similar(_ arguments: Arguments, over world: Communicator) throws {
    let words = arguments.operands(orBy: SharedOptions.formerCheckpoint)
    guard let checkpoint = words.first, let path = arguments[features] else {
      throw Failure(
        .usage,
        "Name a run or a checkpoint, and give --features FILE.npy, which --set DATASET writes.")
    }
    let queries = Array(words.dropFirst())
    guard arguments.has(set) || !queries.isEmpty else {
      throw Failure(.usage, "Give --set to write its features, or name pictures to search for.")
    }
    if arguments.has(draw) {
      guard !queries.isEmpty else {
        throw Failure(.usage, "--draw draws pictures that are searched for; name some.")
      }
    }
    if world.rank == 0 {
      let list = ("--features, for the pictures' names,", FeatureSet.namesPath(path))
      try arguments.checkOutputs(
        arguments.has(set) ? [features, draw] : [draw],
        and: arguments.has(set) && OutputPlace.isFile(path) ? [list] : [])
      // What is searched consists of two files.
      if let drawing = arguments[draw], !arguments.has(set) {
        try OutputPlace.check([("--draw", drawing)], reading: [list.1])
      }
    }
    let threads = try Cores(world, threads: arguments[SharedOptions.rankThreads]).threads
    let network = try TrainedNetwork(arguments.checkpoint(checkpoint))
    if world.rank == 0, let choice = network.choice { StandardStream.error.tell("\(choice)\n") }
    let classifier = try Classifier(
      network.file, batchSize: 4 * Int(try world.allReduce(Int64(threads), .min)),
      threadsPerTower: max(1, threads / network.file.network.towers))
    var resizing = arguments[SharedOptions.resize] ?? classifier.preprocessing.resizing
    let team = ThreadTeam(count: threads)
    var origin = try FeatureOrigin(network)
    var problems: [Failure] = []
    if let set = arguments[Self.set] {
      let features: FeatureSet
      if Dataset.isThere(at: set) {
        let dataset = try Dataset(opening: set)
        origin.resizing = dataset.resizing
        _ = try origin.resizing(asked: arguments[SharedOptions.resize], path: set)
        features = try Self.features(
          of: dataset, arguments, network, origin, threads: threads, over: world)
      } else {
        origin.resizing = resizing
        features = try Self.features(
          ofFolder: set, classifier, origin, resizing, team, over: world, problems: &problems)
      }
      if world.rank == 0 {
        guard !features.names.isEmpty else {
          throw problems.last ?? Failure(.badData, "\(quoted(set)) is empty.")
        }
        try features.write(to: path)
        try StandardStream.confirm(
          "Wrote the features of \(counted(features.names.count, "picture", "pictures")) to "
            + "\(quoted(path))"
            + (OutputPlace.isFile(path) ? ".\n" : ", without the pictures' names.\n"), of: path)
      }
      // No rank reads the file before it exists.
      try world.barrier()
    }
    if !queries.isEmpty {
      let set = try FeatureSet(contentsOf: path)
      if let made = set.origin {
        try made.check(isOf: origin, in: network.path, path: path)
        resizing =
          try made.resizing(asked: arguments[SharedOptions.resize], path: path) ?? resizing
      } else if world.rank == 0 {
        StandardStream.error.tell(
          "Note: \(quoted(path)) does not say what network made its features; they are taken for "
            + "those of \(quoted(network.path)).\n")
      }
      var reader = PictureReader(
        try PictureList(telling: queries, over: world), side: classifier.imageSide,
        resizing: resizing, team: team, over: world)
      let pictures = try SetPictures(
        set.names, of: path, dataset: dataset(of: set, arguments, network),
        split: arguments[SharedOptions.split])
      try search(set, pictures, arguments, classifier, &reader, resizing, team, over: world)
      problems += try reader.allProblems()
    }
    try problems.report(by: world)
  }

  private static func features(
    of dataset: Dataset, _ arguments: Arguments, _ network: TrainedNetwork, _ origin: FeatureOrigin,
    threads: Int, over world: Communicator
  ) throws -> FeatureSet {
    let split = arguments[SharedOptions.split]
    var features: FeatureSet?
    _ = try Evaluator(dataset, split: split, crops: .centre, over: world, threads: threads)
      .evaluate([network]) { _, _ in
      } visit: { classifier, images in
        features = features ?? FeatureSet(length: classifier.featureCount, of: origin)
        try features?.append(
          names: images.map { dataset.name(split, $0) },
          values: images.indices.flatMap { classifier.features(ofCrop: $0) }, of: world)
      }
    return features ?? FeatureSet(length: 1)
  }

  private static func features(
    ofFolder folder: String, _ classifier: Classifier, _ origin: FeatureOrigin,
    _ resizing: Resizing, _ team: ThreadTeam, over world: Communicator, problems: inout [Failure]
  ) throws -> FeatureSet {
    guard PictureFiles.isFolder(folder) else {
      throw Failure(
        .inputMissing,
        "The set \(quoted(folder)) is neither a prepared dataset nor a folder of pictures.")
    }
    var reader = PictureReader(
      try PictureList(telling: [folder], over: world), side: classifier.imageSide,
      resizing: resizing,
      team: team, over: world)
    var features = FeatureSet(length: classifier.featureCount, of: origin)
    while let pictures = reader.read(classifier.batchSize) {
      try features.append(
        names: pictures.map(\.file),
        values: classifier.features(of: pictures.map(\.picture)).flatMap { $0 }, of: world)
    }
    problems += try reader.allProblems()
    return features
  }

  /// The dataset that a set of features comes from; nil where it is a folder's.
  private static func dataset(
    of set: FeatureSet, _ arguments: Arguments, _ network: TrainedNetwork
  ) throws(Failure) -> Dataset? {
    let written = arguments[Self.set].flatMap {
      Dataset.isThere(at: $0) ? $0 : nil
    }
    if let path = arguments[data] ?? written { return try Dataset(opening: path) }
    // The run's dataset may be on another machine, and need not be the set.
    guard let path = network.settings?.dataset, let dataset = try? Dataset(opening: path),
      SetPictures.holds(dataset, arguments[SharedOptions.split], set.names)
    else { return nil }
    return dataset
  }

  private static func search(
    _ set: FeatureSet, _ pictures: SetPictures, _ arguments: Arguments, _ classifier: Classifier,
    _ reader: inout PictureReader, _ resizing: Resizing, _ team: ThreadTeam,
    over world: Communicator
  ) throws {
    guard set.length == classifier.featureCount else {
      throw Failure(
        .usage,
        "\(quoted(arguments[features] ?? "")) holds \(set.length) features a picture, but the "
          + "network has \(classifier.featureCount); write them with the same network.")
    }
    let search = NearestNeighbours(set.values, length: set.length)
    let format: PredictionFormat =
      arguments[json] ? .json : arguments[csv] ? .csv : .table
    let writer = NeighbourWriter(
      format, names: set.names, classNames: classifier.classNames, pictures: pictures)
    var sheet = NeighbourSheet()
    if world.rank == 0 { try StandardStream.output.write(writer.heading) }
    while let read = reader.read(classifier.batchSize) {
      if !read.isEmpty { try classifier.forward(read.map(\.picture), crops: .centre) }
      let predictions = read.indices.map { classifier.prediction(ofCrops: $0..<$0 + 1) }
      let found = search.nearest(
        to: read.indices.map { classifier.features(ofCrop: $0) }, count: arguments[count])
      try world.write(
        read.indices.map { writer.text(read[$0].file, predictions[$0], found[$0]) }.joined())
      guard arguments.has(draw), !sheet.isFull else { continue }
      var rows: [String] = []
      for (place, query) in read.enumerated() {
        let best = predictions[place].best(1)[0]
        var cells = [
          NeighbourSheet.Cell(
            query.picture,
            [
              classifier.classNames[best],
              String(format: "predicted, %.1f %%", 100 * predictions[place].probabilities[best]),
            ])
        ]
        for neighbour in found[place].prefix(NeighbourSheet.mostNeighbours) {
          let picture = try pictures.picture(
            neighbour.row, side: classifier.imageSide, resizing: resizing, team: team)
          let distance = String(format: "%.4g", neighbour.distance)
          let title = pictures.className(neighbour.row).map { [$0] } ?? []
          cells.append(NeighbourSheet.Cell(picture, title + [distance]))
        }
        rows.append(try NeighbourSheet.row(cells))
      }
      // Rank by rank, as the queries are listed.
      sheet.append(try world.allGather(rows.map { $0 + "\0" }.joined()))
    }
    guard world.rank == 0, let path = arguments[draw] else { return }
    try TextFile.write(
      lines: sheet.svgFile(
        columns: min(
          arguments[count], set.names.count, NeighbourSheet.mostNeighbours) + 1), to: path)
    try StandardStream.confirm("Drew \(quoted(path)).\n", of: path)
  }
}
