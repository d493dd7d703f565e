import Data
import System
import TestSupport
import Testing

@Suite("Splitting pictures")
struct SelectionTests {
  /// The first pixel of each picture of a split, which tells the pictures of `writeClassFolders`
  /// apart.
  private func pictures(_ dataset: Dataset, _ split: Split) throws -> Set<[UInt8]> {
    Set(try (0..<dataset.count(split)).map { Array(try dataset.pixels(split, $0).prefix(12)) })
  }

  @Test("a part of each class is held out, the same for the same seed")
  func holdOut() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 40, "b": 20, "c": 1])
    try place.prepare("first") { $0.holdOut = 0.25 }
    try place.prepare("again") { $0.holdOut = 0.25 }
    try place.prepare("other") {
      $0.holdOut = 0.25; $0.seed = 2
    }
    let (first, again) = (try place.dataset("first"), try place.dataset("again"))
    let other = try place.dataset("other")
    #expect(first.counts(.validation) == [10, 5, 0])
    #expect(first.counts(.train) == [30, 15, 1])
    #expect(first.checksum == again.checksum)
    let held = try pictures(first, .validation)
    let kept = try pictures(first, .train)
    #expect(held.count == 15 && kept.count == 46 && held.isDisjoint(with: kept))
    #expect(try pictures(other, .validation) != held)
    try place.prepare("default")
    #expect(try place.dataset("default").counts(.validation) == [4, 2, 0])
  }

  @Test("a hold-out share that rounds to zero still holds out a picture")
  func tiny() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 2])
    try place.prepare { $0.holdOut = 0.01 }
    #expect(try place.dataset().counts(.validation) == [1, 1])
    try place.writeClassFolders(["a": 1, "b": 1], in: "single")
    expectFailure(.badData, "no usable picture for validation") {
      try place.prepare("x", from: "single")
    }
    // A dry run says so, too.
    var settings = PreparationSettings(
      source: place.file("single"), destination: place.file("x"))
    expectFailure(.badData, "one picture only", "add pictures") {
      try Preparation.survey(settings) { _ in }
    }
    settings.source = place.file("source")
    settings.limitPerClass = 1
    expectFailure(.badData, "--limit-per-class 2") {
      try Preparation.survey(settings) { _ in }
    }
  }

  @Test("a hold-out is refused if there is a validation part")
  func both() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3], in: "source/train")
    try place.writeClassFolders(["a": 3, "b": 3], in: "source/validation")
    expectFailure(.usage, "--hold-out") { try place.prepare { $0.holdOut = 0.1 } }
  }

  @Test("a limit applies to each class")
  func limit() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 30, "b": 4], in: "source/train")
    try place.writeClassFolders(["a": 8, "b": 8], in: "source/val")
    try place.prepare { $0.limitPerClass = 5 }
    let dataset = try place.dataset()
    #expect(dataset.counts(.train) == [5, 4] && dataset.counts(.validation) == [5, 5])
  }

  @Test("invalid settings are refused")
  func settings() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 3, "b": 3])
    expectFailure(.usage, "5 pixels") { try place.prepare { $0.side = 5 } }
    expectFailure(.usage, "quality of 0") { try place.prepare { $0.quality = 0 } }
    expectFailure(.usage, "hold-out of 100.0%") { try place.prepare { $0.holdOut = 1 } }
    expectFailure(.usage, "thread") { try place.prepare { $0.threads = 0 } }
    expectFailure(.usage, "limit of 0") { try place.prepare { $0.limitPerClass = 0 } }
    expectFailure(.usage, "not a name") { try place.prepare("..") }
  }

  @Test("records on disk are shuffled across classes")
  func shuffled() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 50, "b": 50])
    try place.prepare()
    let dataset = try place.dataset()
    let labels = (0..<dataset.count(.train)).map { dataset.label(.train, $0) }
    let changes = zip(labels, labels.dropFirst()).count { $0 != $1 }
    // 45 expected, deviation 4.7.
    #expect(changes > 25 && changes < 65)
  }
}
