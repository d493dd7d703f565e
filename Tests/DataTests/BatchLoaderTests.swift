import Data
import Foundation
import System
import Tensors
import TestSupport
import Testing

@Suite("Loading batches")
struct BatchLoaderTests {
  private func prepared(_ count: Int = 30) throws -> TemporaryFolder {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": count, "b": count, "c": count])
    try place.prepare()
    return place
  }

  private func loader(
    _ dataset: Dataset, _ split: Split = .train, order: ImageStream.Order = .shuffled,
    augmentation: Augmentation = .paper, inputSide: Int = 6, batchSize: Int = 16,
    positions: Range<Int>? = nil, firstStep: Int = 0, threads: Int = 2
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset: dataset, split: split, order: order, augmentation: augmentation,
      inputSide: inputSide,
      batchSize: batchSize, positions: positions, firstStep: firstStep, seed: 5, threads: threads)
  }

  struct Copy: Equatable {
    var pictures: [[Float]]
    var labels: [Int32]
    var step: Int
    var firstImage: Int
  }

  private func copy(_ batch: Batch) -> Copy {
    let size = batch.input.shape[1...].reduce(1, *)
    return Copy(
      pictures: (0..<batch.count).map { Array(batch.input.elements[$0 * size..<($0 + 1) * size]) },
      labels: batch.labels, step: batch.step, firstImage: batch.firstImage)
  }

  /// 12, 4 and 2 pictures: in 18 places each class has six, and no picture of a class comes again
  /// before all of it have been.
  @Test("balanced batches have every class as often as any other")
  func balance() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 12, "b": 4, "c": 2])
    try place.prepare()
    let dataset = try place.dataset()
    let counts = dataset.counts(.train)
    let one = try loader(dataset, order: .balanced, batchSize: 6, threads: 1)
    let late = try loader(dataset, order: .balanced, batchSize: 6, firstStep: 20)
    var (uses, orders): ([[Int]], Set<[Int32]>) = ([[], [], []], [])
    var pictures: [Int: [[Float]]] = [:]
    for step in 0..<24 {
      let batch = try one.next()
      let images = copy(batch)
      #expect([0, 1, 2].allSatisfy { label in batch.labels.count { $0 == label } == 2 })
      for (number, label) in batch.labels.enumerated() {
        uses[Int(label)].append(batch.records[number])
        pictures[batch.records[number], default: []].append(images.pictures[number])
      }
      orders.insert(Array(batch.labels.prefix(3)))
      if step >= 20 { #expect(try copy(late.next()) == images) }
    }
    #expect(orders.count > 2, "the classes' order is drawn anew")
    for (label, records) in uses.enumerated() {
      for start in stride(from: 0, to: records.count - counts[label] + 1, by: counts[label]) {
        #expect(Set(records[start..<(start + counts[label])]).count == counts[label])
      }
    }
    // Each use of a picture is augmented differently.
    #expect(pictures.values.allSatisfy { Set($0.map(\.hashValue)).count == $0.count })
  }

  @Test("batches do not depend on threads, first step or replicas")
  func independence() throws {
    let dataset = try prepared().dataset()
    let whole = try loader(dataset, threads: 1)
    let other = try loader(dataset, threads: 3)
    let parts = try [0..<5, 5..<16].map { try loader(dataset, positions: $0) }
    for step in 0..<12 {
      let expected = copy(try whole.next())
      #expect(
        expected.step == step && expected.firstImage == 16 * step && expected.pictures.count == 16)
      #expect(copy(try other.next()) == expected)
      let pieces = try parts.map { copy(try $0.next()) }
      #expect(pieces[0].pictures + pieces[1].pictures == expected.pictures)
      #expect(pieces[0].labels + pieces[1].labels == expected.labels)
      if step == 7 {
        let late = try loader(dataset, firstStep: 7)
        #expect(copy(try late.next()) == expected)
      }
    }
  }

  @Test(
    "batches are always full, and each epoch has each picture once",
    arguments: [1, 16, 50, 200])
  func epochs(batchSize: Int) throws {
    let dataset = try prepared().dataset()
    let count = dataset.count(.train)
    #expect(count == 81)
    // The middle less the mean tells which picture it is.
    let size = 6
    var known: [[Float]: Int] = [:]
    for index in 0..<count {
      let pixels = try dataset.pixels(.train, index)
      let crop = (0..<size * size * 3).map { i -> Float in
        let place = ((i / 3 / size + 1) * 8 + i / 3 % size + 1) * 3 + i % 3
        return Float(pixels[place]) - dataset.mean[place]
      }
      known[crop] = index
    }
    let loader = try loader(dataset, augmentation: .none, batchSize: batchSize)
    var stream: [Int] = []
    while stream.count < 3 * count {
      let batch = copy(try loader.next())
      #expect(batch.pictures.count == batchSize)
      for (picture, label) in zip(batch.pictures, batch.labels) {
        let index = try #require(known[picture])
        #expect(Int(label) == dataset.label(.train, index))
        stream.append(index)
      }
    }
    for epoch in 0..<3 {
      #expect(stream[epoch * count..<(epoch + 1) * count].sorted() == Array(0..<count))
    }
  }

  @Test("a sequential pass has every picture once, with a smaller last batch")
  func inOrder() throws {
    let dataset = try prepared().dataset()
    let labels = (0..<9).map { Int32(dataset.label(.validation, $0)) }
    let loader = try loader(
      dataset, .validation, order: .inOrder, augmentation: .none, batchSize: 4)
    let batches = try (0..<5).map { _ in
      let batch = try loader.next()
      #expect(batch.globalCount == batch.count && batch.labels.count == batch.count)
      return batch
    }
    #expect(batches.map(\.count) == [4, 4, 1, 0, 0])
    #expect(batches.flatMap(\.labels) == labels)
    #expect(batches.flatMap(\.records) == Array(0..<9))
  }

  @Test("a replica without images in the last batch still gets its global count")
  func replicas() throws {
    let dataset = try prepared().dataset()
    let loader = try loader(
      dataset, .validation, order: .inOrder, augmentation: .none, batchSize: 4, positions: 2..<4)
    let batches = try (0..<4).map { _ in try loader.next() }
    #expect(batches.map(\.count) == [2, 2, 0, 0])
    #expect(batches.map(\.globalCount) == [4, 4, 1, 0])
  }

  @Test("a damaged record stops only the batch that contains it")
  func damage() throws {
    let place = try prepared()
    try place.damage([37])
    let loader = try loader(try place.dataset(), order: .inOrder, batchSize: 10)
    for _ in 0..<3 { #expect(try loader.next().count == 10) }
    for _ in 0..<2 {
      expectFailure(.badData, "Record 37", "train-000000.tar", "checksum") { _ = try loader.next() }
    }
  }

  @Test("invalid sizes are refused")
  func refusals() throws {
    let dataset = try prepared().dataset()
    expectFailure(.usage, "9x9", "8x8", "--size 9") { _ = try loader(dataset, inputSide: 9) }
    expectFailure(.usage, "Batch size must be positive, not 0") {
      _ = try loader(dataset, batchSize: 0)
    }
    expectFailure(.usage, "batch of 4") { _ = try loader(dataset, batchSize: 4, positions: 2..<5) }
    expectFailure(.usage, "threads must be positive, not 0") { _ = try loader(dataset, threads: 0) }
  }

  @Test("many loaders can be made and released")
  func lifetime() throws {
    let dataset = try prepared(4).dataset()
    for turn in 0..<50 {
      let loader = try loader(dataset, batchSize: 64)
      if turn % 2 == 0 { _ = try loader.next() }
      #expect(loader.secondsWaited >= 0 && loader.secondsWorked >= 0)
    }
  }
}
