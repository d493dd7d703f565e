import AlexNet
import Data
import Evaluation
import Failures
import Foundation
import MPI
import Options
import Tensors
import Threads
import Training

/// `alexnet similar`: the pictures of a set that are most like others, to a network's last hidden layer.
enum Similar: Subcommand {
  static let name = "similar"
  static let summary = "find the pictures of a set that a network takes for most alike"

  private static let command = Command(
    "alexnet similar",
    overview: """
      With --set, writes the features of a set of pictures, what the network's last hidden layer makes of them (4096
      numbers each in AlexNet), as an array for NumPy, and their names as a .txt file beside it. For query pictures,
      lists those of the set whose features are nearest to theirs by Euclidean distance, as in the paper's figure 4.
      """,
    synopsis:
      "--checkpoint RUN|FILE --features FILE.npy [--set DATASET|FOLDER] [IMAGE|FOLDER|-...]",
    takesOperands: true,
    groups: [
      (
        "What",
        [
          Option(
            "checkpoint", "RUN|FILE", "The network: the newest checkpoint of a run, or a file."),
          Option("features", "FILE.npy", "The features of the set, to write or to search."),
          Option(
            "set", "DATASET|FOLDER",
            "The set: a prepared dataset's validation images, or a folder of pictures."),
          Option("split", "validation|train", default: "validation", "The part of the dataset."),
          Option("count", "N", default: "6", "Neighbours to list."),
        ]
      ),
      (
        "Output",
        [
          .flag("json", "Write a JSON object a line for each query."),
          .flag("csv", "Write a line of comma-separated values for each neighbour."),
        ]
      ),
      (
        "Machine",
        [
          Option("threads", "N", default: "one for each core", "Threads to work with."),
          Option(
            "bench", "N",
            "Search N pictures of 4096 random features on one core, and say how long it takes."),
        ]
      ),
    ])

  static func run(_ words: [String]) throws(Failure) {
    let arguments = try command.parse(words)
    if arguments.has("help") { return StandardStream.output.write(command.helpText) }
    if let rows = try arguments.integer("bench", in: 1...10_000_000) { return bench(rows) }
    guard let checkpoint = arguments.string("checkpoint"), let path = arguments.string("features")
    else {
      throw Failure(
        .usage, "Give --checkpoint RUN and --features FILE.npy, which --set DATASET writes.")
    }
    guard arguments.has("set") || !arguments.operands.isEmpty else {
      throw Failure(.usage, "Name the --set to write features of, or pictures to search for.")
    }
    let threads = try arguments.integer("threads", in: 1...1024) ?? Affinity.coreCount
    let count = try arguments.integer("count", in: 1...1_000_000) ?? 6
    let network = try TrainedNetwork(opening: checkpoint)
    let classifier = try Classifier(
      network.file, batchSize: 4 * threads,
      threadsPerTower: max(1, threads / network.file.network.towers))
    let team = ThreadTeam(count: threads)
    var problems: [Failure] = []
    if let set = arguments.string("set") {
      let features = try write(
        set, arguments, network, classifier, team, threads: threads, problems: &problems)
      try features.write(to: path)
      StandardStream.output.write(
        "Wrote the features of \(features.names.count) pictures to \(quoted(path)).\n")
    }
    if !arguments.operands.isEmpty {
      var reader = PictureReader(
        PictureList(arguments.operands), side: classifier.imageSide, team: team)
      try search(path, arguments, classifier, &reader, count: count)
      problems += reader.problems
    }
    try problems.report()
  }

  private static func write(
    _ set: String, _ arguments: Arguments, _ network: TrainedNetwork, _ classifier: Classifier,
    _ team: ThreadTeam, threads: Int, problems: inout [Failure]
  ) throws(Failure) -> FeatureSet {
    var (names, values): ([String], [Float]) = ([], [])
    if FileManager.default.fileExists(atPath: set + "/dataset.json") {
      let dataset = try Dataset(opening: set)
      let split =
        try arguments.choice("split", of: ["validation", "train"]) == "train"
        ? Split.train : .validation
      do {
        _ = try Evaluator(dataset, split: split, crops: .centre, over: .alone, threads: threads)
          .evaluate([network]) { _, _ in
          } visit: { classifier, images in
            for (crop, image) in images.enumerated() {
              names.append(dataset.name(split, image))
              values += classifier.features(ofCrop: crop)
            }
          }
      } catch { throw error as? Failure ?? Failure(.internal, "\(error)") }
    } else {
      guard PictureFiles.isFolder(set) else {
        throw Failure(
          .inputMissing,
          "The set \(quoted(set)) is neither a prepared dataset nor a folder of pictures.")
      }
      var reader = PictureReader(PictureList([set]), side: classifier.imageSide, team: team)
      while let pictures = reader.read(classifier.batchSize) {
        names += pictures.map(\.file)
        values += try classifier.features(of: pictures.map(\.picture)).flatMap { $0 }
      }
      problems += reader.problems
    }
    guard !names.isEmpty else {
      throw problems.last ?? Failure(.badData, "\(quoted(set)) is empty.")
    }
    return FeatureSet(names: names, length: values.count / names.count, values: values)
  }

  private static func search(
    _ path: String, _ arguments: Arguments, _ classifier: Classifier, _ reader: inout PictureReader,
    count: Int
  ) throws(Failure) {
    let set = try FeatureSet(contentsOf: path)
    let search = NearestNeighbours(set.values, length: set.length)
    let format: PredictionFormat =
      arguments.has("json") ? .json : arguments.has("csv") ? .csv : .table
    let writer = NeighbourWriter(format, names: set.names)
    StandardStream.output.write(writer.heading)
    while let pictures = reader.read(classifier.batchSize) {
      let queries = try classifier.features(of: pictures.map(\.picture))
      guard queries.allSatisfy({ $0.count == set.length }) else {
        throw Failure(
          .usage,
          "\(quoted(path)) holds \(set.length) features a picture and the network makes "
            + "\(queries[0].count); write them with the same network.")
      }
      for ((file, _), found) in zip(pictures, search.nearest(to: queries, count: count)) {
        StandardStream.output.write(writer.text(file, found))
      }
    }
  }

  private static func bench(_ rows: Int) {
    let length = 4096
    let random = Philox(seed: 1, purpose: 0)
    let features = UnsafeMutableBufferPointer<Float>.allocate(capacity: rows * length)
    defer { features.deallocate() }
    for block in 0..<rows * length / 4 {
      let words = random.block(0, UInt64(block))
      for i in 0..<4 { features[4 * block + i] = Float(words[i] >> 8) * 0x1p-24 }
    }
    let start = MonotonicClock.seconds
    let search = NearestNeighbours(UnsafeBufferPointer(features), length: length)
    let ready = MonotonicClock.seconds
    let query = (0..<length).map { features[$0] + 0.01 }
    let found = search.nearest(to: query, count: 6)
    let end = MonotonicClock.seconds
    // What the search cannot be faster than: every number is read once.
    var sum: Float = 0
    for row in 0..<rows { sum += features[row * length] }
    for start in stride(from: 0, to: features.count, by: 16) { sum += features[start] }
    let read = MonotonicClock.seconds - end
    StandardStream.output.write(
      String(
        format:
          "%d pictures x %d features on one core: squares %.2f s, one query %.2f s, together %.2f s; "
          + "reading them once %.2f s (%g). Nearest: picture %d.\n", rows, length, ready - start,
        end - ready, end - start, read, sum, found[0].row))
  }
}
