import Data
import Foundation
import System
import TestSupport
import Testing

/// Small likenesses of published datasets whose folders are not, or not only, their classes.
@Suite("Published layouts that are not class folders")
struct PublishedLayoutTests {
  private func pictures(_ place: TemporaryFolder, _ names: [String]) throws {
    for (seed, name) in names.enumerated() {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(seed)), "source/\(name)")
    }
  }

  private func notes(
    _ place: TemporaryFolder, _ change: (inout SourceOptions) -> Void = { _ in }
  ) throws -> String {
    var settings = PreparationSettings(source: place.file("source"), destination: place.file("d"))
    settings.side = 8
    change(&settings.reading)
    var notes: [String] = []
    try Preparation.survey(settings) { if case .note(let note) = $0 { notes.append(note) } }
    return notes.joined(separator: "\n")
  }

  @Test(
    "folders that are no classes are refused, or used if the user insists",
    arguments: [
      // HAM10000, UTKFace
      (["HAM10000_images_part_1/1.jpg", "HAM10000_images_part_2/2.jpg"], ".", "pieces of one set"),
      (["part1/1_0_2.jpg", "part2/30_1_0.jpg", "part3/4_1_1.jpg"], ".", "--list FILE"),
      // ImageNet-100 from Kaggle
      (["train.X1/n01/1.jpg", "train.X2/n02/2.jpg", "val.X/n01/3.jpg"], ".", "merge the class"),
      // Pascal VOC
      (["JPEGImages/1.jpg", "SegmentationClass/1.png"], ".", "not that of a class"),
      // SUN397, Google Landmarks
      (["a/abbey/1.jpg", "b/bakery/shop/2.jpg"], ".", "an index of these"),
      (["train/0/0/1/1.jpg", "train/f/a/1/2.jpg"], "'train'", "an index of these"),
      // COVID-19 Radiography
      (["COVID/images/1.png", "COVID/masks/1.png", "Normal/images/2.png"], ".", "but masks"),
    ])
  func noClasses(names: [String], parent: String, words: String) throws {
    let place = TemporaryFolder()
    try pictures(place, names)
    expectFailure(.usage, words, "--train-folder \(parent)") { _ = try notes(place) }
    // Two pictures of each, so that one can be held out.
    try pictures(place, names.map { $0 + ".png" } + names.map { $0 + ".2.png" })
    _ = try notes(place) { $0.trainFolder = parent == "." ? "." : "train" }
  }

  @Test("single letters around folders may be classes")
  func letters() throws {
    let place = TemporaryFolder()
    try pictures(place, ["A/amy/1.jpg", "A/ben/2.jpg", "B/amy/3.jpg", "B/carl/4.jpg"])
    let said = try notes(place)
    #expect(said.contains("inside class folders ('A/amy')"), "\(said)")
  }

  @Test("a training folder with archives only is not passed over")
  func packedTraining() throws {
    let place = TemporaryFolder()
    try pictures(place, ["val/n01/1.jpg", "val/n02/2.jpg"])
    try place.write([UInt8](repeating: 0, count: 10240), "source/train/n01.tar")
    expectFailure(.inputMissing, "'train'", "holds no pictures, but 'val' does", "move it away") {
      _ = try notes(place)
    }
  }

  @Test("lists of the dataset's own splits are named, and can be kept")
  func ownSplits() throws {
    let place = TemporaryFolder()
    let names = ["apple_pie", "sushi"].flatMap { name in (0..<4).map { "\(name)/\($0)" } }
    try pictures(place, names.map { "food-101/images/\($0).jpg" })
    for part in ["train", "test"] {
      try place.write(Array("apple_pie/0\n".utf8), "source/food-101/meta/\(part).txt")
    }
    try place.write(Array("apple_pie\nsushi\n".utf8), "source/food-101/meta/classes.txt")
    let said = try notes(place)
    #expect(
      said.contains("'food-101/meta/test.txt', 'food-101/meta/train.txt' look like lists"),
      "\(said)")
    let parts = ["train", "train", "val", "test"]
    let lines = names.enumerated().map { "\($1),\(parts[$0 % 4])" }
    try place.write(Array((["path,split"] + lines).joined(separator: "\n").utf8), "list.csv")
    try place.prepare {
      $0.reading.list = place.file("list.csv")
      $0.reading.root = place.file("source/food-101/images")
    }
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["apple_pie", "sushi"] && dataset.counts(.train) == [2, 2])
    #expect(dataset.counts(.validation) == [1, 1] && dataset.counts(.test) == [1, 1])
  }

  @Test("labels in a table next to test pictures are named, other metadata is refused")
  func tables() throws {
    let place = TemporaryFolder()
    // GTSRB from Kaggle
    try place.writeClassFolders(["0": 4, "1": 4], in: "source/Train")
    try pictures(place, ["Test/00000.png"])
    try place.write(Array("ClassId,Path\n1,Test/00000.png\n".utf8), "source/Test.csv")
    let said = try notes(place)
    #expect(said.contains("have no labels and were left out") && said.contains("'Test.csv'"))
    try place.write(Array("patient,age,sex,dose\n1,2,f,3\n".utf8), "source/metadata.csv")
    expectFailure(.badData, "metadata.csv'", "4 columns", "move it away") { _ = try notes(place) }
  }

  @Test("pictures of no class are named")
  func background() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["BACKGROUND_Google": 4, "anchor": 4])
    #expect(try notes(place).contains("'BACKGROUND_Google' is used as a class"))
  }

  @Test("a part of the training pictures is never suggested for validation")
  func suggestions() throws {
    let place = TemporaryFolder()
    for part in ["train", "train_mini", "val"] {
      try place.writeClassFolders(["a": 2, "b": 2], in: "source/\(part)")
    }
    expectFailure(
      .usage, "'train_mini'", "give --train-folder 'train' and --validation-folder 'val'"
    ) { _ = try notes(place) }
    try FileManager.default.removeItem(atPath: place.file("source/val"))
    expectFailure(.usage, "give --train-folder 'train', or move it away") { _ = try notes(place) }
    // A flat part next to a folder of another name.
    try FileManager.default.removeItem(atPath: place.file("source/train_mini"))
    try FileManager.default.moveItem(
      atPath: place.file("source/train"), toPath: place.file("source/train_val2018"))
    try pictures(place, ["test2018/1.jpg"])
    expectFailure(.usage, "give --train-folder 'train_val2018' to use the classes in it alone") {
      _ = try notes(place)
    }
  }
}
