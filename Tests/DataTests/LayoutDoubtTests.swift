import Data
import Foundation
import System
import Testing

/// Folders that could be meant in two ways: taken in the right one, or refused with the option that
/// decides.
@Suite("Ambiguous folder layouts")
struct LayoutDoubtTests {
  /// What a source is taken for: pictures by part and class, and all that is said.
  private func survey(
    _ place: Workplace, _ change: (inout SourceOptions) -> Void = { _ in }
  ) throws -> (dataset: Dataset, notes: String) {
    var settings = PreparationSettings(
      source: place.path("source"), destination: place.path("dataset-\(UUID().uuidString)"))
    settings.side = 8
    change(&settings.reading)
    var notes: [String] = []
    _ = try Preparation.run(settings) { event in
      if case .note(let note) = event { notes.append(note) }
      if case .recognised(let source) = event { notes.append(source.layout) }
    }
    return (try Dataset(opening: settings.destination), notes.joined(separator: "\n"))
  }

  @Test("class folders next to val or test are for training", arguments: ["val", "test"])
  func classesBesideParts(part: String) throws {
    let place = Workplace()
    try place.writeClassFolders(["cat": 10, "dog": 10, "owl": 10])
    try place.writeClassFolders(["cat": 2, "dog": 2, "owl": 2], in: "source/\(part)")
    let (dataset, notes) = try survey(place)
    #expect(dataset.classNames == ["cat", "dog", "owl"])
    #expect(dataset.count(part == "val" ? .validation : .test) == 6)
    #expect(notes.contains("the other folders in '\(place.path("source"))' for training"))
    // Which is which may be said too; a part is no class of another.
    if part == "val" {
      let named = try survey(place) {
        $0.trainFolder = "."
        $0.validationFolder = part
      }.dataset
      #expect(named.counts(.train) == [10, 10, 10] && named.counts(.validation) == [2, 2, 2])
      #expect(dataset.counts(.train) == [10, 10, 10])
    }
    try FileManager.default.removeItem(atPath: place.path("source/owl"))
    expectFailure(
      .usage, "'cat', 'dog'",
      "--train-folder . and --\(dataset.count(.test) > 0 ? "test" : "validation")-folder '\(part)'"
    ) {
      _ = try survey(place)
    }
  }

  @Test("overlapping folders in options are refused")
  func overlap() throws {
    let place = Workplace()
    try place.writeClassFolders(["cat": 2, "dog": 2], in: "source/a")
    for folder in ["a", "."] {
      expectFailure(.usage, "--train-folder", "--validation-folder", "do not overlap") {
        _ = try survey(place) {
          $0.trainFolder = folder
          $0.validationFolder = folder == "a" ? "a" : "a/cat"
        }
      }
    }
  }

