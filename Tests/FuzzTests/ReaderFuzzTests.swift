import Checkpoints
import Data
import Foundation
import Images
import Interchange
import Networks
import Safetensors
import System
import TestSupport
import Testing

/// Damaged files for every reader of the programs.
@Suite(.serialized) struct ReaderFuzzTests {
  /// In memory where the system has such a place: a hundred thousand files are nothing for a disk.
  let place = TemporaryFolder(
    in: access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory())

  // MARK: Weights

  private func readAll(_ source: any WeightSource) throws {
    for tensor in source.tensors { _ = try source.read(tensor) }
  }

  @Test func safetensors() throws {
    let tensors: [(name: String, format: NumberFormat, shape: [Int])] = [
      ("features.0.weight", .float32, [2, 1, 2, 2]), ("features.0.bias", .float32, [2]),
      ("half", .bfloat16, [3]), ("state", .float64, [1]),
    ]
    var digests = CheckpointDigests(of: [])
    for (name, format, shape) in tensors {
      let bytes = [UInt8](repeating: 0x3F, count: shape.reduce(format.byteCount, *))
      digests.note(SHA256.digest(of: bytes), of: .init(tensor: name, rows: 0..<shape[0]))
    }
    let header = digests.signedHeader(
      ["format": "alexnet-train", "formatVersion": "2", "classes": "[\"a\",\"b\"]"], tensors)
    let numbers = [UInt8](repeating: 0x3F, count: header.fileLength - header.encoded.count)
    let foreign = Array(
      "{\"a\": {\"dtype\": \"F16\", \"shape\": [2], \"data_offsets\": [0, 4]}}".utf8)
    let fuzzer = Fuzzer(
      name: "safetensors",
      seeds: [
        header.encoded + numbers,
        [UInt8(foreign.count), 0, 0, 0, 0, 0, 0, 0] + foreign + [0, 0x3C, 0, 0xBC],
      ], fileName: "weights.safetensors")
    try fuzzer.run(in: place.path) { path, _ in try readAll(WeightFile.open(path)) }
  }

  @Test func numPyArray() throws {
    let writer = try NumPyWriter(creating: place.file("seed.npy"), shape: [3, 2])
    try [Float](repeating: 1.5, count: 6).withUnsafeBufferPointer { try writer.append($0) }
    try writer.finish()
    let fuzzer = Fuzzer(name: "npy", seeds: [try place.read("seed.npy")], fileName: "array.npy")
    try fuzzer.run(in: place.path) { path, _ in _ = try NumPyArray(contentsOf: path) }
  }

  @Test func numPyArchive() throws {
    let writer = try NumPyArchiveWriter(creating: place.file("seed.npz"))
    for (name, shape) in [("features.0.weight", [2, 1, 2, 2]), ("features.0.bias", [2])] {
      let values = [Float](repeating: -0.5, count: shape.reduce(1, *))
      try values.withUnsafeBufferPointer { try writer.append(name, shape: shape, $0) }
    }
    try writer.finish()
    let fuzzer = Fuzzer(name: "npz", seeds: [try place.read("seed.npz")], fileName: "weights.npz")
    try fuzzer.run(in: place.path) { path, _ in try readAll(WeightFile.open(path)) }
  }

  @Test func caffeModel() throws {
    let fuzzer = Fuzzer(
      name: "caffemodel",
      seeds: [CaffeFiles.small(isOld: false), CaffeFiles.small(isOld: true)]
        + (0...2).map {
          CaffeNetworks.model(CaffeNetworks.alexNet(poolsFirst: true), generation: $0)
        },
      fileName: "weights.caffemodel")
    try fuzzer.run(in: place.path) { path, _ in try readAll(WeightFile.open(path)) }
  }

  @Test func onnx() throws {
    var network = NetworkSpecification.cifarFourLayer(classes: 3)
    network.inputSide = 16
    network.imageSide = 16
    let preprocessing = Preprocessing(
      classNames: ["a", "b", "c"], mean: [Float](repeating: 1, count: 16 * 16 * 3))
    try NetworkExport.writeSafetensors(
      network, preprocessing, to: place.file("seed.safetensors")
    ) { tensor throws(Failure) in [Float](repeating: 0.5, count: tensor.shape.reduce(1, *)) }
    let file = try NetworkFile(opening: place.file("seed.safetensors"))
    try ONNXExport.write(file, to: place.file("seed.onnx"), hasPreprocessingInside: false)
    let own = try place.read("seed.onnx")
    // As if another program had written it: the graph is gone through.
    let other = own.replacing("alexnet-train".utf8, with: "another-train".utf8)
    let fuzzer = Fuzzer(name: "onnx", seeds: [own, other], fileName: "n.onnx")
    try fuzzer.run(in: place.path) { path, _ in
      let source = try WeightFile.open(path)
      try readAll(source)
      _ = try NetworkWeights(source, of: network)
    }
  }

