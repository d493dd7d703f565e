import Data
import Foundation
import Images
import Tensors
import TestSupport
import Testing

/// One set of pictures in every form that it may come in.
@Suite("The same pictures give the same training batches")
struct SameBatchesTests {
  /// The first pictures of Fashion-MNIST, black round them to make 32x32, by class.
  private struct Clothes {
    var train: [(label: Int, gray: [UInt8])] = []
    var validation: [(label: Int, gray: [UInt8])] = []

    init(trainCount: Int, validationCount: Int) throws {
      train = try Self.read("train", trainCount)
      validation = try Self.read("t10k", validationCount)
    }

    /// Reads by gzip, not by the code under test.
    private static func read(_ name: String, _ count: Int) throws -> [(label: Int, gray: [UInt8])] {
      func unpacked(_ kind: String) throws -> [UInt8] {
        try Program.run(["/usr/bin/gzip", "-dc", "\(FashionMNIST.folder)/\(name)-\(kind)-ubyte.gz"])
          .bytes
      }
      let (images, labels) = (try unpacked("images-idx3"), try unpacked("labels-idx1"))
      return (0..<count).map { number in
        var gray = [UInt8](repeating: 0, count: 32 * 32)
        for y in 0..<28 {
          for x in 0..<28 { gray[(y + 2) * 32 + x + 2] = images[16 + number * 784 + y * 28 + x] }
        }
        return (Int(labels[8 + number]), gray)
      }
    }
  }

  private func bigEndian(_ number: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  private func writeAll(_ clothes: Clothes, _ place: TemporaryFolder) throws {
    var perClass = Array(repeating: [[UInt8]](), count: 10)
    var validationPNG: [(label: Int, bytes: [UInt8])] = []
    for (split, prefix, pictures) in [
      ("train", "train", clothes.train), ("val", "t10k", clothes.validation),
    ] {
      let sizes = bigEndian(pictures.count) + bigEndian(32) + bigEndian(32)
      try place.write(
        [0, 0, 8, 3] + sizes + pictures.flatMap(\.gray), "idx/\(prefix)-images-idx3-ubyte")
      try place.write(
        [0, 0, 8, 1] + bigEndian(pictures.count) + pictures.map { UInt8($0.label) },
        "idx/\(prefix)-labels-idx1-ubyte")
      for batch in 0..<(split == "train" ? 5 : 1) {
        let count = split == "train" ? pictures.count / 5 : pictures.count
        try place.write(
          pictures[batch * count..<(batch + 1) * count].flatMap {
            [UInt8($0.label)] + $0.gray + $0.gray + $0.gray
          }, "cifar/\(split == "train" ? "data_batch_\(batch + 1)" : "test_batch").bin")
      }
      for (number, picture) in pictures.enumerated() {
        let pixels = picture.gray.flatMap { [$0, $0, $0] }
        let name = "folders/\(split)/class \(picture.label)/\(10000 + number).png"
        try place.writePicture(TestPicture(width: 32, height: 32, pixels: pixels), name)
        let bytes = try place.read(name)
        if split == "train" {
          perClass[picture.label].append(bytes)
        } else {
          validationPNG.append((picture.label, bytes))
        }
      }
    }
    // Pictures of ILSVRC are called .JPEG whatever they are.
    try place.writeILSVRC(2012, train: perClass, validation: validationPNG, in: "ilsvrc2012")
    try place.writeILSVRC(2010, train: perClass, validation: validationPNG, in: "ilsvrc2010")
  }

  private func batches(_ dataset: Dataset, _ augmentation: Augmentation) throws -> [[Float]] {
    let loader = try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled, augmentation: augmentation, inputSide: 28,
      batchSize: 64, seed: 9, threads: 2)
    return try (0..<12).map { _ in
      let batch = try loader.next()
      return Array(batch.input.elements) + batch.labels.map { Float($0) }
    }
  }

  @Test(
    "Fashion-MNIST as IDX, class folders, ILSVRC's archives, CIFAR's binaries and shards",
    .enabled(if: IDXTests.isInstalled, "needs \(FashionMNIST.debianPackage)"),
    arguments: [RecordEncoding.png, .jpeg])
  func same(encoding: RecordEncoding) throws {
    let place = TemporaryFolder()
    try writeAll(try Clothes(trainCount: 600, validationCount: 100), place)
    let forms = ["idx", "folders", "ilsvrc2012", "ilsvrc2010", "cifar"]
    for form in forms {
      try place.prepare("dataset-\(form)", from: form) {
        $0.side = 32
        $0.encoding = encoding
      }
    }
    let reference = try place.dataset("dataset-idx")
    #expect(reference.count(.train) == 600 && reference.count(.validation) == 100)
    for augmentation in [Augmentation.paper, .code2012] {
      let expected = try batches(reference, augmentation)
      for form in forms.dropFirst() {
        let dataset = try place.dataset("dataset-\(form)")
        #expect(dataset.mean == reference.mean && dataset.covariance == reference.covariance)
        #expect(try batches(dataset, augmentation) == expected, "\(form)")
        for index in 0..<100 {
          #expect(dataset.label(.validation, index) == reference.label(.validation, index))
          #expect(try dataset.pixels(.validation, index) == reference.pixels(.validation, index))
        }
      }
    }
  }
}
