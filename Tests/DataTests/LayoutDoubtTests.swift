import Data
import Foundation
import System
import TestSupport
import Testing

/// Folders that could be meant in two ways: taken in the right one, or refused with the option that
/// decides.
@Suite("Ambiguous folder layouts")
struct LayoutDoubtTests {
  /// What a source is taken for: pictures by part and class, and all that is said.
  private func survey(
    _ place: TemporaryFolder, _ change: (inout SourceOptions) -> Void = { _ in }
  ) throws -> (dataset: Dataset, notes: String) {
    var settings = PreparationSettings(
      source: place.file("source"), destination: place.file("dataset-\(UUID().uuidString)"))
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
    let place = TemporaryFolder()
    try place.writeClassFolders(["cat": 10, "dog": 10, "owl": 10])
    try place.writeClassFolders(["cat": 2, "dog": 2, "owl": 2], in: "source/\(part)")
    let (dataset, notes) = try survey(place)
    #expect(dataset.classNames == ["cat", "dog", "owl"])
    #expect(dataset.count(part == "val" ? .validation : .test) == 6)
    #expect(notes.contains("the other folders in '\(place.file("source"))' for training"))
    // Which is which may be said too; a part is no class of another.
    if part == "val" {
      let named = try survey(place) {
        $0.trainFolder = "."
        $0.validationFolder = part
      }.dataset
      #expect(named.counts(.train) == [10, 10, 10] && named.counts(.validation) == [2, 2, 2])
      #expect(dataset.counts(.train) == [10, 10, 10])
    }
    try FileManager.default.removeItem(atPath: place.file("source/owl"))
    expectFailure(
      .usage, "'cat', 'dog'",
      "--train-folder . and --\(dataset.count(.test) > 0 ? "test" : "validation")-folder '\(part)'"
    ) {
      _ = try survey(place)
    }
  }