  @Test("parts inside a part are recognised")
  func partsInPart() throws {
    let place = Workplace()
    try place.writeClassFolders(["cat": 4, "dog": 4], in: "source/train/train")
    try place.writeClassFolders(["cat": 2, "dog": 2], in: "source/train/val")
    try place.writeClassFolders(["cat": 1, "dog": 1], in: "source/test")
    let (dataset, notes) = try survey(place)
    #expect(dataset.classNames == ["cat", "dog"] && dataset.counts(.train) == [4, 4])
    #expect(dataset.counts(.validation) == [2, 2] && dataset.counts(.test) == [1, 1])
    #expect(
      notes.contains("'train/train' for training, 'train/val' for validation, 'test' for test"))
    // Classes may be called so.
    try FileManager.default.removeItem(atPath: place.path("source"))
    try place.writeClassFolders(["train": 10, "test": 10], in: "source/train")
    #expect(try survey(place).dataset.classNames == ["test", "train"])
  }

  @Test("parts inside class folders are recognised, or refused if there is more")
  func partsInClasses() throws {
    let place = Workplace()
    for number in 0..<11 {
      try place.writeClassFolders(["train": 3, "test": 2], in: "source/c\(number)")
    }
    let dataset = try survey(place).dataset
    #expect(dataset.classNames.count == 11 && dataset.count(.test) == 22)
    #expect(dataset.count(.train) + dataset.count(.validation) == 33)
    // As MVTec AD has them.
    try place.writePicture(TestPicture(side: 8, seed: 5), "source/c3/ground_truth/broken/1.png")
    expectFailure(
      .usage, "'c0/test'", "train/<class>", "--source '\(place.path("source"))/c3'",
      "--train-folder ."
    ) { _ = try survey(place) }
  }

  @Test("class folders repeated inside a class folder are refused")
  func copies() throws {
    let place = Workplace()
    for folder in ["flowers", "flowers/flowers"] {
      try place.writeClassFolders(["daisy": 10, "rose": 10, "tulip": 10], in: "source/\(folder)")
    }
    expectFailure(.usage, "'flowers/flowers'", "'daisy', 'rose', 'tulip'", "--train-folder") {
      _ = try survey(place)
    }
    let dataset = try survey(place) { $0.trainFolder = "flowers/flowers" }.dataset
    #expect(
      dataset.classNames == ["daisy", "rose", "tulip"] && dataset.counts(.train) == [9, 9, 9])
  }

  @Test("parts made of links into a pool are read, not the pool")
  func linkedParts() throws {
    let place = Workplace()
    try place.writeClassFolders(
      ["cat_1": 6, "cat_2": 2, "dog_1": 5, "dog_2": 3, "rest": 4], in: "source/images")
    for (part, number) in [("train", 1), ("val", 2)] {
      try place.makeFolder("source/\(part)")
      for name in ["cat", "dog"] {
        try FileManager.default.createSymbolicLink(
          atPath: place.path("source/\(part)/\(name)"),
          withDestinationPath: "../images/\(name)_\(number)")
      }
    }
    let (dataset, notes) = try survey(place)
    #expect(dataset.classNames == ["cat", "dog"] && dataset.counts(.train) == [6, 5])
    #expect(dataset.counts(.validation) == [2, 3])
    #expect(notes.contains("4 pictures were left out") || notes.contains("'images'"), "\(notes)")
  }

  @Test(
    "the suggested options make the larger or unnamed folder the training part",
    arguments: [
      ("apprentissage", "validation", "--validation-folder"),
      ("x_train", "x_test", "--test-folder"),
      ("Trainingsdaten", "Testdaten", "--validation-folder"),
    ])
  func advice(train: String, other: String, flag: String) throws {
    let place = Workplace()
    try place.writeClassFolders(["a": 4, "b": 4], in: "source/\(train)")
    try place.writeClassFolders(["a": 2, "b": 2], in: "source/\(other)")
    expectFailure(.usage, "--train-folder '\(train)' and \(flag) '\(other)'") {
      _ = try survey(place)
    }
  }

  @Test("folders without usable pictures are refused, naming what is there")
  func explained() throws {
    let place = Workplace()
    try place.write([1], "source/.hidden/1.png")
    expectFailure(.inputMissing, "1 hidden or system files") { _ = try survey(place) }
    for number in 0..<3 {
      try place.writePicture(
        TestPicture(side: 8, seed: UInt32(number)), "source/images/train/\(number).png")
      try place.write(Array("0 0.5 0.5 0.1 0.1".utf8), "source/labels/train/\(number).txt")
    }
    let said = expectFailure(.inputMissing, "only 3 pictures", "YOLO's boxes") {
      _ = try survey(place)
    }
    #expect(!said.contains("Perhaps"))
    try FileManager.default.removeItem(atPath: place.path("source"))
    for name in ["MNIST", "FashionMNIST"] {
      try place.write([0], "source/\(name)/raw/train-images-idx3-ubyte")
    }
    expectFailure(.badData, "one file of an MNIST-like dataset", "--source") {
      _ = try survey(place)
    }
  }
}