  @Test func caffeMean() throws {
    let values = (0..<12).map { Float($0) }
    let fuzzer = Fuzzer(
      name: "binaryproto",
      seeds: [true, false].map { CaffeFiles.blob([3, 2, 2], values, isOld: $0) },
      fileName: "mean.binaryproto")
    try fuzzer.run(in: place.path) { path, _ in _ = try CaffeMean.read(path, side: 2) }
  }

  @Test func networkDescription() throws {
    let seeds = NetworkSpecification.presetNames.compactMap {
      NetworkSpecification.preset($0, classes: 10, recipe: .code2012)
    }.map { Array($0.json.utf8) }
    let fuzzer = Fuzzer(name: "network description", seeds: seeds, fileName: "network.json")
    try fuzzer.run(in: place.path) { path, _ in _ = try NetworkSpecification(contentsOf: path) }
  }

  // MARK: Prepared datasets

  /// A dataset of a few pictures, and one of its files to be damaged.
  private func dataset(_ change: String) throws -> (path: String, bytes: [UInt8]) {
    let source = place.file("source")
    for name in ["a", "b"] {
      for number in 0..<3 {
        try FileManager.default.createDirectory(
          atPath: "\(source)/\(name)", withIntermediateDirectories: true)
        let pixels = (0..<8 * 8 * 3).map { UInt8(truncatingIfNeeded: $0 * 7 + number * 31) }
        try PNGFile.write(pixels, width: 8, height: 8, to: "\(source)/\(name)/\(number).png")
      }
    }
    var settings = PreparationSettings(source: source, destination: place.file("dataset"))
    settings.side = 8
    settings.threads = 1
    _ = try Preparation.run(settings) { _ in }
    let folder = place.file("dataset")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let name = try #require(names.first { $0.contains(change) })
    return ("\(folder)/\(name)", try place.read("dataset/\(name)"))
  }

  @Test func datasetDescription() throws {
    let (_, bytes) = try dataset("dataset.json")
    let fuzzer = Fuzzer(name: "dataset.json", seeds: [bytes], fileName: "dataset.json")
    try fuzzer.run(in: place.file("dataset")) { path, _ in
      _ = try Dataset(opening: URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }
  }

  /// Files whose checksum stands in dataset.json: it is made to fit the damage, so that what reads
  /// the file is met.
  @Test(arguments: ["train.index", "statistics"]) func checkedFile(_ part: String) throws {
    let (path, bytes) = try dataset(part)
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let json = String(decoding: try place.read("dataset/dataset.json"), as: UTF8.self)
    let name = URL(fileURLWithPath: path).lastPathComponent
    let pattern = try Regex(
      "\"bytes\" : [0-9]+,\\s+\"file\" : \"\(name.replacing(".", with: "\\."))\",\\s+\"sha256\" : "
        + "\"[0-9a-f]+\""
    )
    #expect(json.firstMatch(of: pattern) != nil)
    let fuzzer = Fuzzer(name: name, seeds: [bytes], fileName: name)
    try fuzzer.run(in: folder) { _, bytes in
      let entry =
        "\"bytes\" : \(bytes.count), \"file\" : \"\(name)\", \"sha256\" : "
        + "\"\(PlainSHA256.digest(of: bytes))\""
      try place.write(
        Array(json.replacing(pattern, with: entry).utf8), "dataset/dataset.json")
      let dataset = try Dataset(opening: folder)
      let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 8 * 8 * 3)
      defer { room.deallocate() }
      for record in 0..<dataset.count(.train) { try dataset.decode(.train, record, into: room) }
    }
  }

