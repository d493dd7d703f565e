import Data
import Foundation
import System
import TestSupport
import Testing

/// What a folder of pictures is taken for, and what is said of it.
@Suite("Folder layouts")
struct LayoutTests {
  /// The dataset of a source, and what was said first.
  private func prepared(
    _ place: TemporaryFolder, _ change: (inout SourceOptions) -> Void = { _ in }
  ) throws -> (dataset: Dataset, notes: String, layout: String) {
    let name = "dataset-\(UUID().uuidString)"
    var notes: [String] = []
    var layout = ""
    try place.prepare(name) {
      change(&$0.reading)
    } report: { event in
      if case .note(let note) = event { notes.append(note) }
      if case .recognised(let source) = event { layout = source.layout }
    }
    return (try place.dataset(name), notes.joined(separator: "\n"), layout)
  }

  @Test(
    "part names are recognised in many forms and any case",
    arguments: [
      ("Train", "Val"), ("TRAINING", "VALID"), ("train", "dev"), ("training", "eval"),
      ("seg_train", "seg_val"), ("trainSet", "validationSet"), ("train2017", "val2017"),
      ("my train images", "validate"),
    ])
  func splits(train: String, validation: String) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3], in: "source/\(train)")
    try place.writeClassFolders(["a": 2, "b": 2], in: "source/\(validation)")
    let (dataset, _, layout) = try prepared(place)
    #expect(dataset.counts(.train) == [3, 3] && dataset.counts(.validation) == [2, 2])
    #expect(layout == "'\(train)' for training, '\(validation)' for validation")
  }

  @Test("test pictures are kept apart, and validation is held out of the training pictures")
  func test() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 20, "b": 20], in: "source/train")
    try place.writeClassFolders(["a": 4, "b": 3, "x": 1], in: "source/Testing")
    let (dataset, notes, layout) = try prepared(place)
    #expect(dataset.counts(.train) == [18, 18] && dataset.counts(.validation) == [2, 2])
    #expect(dataset.counts(.test) == [4, 3])
    #expect(layout.contains("'Testing' for test"))
    #expect(
      notes.contains("1 test picture of classes that only the test split has were left out: 'x'"))
    // Unlabelled ones are for predict.
    try FileManager.default.removeItem(atPath: place.file("source/Testing"))
    for folder in ["test", "test/unknown"] {
      try place.writePicture(TestPicture(side: 8, seed: 5), "source/\(folder)/1.png")
    }
    let unlabelled = try prepared(place)
    #expect(unlabelled.dataset.count(.test) == 0)
    #expect(unlabelled.notes.contains("The 2 pictures in 'test' have no labels and were left out"))
  }

  @Test(
    "only validation or test pictures make a dataset for evaluation",
    arguments: [Split.validation, .test])
  func alone(split: Split) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3], in: "source/\(split.rawValue)")
    let dataset = try prepared(place).dataset
    #expect(dataset.counts(split) == [3, 3] && dataset.count(.train) == 0)
    #expect(dataset.mean.contains { $0 > 0 })
    expectFailure(.usage, "--hold-out") { try place.prepare { $0.holdOut = 0.2 } }
  }

  @Test("ambiguous folders are refused with the option that decides")
  func undecided() throws {
    let place = TemporaryFolder()
    for part in ["alpha", "beta"] {
      try place.writeClassFolders(["a": 3, "b": 3, "c": 2], in: "source/\(part)")
    }
    expectFailure(
      .usage, "--train-folder 'alpha'", "--validation-folder 'beta'", "--train-folder ."
    ) { _ = try prepared(place) }
    let parts = try prepared(place) {
      $0.trainFolder = "alpha"
      $0.validationFolder = "beta"
    }
    #expect(parts.dataset.counts(.train) == [3, 3, 2])
    #expect(parts.dataset.counts(.validation) == [3, 3, 2])
    let classes = try prepared(place) { $0.trainFolder = "." }
    #expect(classes.dataset.classNames == ["alpha", "beta"])
    expectFailure(.inputMissing, "no folder 'gamma'") {
      _ = try prepared(place) { $0.trainFolder = "gamma" }
    }
    // A known part beside one of an unknown name.
    try FileManager.default.moveItem(
      atPath: place.file("source/alpha"), toPath: place.file("source/train"))
    expectFailure(.usage, "'beta'", "--validation-folder 'beta'") { _ = try prepared(place) }
    // Two of one meaning.
    try FileManager.default.moveItem(
      atPath: place.file("source/beta"), toPath: place.file("source/training"))
    expectFailure(.usage, "'train', 'training'") { _ = try prepared(place) }
  }

  @Test("a class may be called train, while a folder test among classes is refused")
  func classNamedLikeAPart() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["bus": 10, "car": 10, "train": 10])
    let vehicles = try prepared(place)
    #expect(vehicles.dataset.classNames == ["bus", "car", "train"])
    #expect(
      vehicles.notes.contains("'train' holds pictures and is next to other class folders"))
    try FileManager.default.moveItem(
      atPath: place.file("source/train"), toPath: place.file("source/test"))
    expectFailure(.usage, "'test'", "--train-folder .") { _ = try prepared(place) }
    let taken = try prepared(place) { $0.trainFolder = "." }
    #expect(taken.dataset.classNames == ["bus", "car", "test"])
  }

  @Test(
    "outer folders are skipped, even repeated ones",
    arguments: [("pets", "train"), ("pets/pets", "train/train"), ("a/b/c", "train/images")])
  func nests(root: String, train: String) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3], in: "source/\(root)/\(train)")
    try place.writeClassFolders(["a": 2, "b": 2], in: "source/\(root)/val")
    try place.write(Array("read me".utf8), "source/README.txt")
    let (dataset, notes, _) = try prepared(place)
    #expect(dataset.counts(.train) == [3, 3] && dataset.counts(.validation) == [2, 2])
    #expect(notes.contains("Left out: .txt files (1), 'README.txt'"))
  }

  @Test("everything that is left out is reported")
  func leftOut() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 10, "b": 10])
    for folder in ["@eaDir", "__MACOSX", ".ipynb_checkpoints", "a/@eaDir"] {
      try place.writePicture(TestPicture(side: 8, seed: 77), "source/\(folder)/1.png")
    }
    for name in ["a/Thumbs.db", "a/.DS_Store", "a/._0.png"] {
      try place.write([1, 2, 3], "source/\(name)")
    }
    try place.writePicture(TestPicture(side: 8, seed: 78), "source/loose.png")
    try place.writePicture(TestPicture(side: 8, seed: 79), "source/b/indoor/1.png")
    try place.makeFolder("source/bare")
    try place.write([UInt8](repeating: 0, count: 10240), "source/old-backup.tar")
    try place.write([0, 1], "source/a/raw.NEF")
    let (dataset, notes, _) = try prepared(place)
    #expect(dataset.classNames == ["a", "b"])
    #expect(dataset.count(.train) + dataset.count(.validation) == 21)
    for words in [
      "hidden or system files (7)",
      "1 picture outside the class folders, 'loose.png', was left out",
      "1 folder holds no pictures and is not a class: 'bare'", ".tar files (1), 'old-backup.tar'",
      "1 folder is inside class folders ('b/indoor')", "'a/raw.NEF' is a camera's raw file",
    ] { #expect(notes.contains(words), "\(words) in \(notes)") }
  }

  @Test("links are followed once and never add a picture twice")
  func links() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 6, "b": 5])
    try place.writeClassFolders(["c": 4], in: "elsewhere")
    for (name, target) in [
      ("source/c", place.file("elsewhere/c")), ("source/a/up", ".."), ("source/b/self", "."),
      ("source/a2", "a"), ("source/a/out", place.path),
    ] {
      try FileManager.default.createSymbolicLink(
        atPath: place.file(name), withDestinationPath: target)
    }
    let (dataset, notes, _) = try prepared(place)
    #expect(dataset.classNames == ["a", "b", "c"])
    let counts = zip(dataset.counts(.train), dataset.counts(.validation)).map { $0 + $1 }
    #expect(counts == [6, 5, 4])
    #expect(notes.contains("links to folders already read, or to a folder above (4)"), "\(notes)")
  }

  @Test("equal-looking names are one class, and case makes two within a part")
  func lettersOfNames() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["caf\u{E9}": 3, "tea": 3, "Pot": 3, "pot": 3], in: "source/train")
    try place.writeClassFolders(["cafe\u{301}": 2, "TEA": 2], in: "source/val")
    let (dataset, notes, _) = try prepared(place)
    #expect(dataset.classNames.count == 4)
    #expect(dataset.counts(.validation).reduce(0, +) == 4)
    #expect(notes.contains("'Pot', 'pot' differ only in capitals"))
    #expect(notes.contains("The validation class 'TEA' is treated as 'tea'"))
  }

  @Test("small, uneven and unvalidated classes are named before preparation")
  func classCounts() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 210, "b": 9])
    let notes = try prepared(place).notes
    #expect(notes.contains("1 class has fewer than 10 training pictures: 'b'"))
    #expect(
      notes.contains("The classes are uneven: 'a' has 189 training pictures, 'b' has 8"))
    try FileManager.default.removeItem(atPath: place.file("source"))
    try place.writeClassFolders(["a": 10, "b": 10], in: "source/train")
    try place.writeClassFolders(["b": 2], in: "source/val")
    #expect(try prepared(place).notes.contains("1 class has no validation pictures: 'a'"))
  }

  @Test("pictures are recognised by their bytes, whatever their names")
  func byContent() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 10, "b": 10])
    let picture = try place.read("source/a/0.png")
    for name in ["plain", "odd.jpe", "odd.jfif", "b.xyz"] {
      try place.write(picture, "source/a/\(name)")
    }
    try place.write(Array("BMW is no bitmap, and this is text".utf8), "source/a/notes")
    try place.write(Array("P1 was first".utf8), "source/a/results")
    let (dataset, notes, _) = try prepared(place)
    #expect(dataset.count(.train) + dataset.count(.validation) == 24)
    #expect(notes.contains("files without an ending (2)"))
  }

  @Test("the same pictures in two parts, two classes or one class are counted and listed")
  func duplicates() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4], in: "source/train")
    try place.writePicture(TestPicture(side: 8, seed: 900), "source/val/a/new.png")
    let same = try place.read("source/train/a/0.png")
    for name in ["val/a/copy.png", "train/a/again.png", "train/b/other.png"] {
      try place.write(same, "source/\(name)")
    }
    try place.writePicture(TestPicture(side: 8, seed: 901), "source/val/b/new.png")
    let summary = try place.prepare()
    #expect(summary.duplicates.count == 3)
    for words in [
      "1 validation or test picture", "1 picture is in several classes",
      "1 picture is a duplicate of another picture of the same class",
    ] { #expect(summary.duplicates.contains { $0.contains(words) }, "\(summary.duplicates)") }
    let lines = String(decoding: try place.read("dataset/duplicates.jsonl"), as: UTF8.self)
    #expect(lines.split(separator: "\n").count == 1)
    for name in ["val/a/copy.png", "train/a/again.png", "train/b/other.png", "train/a/0.png"] {
      #expect(lines.contains("\"\(name)\""))
    }
    try place.writeClassFolders(["a": 12, "b": 12], in: "clean")
    #expect(try place.prepare("second", from: "clean").duplicates.isEmpty)
    #expect(try !place.names("second").contains("duplicates.jsonl"))
  }

  @Test("a dry run reports what was recognised and makes nothing")
  func dryRun() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 20, "b": 20], in: "source/Train")
    try place.writeClassFolders(["a": 2, "b": 2], in: "source/Test")
    let result = try Program.alexnet("prepare", "--source", place.file("source"), "--dry-run")
    let output = result.output
    #expect(result.code == 0, "\(result.error)")
    #expect(output.contains("Found class folders: 'Train' for training, 'Test' for test."))
    #expect(output.contains("Classes: 2 ('a', 'b')."))
    #expect(
      output.contains(
        "Pictures: 36 for training; 4 for validation, 10% of all held out; 4 for test."))
    #expect(try place.names(".") == ["source"])
  }
}
