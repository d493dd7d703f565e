import Data
import Foundation
import Images
import System
import TestSupport
import Testing

/// Small likenesses of what people download.
@Suite("Known datasets")
struct KnownDatasetTests {
  private func pictures(_ place: TemporaryFolder, _ names: [String]) throws {
    for (seed, name) in names.enumerated() {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(seed)), "source/\(name)")
    }
  }

  private func write(_ place: TemporaryFolder, _ name: String, _ lines: [String]) throws {
    try place.write(Array((lines.joined(separator: "\n") + "\n").utf8), "source/\(name)")
  }

  @Test("Tiny ImageNet: val_annotations.txt has the classes of the validation pictures")
  func tinyImageNet() throws {
    let place = TemporaryFolder()
    let ids = ["n01443537", "n01629819"]
    for id in ids {
      try pictures(place, (0..<3).map { "train/\(id)/images/\(id)_\($0).JPEG" })
    }
    try pictures(place, (0..<4).map { "val/images/val_\($0).JPEG" } + ["test/images/test_0.JPEG"])
    try write(
      place, "val/val_annotations.txt",
      [1, 0, 1, 1].enumerated().map { "val_\($0).JPEG\t\(ids[$1])\t0\t0\t62\t62" })
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ids && dataset.counts(.train) == [3, 3])
    #expect(dataset.counts(.validation) == [1, 3] && dataset.count(.test) == 0)
  }

  @Test("ILSVRC from Kaggle: LOC_val_solution.csv has the validation classes")
  func kaggle() throws {
    let place = TemporaryFolder()
    let (ids, base) = (["n01440764", "n01443537"], "ILSVRC/Data/CLS-LOC")
    for id in ids { try pictures(place, (0..<3).map { "\(base)/train/\(id)/\(id)_\($0).JPEG" }) }
    try pictures(place, (1...3).map { "\(base)/val/ILSVRC2012_val_0000000\($0).JPEG" })
    expectFailure(.inputMissing, "LOC_val_solution.csv") { try place.prepare() }
    let rows = (1...3).map { number in
      let id = ids[number % 2]
      return "ILSVRC2012_val_0000000\(number),\(id) 1 2 30 31 \(id) 4 5 6 7 "
    }
    try write(place, "LOC_val_solution.csv", ["ImageId,PredictionString"] + rows)
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ids && dataset.counts(.validation) == [1, 2])
    // As the usual script sorts them, which needs no list.
    try FileManager.default.removeItem(atPath: place.file("source/LOC_val_solution.csv"))
    try FileManager.default.removeItem(atPath: place.file("source/\(base)/val"))
    for (count, id) in ids.enumerated() {
      try pictures(place, (0...count).map { "\(base)/val/\(id)/\($0).JPEG" })
    }
    try place.prepare("sorted")
    #expect(try place.dataset("sorted").counts(.validation) == [1, 2])
  }

  @Test("Hugging Face's imagefolder: metadata.csv and metadata.jsonl have the classes")
  func imagefolder() throws {
    let place = TemporaryFolder()
    let names = (0..<20).map { "\($0).png" }
    try pictures(place, names.map { "train/\($0)" } + (0..<3).map { "test/\($0).png" })
    let rows = names.enumerated().map { "\($1),\($0 % 2 == 0 ? "cat" : "\"a, b\""),8" }
    try write(place, "train/metadata.csv", ["file_name,label,width"] + rows)
    try write(
      place, "test/metadata.jsonl",
      ["\"cat\"", "\"a, b\"", "-1"].enumerated().map {
        "{\"file_name\": \"\($0).png\", \"label\": \($1)}"
      })
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["a, b", "cat"])
    #expect(dataset.counts(.train) == [9, 9] && dataset.counts(.validation) == [1, 1])
    #expect(dataset.counts(.test) == [1, 1])
  }

  @Test("numeric labels of metadata.csv are sorted as numbers")
  func numericLabels() throws {
    let place = TemporaryFolder()
    let names = (0..<22).map { "\($0).png" }
    try pictures(place, names)
    try write(
      place, "metadata.csv",
      ["file_name,label"] + names.enumerated().map { "\($1),\($0 % 11)" })
    try place.prepare()
    #expect(try place.dataset().classNames == (0...10).map { "\($0)" })
  }

  @Test("a line of metadata.jsonl without a label is named")
  func unlabelledLine() throws {
    let place = TemporaryFolder()
    let names = (0..<20).map { "\($0).png" }
    try pictures(place, names)
    try write(
      place, "metadata.jsonl",
      names.enumerated().map { number, name in
        let label = number == 7 ? "" : ", \"label\": \"\(number % 2 == 0 ? "cat" : "dog")\""
        return "{\"file_name\": \"\(name)\"\(label)}"
      })
    var notes: [String] = []
    try place.prepare(report: { event in
      if case .note(let note) = event { notes.append(note) }
    })
    #expect(notes.contains { $0.contains("Line 8 has no label for '7.png'") }, "\(notes)")
  }

  @Test(
    "Oxford-IIIT Pets: lists give the parts and file names the breeds",
    arguments: ["", "images/", "annotations/"])
  func pets(folder: String) throws {
    let place = TemporaryFolder()
    func pictures(_ place: TemporaryFolder, _ names: [String]) throws {
      try self.pictures(place, names.map { $0.hasPrefix(folder) ? folder + $0 : $0 })
    }
    func write(_ place: TemporaryFolder, _ name: String, _ lines: [String]) throws {
      try self.write(place, name.hasPrefix(folder) ? folder + name : name, lines)
    }
    let names = ["Abyssinian", "great_dane"].flatMap { name in (1...12).map { "\(name)_\($0)" } }
    try pictures(place, names.map { "images/\($0).jpg" } + ["annotations/trimaps/x.png"])
    for (file, isMeant) in [("trainval", false), ("test", true)] {
      try write(
        place, "annotations/\(file).txt",
        names.filter { $0.hasSuffix("2") == isMeant }.map { "\($0) 1 1 1" })
    }
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["Abyssinian", "great_dane"])
    #expect(dataset.counts(.train) == [9, 9] && dataset.counts(.validation) == [1, 1])
    #expect(dataset.counts(.test) == [2, 2])
  }

  @Test("STL-10: columns of 96x96 become rows, and the test files are the validation part")
  func stl10() throws {
    let place = TemporaryFolder()
    // Red is the row, green the column.
    func plane(_ value: (_ row: Int, _ column: Int) -> Int) -> [UInt8] {
      (0..<96).flatMap { column in (0..<96).map { UInt8(value($0, column)) } }
    }
    let picture = plane { row, _ in row } + plane { _, column in column } + plane { _, _ in 9 }
    try place.write(picture + picture + picture, "source/train_X.bin")
    try place.write([1, 2, 2], "source/train_y.bin")
    try place.write(picture, "source/test_X.bin")
    try place.write([2], "source/test_y.bin")
    try write(place, "class_names.txt", ["airplane", "bird"])
    try place.prepare {
      $0.side = 96
      $0.encoding = .png
    }
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["airplane", "bird"] && dataset.counts(.train) == [1, 2])
    let pixels = try dataset.pixels(.validation, 0)
    let start = 3 * (5 * 96 + 70)
    #expect(Array(pixels[start..<start + 3]) == [5, 70, 9])
    try place.write([3], "source/test_y.bin")
    expectFailure(.badData, "test_y.bin", "beyond its 2 classes") { try place.prepare("other") }
  }

  @Test("EMNIST is turned upright and named by its mapping; QMNIST's labels are rows of numbers")
  func relativesOfMNIST() throws {
    let place = TemporaryFolder()
    func number(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(value >> $0 & 255) } }
    // 8x8, stored column by column: the value is 10 times the row and the column.
    let image = (0..<8).flatMap { column in (0..<8).map { row in UInt8(10 * row + column) } }
    let images = [0, 0, 8, 3] + number(4) + number(8) + number(8) + image + image + image + image
    try place.write(images, "source/emnist-letters-train-images-idx3-ubyte")
    try place.write(
      [0, 0, 8, 1] + number(4) + [1, 2, 2, 1], "source/emnist-letters-train-labels-idx1-ubyte")
    try write(place, "emnist-letters-mapping.txt", ["1 65 97", "2 66 98"])
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["Aa", "Bb"])
    #expect(try dataset.pixels(.train, 0)[3 * (2 * 8 + 5)] == 25)

    let rows = [1, 0, 0, 1].flatMap { label in number(label) + [UInt8](repeating: 0, count: 28) }
    try place.write(images, "q/qmnist-train-images-idx3-ubyte")
    try place.write([0, 0, 12, 2] + number(4) + number(8) + rows, "q/qmnist-train-labels-idx2-int")
    try place.prepare("second", from: "q")
    #expect(try place.dataset("second").classNames == ["0", "1"])
    #expect(try place.dataset("second").pixels(.train, 0)[3 * (2 * 8 + 5)] == 52)
  }

  @Test(
    "Imagenette: its outer folder is skipped, its list of noisy labels left out")
  func imagenette() throws {
    let place = TemporaryFolder()
    let (ids, base) = (["n01440764", "n02102040"], "imagenette2-160")
    for (part, count) in [("train", 4), ("val", 2)] {
      for id in ids {
        try pictures(place, (0..<count).map { "\(base)/\(part)/\(id)/\(id)_\($0).JPEG" })
      }
    }
    try write(
      place, "\(base)/noisy_imagenette.csv",
      ["path,noisy_labels_0", "train/n01440764/n01440764_0.JPEG,n02102040"])
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ids && dataset.counts(.train) == [4, 4])
    #expect(dataset.counts(.validation) == [2, 2])
  }

  @Test("Caltech-101: annotations in folders with class names are ignored")
  func caltech101() throws {
    let place = TemporaryFolder()
    for name in ["BACKGROUND_Google", "accordion", "anchor"] {
      try pictures(place, (0..<10).map { "101_ObjectCategories/\(name)/image_000\($0).jpg" })
    }
    for name in ["Faces_2", "accordion"] {
      try write(place, "Annotations/\(name)/annotation_0001.mat", ["MATLAB 5.0"])
    }
    try write(place, "show_annotation.m", ["% draws an outline"])
    try write(place, "101_ObjectCategories.tar.gz", ["as downloaded"])
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["BACKGROUND_Google", "accordion", "anchor"])
    #expect(dataset.counts(.train) == [9, 9, 9] && dataset.counts(.validation) == [1, 1, 1])
  }

  @Test(
    "unsupported formats are refused with a remedy",
    arguments: [
      ("pets.zip", "unzip"), ("pets.tar.gz", "tar -xf"), ("pets.tar.zst", "tar -xf"),
      ("my DIR/test.zip", "my DIR/test.zip -d FOLDER/test'"), ("ld_test00-1.tfrec", "TensorFlow"),
      ("pets.7z", "bsdtar -xf"), ("pets.rar", "bsdtar -xf"),
      ("data/train-00000-of-00001.parquet", "load_dataset"),
      ("train_32x32.mat", "out/train/{y % 10}"),
      ("cifar-10-batches-py/data_batch_1", "binary version"),
      ("batches.meta.mat", "binary version"), ("train.tfrecord", "TensorFlow"),
      ("pets-train.tfrecord-00000-of-00001", "TensorFlow"),
      ("train-00000-of-01024", "TensorFlow"),
      ("train.rec", "MXNet"), ("train.npz", "fromarray"),
    ])
  func otherFormats(name: String, remedy: String) throws {
    let place = TemporaryFolder()
    try place.write([1, 2, 3, 4], "source/\(name)")
    try place.write(Array("# Pets".utf8), "source/README.md")
    expectFailure(.badData, "source/\(name)'", remedy) { try place.prepare() }
    if !name.contains("/") {
      expectFailure(.badData, "source/\(name)'", remedy) {
        try place.prepare(from: "source/\(name)")
      }
    }
  }
}