  @Test func records() throws {
    var seeds: [[UInt8]] = []
    for encoding in [RecordEncoding.jpeg, .png] {
      let pixels = (0..<16 * 16 * 3).map { UInt8(truncatingIfNeeded: $0 * 5) }
      let encoder = try RecordEncoder(encoding, quality: 90, side: 16)
      seeds.append(
        try pixels.withUnsafeBufferPointer { Array(try encoder.encode($0)) })
    }
    let decoder = try RecordDecoder()
    let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 16 * 16 * 3)
    defer { room.deallocate() }
    let fuzzer = Fuzzer(name: "records", seeds: seeds, fileName: "record")
    try fuzzer.run(in: place.path) { _, bytes in
      try bytes.withUnsafeBytes { try decoder.decode($0, side: 16, into: room) }
    }
  }

  // MARK: Sources of pictures

  /// Lists what a folder holds and reads the first pictures.
  private func readSource(_ folder: String) throws {
    let source = try ImageSources.open(folder)
    let buffer = ByteBuffer()
    for item in try source.list().items.prefix(4) { _ = try source.read(item, into: buffer) }
  }

  private func big(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
  }

  @Test(arguments: ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
  func idx(_ name: String) throws {
    let images = [0, 0, 8, 3] + big(6) + big(4) + big(4) + (0..<96).map { UInt8($0) }
    let labels = [0, 0, 8, 1] + big(6) + [0, 1, 2, 0, 1, 2]
    try place.write(images, "idx/train-images-idx3-ubyte")
    try place.write(labels, "idx/train-labels-idx1-ubyte")
    let fuzzer = Fuzzer(
      name: "IDX " + name, seeds: [name.contains("images") ? images : labels], fileName: name)
    try fuzzer.run(in: place.file("idx")) { _, _ in try readSource(place.file("idx")) }
  }

  @Test(arguments: ["data_batch_1.bin", "batches.meta.txt"]) func cifar(_ name: String) throws {
    let records = (0..<2).flatMap { label in
      [UInt8(label)] + (0..<3072).map { UInt8(truncatingIfNeeded: $0 * (label + 3)) }
    }
    let names = Array((0..<10).map { "class \($0)\n" }.joined().utf8)
    for batch in 1...5 { try place.write(records, "cifar/data_batch_\(batch).bin") }
    try place.write(names, "cifar/batches.meta.txt")
    let fuzzer = Fuzzer(
      name: "CIFAR " + name, seeds: [name.hasSuffix("bin") ? records : names], fileName: name)
    try fuzzer.run(in: place.file("cifar")) { _, _ in try readSource(place.file("cifar")) }
  }

  /// Runs the system's tar.
  private func tar(_ arguments: String...) throws { try tar(arguments) }

  private func tar(_ arguments: [String]) throws {
    try #require(Program.run(["tar"] + arguments).code == 0)
  }

  @Test func webDataset() throws {
    var seeds: [[UInt8]] = []
    for (format, label) in [("gnu", "cls"), ("pax", "json"), ("ustar", "cls")] {
      for (number, picture) in [OddPictures.progressiveJPEG, OddPictures.progressiveJPEG]
        .enumerated()
      {
        try place.write(picture, "\(format)/sample\(number).jpg")
        let text = label == "cls" ? "\(number)" : "{\"label\": \(number), \"text\": \"a\"}"
        try place.write(Array(text.utf8), "\(format)/sample\(number).\(label)")
      }
      try tar(
        "--format=\(format)", "--sort=name", "-cf", place.file("\(format).tar"), "-C",
        place.file(format),
        ".")
      seeds.append(try place.read("\(format).tar"))
    }
    try place.write(Array("a\nb\n".utf8), "shards/classes.txt")
    let fuzzer = Fuzzer(name: "WebDataset", seeds: seeds, fileName: "train-0000.tar")
    try fuzzer.run(in: place.file("shards")) { _, _ in try readSource(place.file("shards")) }
  }

  @Test(arguments: ["meta.mat", "ILSVRC2012_validation_ground_truth.txt"])
  func developmentKit(_ name: String) throws {
    let data = "ilsvrc/ILSVRC2012_devkit_t12/data"
    let truth = Array("4\n9\n".utf8)
    try place.write(MetaFiles.of2012, "\(data)/meta.mat")
    try place.write(truth, "\(data)/ILSVRC2012_validation_ground_truth.txt")
    // The archives that go with it: classes with a picture each.
    var classes: [String] = []
    for number in 0..<10 {
      let name = "n0000000\(number)"
      try place.write(OddPictures.progressiveJPEG, "class/\(name)_1.JPEG")
      try FileManager.default.createDirectory(
        atPath: place.file("classes"), withIntermediateDirectories: true)
      try tar("-cf", place.file("classes/\(name).tar"), "-C", place.file("class"), "\(name)_1.JPEG")
      classes.append("\(name).tar")
    }
    try tar(
      ["-cf", place.file("ilsvrc/ILSVRC2012_img_train.tar"), "-C", place.file("classes")] + classes)
    for number in 1...2 {
      try place.write(OddPictures.progressiveJPEG, "val/ILSVRC2012_val_0000000\(number).JPEG")
    }
    try tar(
      "-cf", place.file("ilsvrc/ILSVRC2012_img_val.tar"), "-C", place.file("val"),
      "ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG")
    let fuzzer = Fuzzer(
      name: "development kit " + name,
      seeds: name == "meta.mat"
        ? [MetaFiles.plain, MetaFiles.of2012, MetaFiles.of2010] : [truth], fileName: name)
    try fuzzer.run(in: place.file(data)) { _, _ in
      try readSource(place.file("ilsvrc"))
    }
  }

  // MARK: Pictures

  @Test(arguments: [
    ("JPEG", [OddPictures.progressiveJPEG, OddPictures.cmykJPEG, OddPictures.rotatedJPEG]),
    ("PNG", [OddPictures.gray16PNG, OddPictures.alphaPNG, OddPictures.palettePNG]),
    ("WebP", [OddPictures.webP]), ("TIFF", [OddPictures.tiff]), ("BMP", [OddPictures.bmp]),
  ])
  func pictures(_ format: String, _ seeds: [[UInt8]]) throws {
    let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 16 * 16 * 3)
    defer { room.deallocate() }
    let fuzzer = Fuzzer(name: format, seeds: seeds, fileName: "picture")
    try fuzzer.run(in: place.path) { _, bytes in
      try bytes.withUnsafeBytes { try SquareScaling.scale(encoded: $0, side: 16, into: room) }
    }
  }
}