  @Test("overlapping folders in options are refused")
  func overlap() throws {
    let place = TemporaryFolder()
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
    let place = TemporaryFolder()
    try place.writeClassFolders(["cat": 4, "dog": 4], in: "source/train/train")
    try place.writeClassFolders(["cat": 2, "dog": 2], in: "source/train/val")
    try place.writeClassFolders(["cat": 1, "dog": 1], in: "source/test")
    let (dataset, notes) = try survey(place)
    #expect(dataset.classNames == ["cat", "dog"] && dataset.counts(.train) == [4, 4])
    #expect(dataset.counts(.validation) == [2, 2] && dataset.counts(.test) == [1, 1])
    #expect(
      notes.contains("'train/train' for training, 'train/val' for validation, 'test' for test"))
    // Classes may be called so.
    try FileManager.default.removeItem(atPath: place.file("source"))
    try place.writeClassFolders(["train": 10, "test": 10], in: "source/train")
    #expect(try survey(place).dataset.classNames == ["test", "train"])
  }

  @Test("parts inside class folders are recognised, or refused if there is more")
  func partsInClasses() throws {
    let place = TemporaryFolder()
    for number in 0..<11 {
      try place.writeClassFolders(["train": 3, "test": 2], in: "source/c\(number)")
    }
    let dataset = try survey(place).dataset
    #expect(dataset.classNames.count == 11 && dataset.count(.test) == 22)
    #expect(dataset.count(.train) + dataset.count(.validation) == 33)
    // As MVTec AD has them.
    try place.writePicture(TestPicture(side: 8, seed: 5), "source/c3/ground_truth/broken/1.png")
    expectFailure(
      .usage, "'c0/test'", "train/<class>", "--source '\(place.file("source"))/c3'",
      "--train-folder ."
    ) { _ = try survey(place) }
  }

  @Test("class folders repeated inside a class folder are refused")
  func copies() throws {
    let place = TemporaryFolder()
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
    let place = TemporaryFolder()
    try place.writeClassFolders(
      ["cat_1": 6, "cat_2": 2, "dog_1": 5, "dog_2": 3, "rest": 4], in: "source/images")
    for (part, number) in [("train", 1), ("val", 2)] {
      try place.makeFolder("source/\(part)")
      for name in ["cat", "dog"] {
        try FileManager.default.createSymbolicLink(
          atPath: place.file("source/\(part)/\(name)"),
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
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4], in: "source/\(train)")
    try place.writeClassFolders(["a": 2, "b": 2], in: "source/\(other)")
    expectFailure(.usage, "--train-folder '\(train)' and \(flag) '\(other)'") {
      _ = try survey(place)
    }
  }

  @Test(
    "folders named for a subject and a part are no classes",
    arguments: [
      ("cars_train", "cars_test"), ("trainA", "testA"),
      ("ILSVRC2012_img_train", "ILSVRC2012_img_val"),
    ])
  func subjectsAndParts(train: String, other: String) throws {
    let place = TemporaryFolder()
    for name in [train, other] {
      try place.writePicture(TestPicture(side: 8, seed: 5), "source/\(name)/1.png")
    }
    expectFailure(.usage, "'\(train)', '\(other)'", "--list FILE", "--train-folder .") {
      _ = try survey(place)
    }
    // The advice works for folders within folders of the same name.
    try FileManager.default.removeItem(atPath: place.file("source"))
    try place.writeClassFolders(["a": 10, "b": 10], in: "source/\(train)/\(train)")
    try place.writePicture(TestPicture(side: 8, seed: 5), "source/\(other)/\(other)/1.png")
    expectFailure(.usage, "give --train-folder '\(train)', or --train-folder .") {
      _ = try survey(place)
    }
    let dataset = try survey(place) { $0.trainFolder = train }.dataset
    #expect(dataset.classNames == ["a", "b"] && dataset.counts(.train) == [9, 9])
  }

  @Test("a dataset next to other pictures is no class", arguments: ["docs", "test/cat"])
  func datasetBesidePictures(other: String) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["cat": 4, "dog": 4], in: "source/pets/train")
    try place.writeClassFolders(["cat": 2, "dog": 2], in: "source/pets/val")
    try place.writePicture(TestPicture(side: 8, seed: 5), "source/\(other)/1.png")
    expectFailure(
      .usage, "'pets'", "--source '\(place.file("source/pets"))'", "--train-folder ."
    ) { _ = try survey(place) }
    // Next to a training part it is left out.
    try place.writeClassFolders(["cat": 10, "dog": 10], in: "source/train")
    let (dataset, notes) = try survey(place)
    #expect(dataset.classNames == ["cat", "dog"] && dataset.count(.train) == 18)
    #expect(notes.contains("'pets' is not named like a split"), "\(notes)")
    for folder in ["train", "pets/val"] {
      try FileManager.default.removeItem(atPath: place.file("source/\(folder)"))
    }
    expectFailure(.usage, "'pets/train'", "--source '\(place.file("source/pets"))'") {
      _ = try survey(place)
    }
  }

  @Test("a folder called images is no class next to others", arguments: ["", "train/"])
  func images(part: String) throws {
    let place = TemporaryFolder()
    let parent = part.isEmpty ? "." : "train"
    for (seed, folder) in ["images", "masks"].enumerated() {
      for number in 0..<10 {
        try place.writePicture(
          TestPicture(side: 8, seed: UInt32(100 * seed + number)),
          "source/\(part)\(folder)/\(number).png")
      }
    }
    expectFailure(
      .usage, "'\(part)images'", "'masks'", "--list FILE",
      "--train-folder \(part.isEmpty ? "." : "'train'")"
    ) { _ = try survey(place) }
    // The user may insist.
    #expect(
      try survey(place) { $0.trainFolder = parent }.dataset.classNames == ["images", "masks"])
    try FileManager.default.removeItem(atPath: place.file("source"))
    try place.writeClassFolders(["cat": 10, "dog": 10], in: "source/\(part)images")
    try place.writePicture(TestPicture(side: 8, seed: 5), "source/\(part)samples/1.png")
    expectFailure(.usage, "give --train-folder '\(part)images'") { _ = try survey(place) }
    #expect(
      try survey(place) { $0.trainFolder = "\(part)images" }.dataset.classNames == ["cat", "dog"])
  }

  @Test("names that fit parts of names and classes alike are classes")
  func plainWords() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["full": 10, "new": 10])
    #expect(try survey(place).dataset.classNames == ["full", "new"])
  }

  @Test(
    "one folder of pictures next to a table is refused with the option for lists",
    arguments: ["images", "leaves"])
  func tableBesidePictures(folder: String) throws {
    let place = TemporaryFolder()
    for number in 0..<3 {
      try place.writePicture(
        TestPicture(side: 8, seed: UInt32(number)), "source/\(folder)/\(number).png")
    }
    try place.write(Array("image,label\n0.png,a\n".utf8), "source/labels.csv")
    expectFailure(.inputMissing, "--list FILE", "'\(place.file("source/labels.csv"))'") {
      _ = try survey(place)
    }
  }

  @Test("folders in options may lie around the class folders, or have a table")
  func namedFolders() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["cat": 4, "dog": 4], in: "source/a/a")
    for number in 0..<2 {
      try place.writePicture(
        TestPicture(side: 8, seed: UInt32(50 + number)), "source/b/images/\(number).png")
    }
    try place.write(Array("0.png\tcat\n1.png\tdog\n".utf8), "source/b/val_annotations.txt")
    try place.writePicture(TestPicture(side: 8, seed: 60), "source/c/cat/indoor/1.png")
    for (folder, counts) in [("b", [1, 1]), ("c", [1, 0])] {
      let dataset = try survey(place) {
        $0.trainFolder = "a"
        $0.validationFolder = folder
      }.dataset
      #expect(dataset.classNames == ["cat", "dog"] && dataset.counts(.train) == [4, 4])
      #expect(dataset.counts(.validation) == counts)
    }
    let (dataset, notes) = try survey(place) {
      $0.trainFolder = "a"
      $0.testFolder = "b/images"
    }
    #expect(dataset.classNames == ["cat", "dog"] && dataset.count(.test) == 0)
    #expect(notes.contains("The 2 pictures in 'b/images' have no labels"), "\(notes)")
  }

  @Test("folders without usable pictures are refused, naming what is there")
  func explained() throws {
    let place = TemporaryFolder()
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
    try FileManager.default.removeItem(atPath: place.file("source"))
    for name in ["MNIST", "FashionMNIST"] {
      try place.write([0], "source/\(name)/raw/train-images-idx3-ubyte")
    }
    expectFailure(.badData, "one file of an MNIST-like dataset", "--source") {
      _ = try survey(place)
    }
  }
}
