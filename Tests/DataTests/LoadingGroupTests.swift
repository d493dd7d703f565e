import Data
import Foundation
import Images
import System
import Tensors
import TestSupport
import Testing

@Suite("Loading in a group of processes")
struct LoadingGroupTests {
  private func loader(
    _ dataset: Dataset, _ group: LoadingGroup?, firstStep: Int = 0,
    damaged: BatchLoader.DamagedRecords = .stop
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset: dataset, split: .train, order: .shuffled, augmentation: .paper, inputSide: 6,
      batchSize: 16, firstStep: firstStep, seed: 5, threads: 2, damagedRecords: damaged,
      group: group)
  }

  /// Groups as the processes of a host have them, each with its own view of the memory.
  private func groups(_ members: Int, isNamed: Bool = false) throws -> [LoadingGroup] {
    let name = isNamed ? "/alexnet-test-\(UUID().uuidString)" : nil
    let first = try LoadingGroup(creating: name, size: members, images: 16, inputSide: 6)
    defer { first.removePlace() }
    return [first]
      + (try (1..<members).map {
        try LoadingGroup(opening: first.place, rank: $0, size: members, images: 16, inputSide: 6)
      })
  }

  private func prepared() throws -> TemporaryFolder {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 30, "b": 30])
    try place.prepare { $0.encoding = .raw }
    return place
  }

  private func expectSame(_ batch: Batch, _ expected: Batch, _ member: Int) {
    #expect(Array(batch.input.elements) == Array(expected.input.elements), "member \(member)")
    #expect(batch.labels == expected.labels && batch.records == expected.records)
    #expect(batch.step == expected.step && batch.fingerprint == expected.fingerprint)
  }

  @Test("each member gets the same batches as a single loader", arguments: [2, 3, 20], [0, 7])
  func same(members: Int, firstStep: Int) throws {
    let place = try prepared()
    let dataset = try place.dataset()
    let alone = try loader(dataset, nil, firstStep: firstStep)
    let together = try groups(members, isNamed: members == 3).map {
      try loader(dataset, $0, firstStep: firstStep)
    }
    for _ in 0..<9 {
      let expected = try alone.next()
      for (member, loader) in together.enumerated() {
        expectSame(try loader.next(), expected, member)
      }
    }
  }

  @Test("all members skip the same damaged records")
  func skip() throws {
    let place = try prepared()
    try place.damage([3, 4, 40])
    let dataset = try place.dataset()
    let alone = try loader(dataset, nil, damaged: .skip)
    let together = try groups(2).map { try loader(dataset, $0, damaged: .skip) }
    var skipped = 0
    for _ in 0..<8 {
      let expected = try alone.next()
      for (member, loader) in together.enumerated() {
        let batch = try loader.next()
        expectSame(batch, expected, member)
        #expect(batch.skipped.count == expected.skipped.count)
        #expect(batch.skipped.first?.message == expected.skipped.first?.message)
      }
      skipped += expected.skipped.count
    }
    // Two epochs of 54 and a part of the third; record 3 finds 4 damaged too: four in each.
    #expect(skipped >= 8)
  }

  @Test("the group's memory is unnamed, and nobody can join later")
  func nameless() throws {
    let first = try LoadingGroup(creating: nil, size: 2, images: 16, inputSide: 6)
    #expect(first.place.hasPrefix("/proc/"))
    let names = try FileManager.default.contentsOfDirectory(atPath: "/dev/shm")
    #expect(!names.contains { $0.hasPrefix("alexnet-\(getpid())-") })
    let place = first.place
    _ = try LoadingGroup(opening: place, rank: 1, size: 2, images: 16, inputSide: 6)
    first.removePlace()
    expectFailure(.cannotCreate, "share memory") {
      _ = try LoadingGroup(opening: place, rank: 1, size: 2, images: 16, inputSide: 6)
    }
  }

  @Test("joining a missing group or another file fails")
  func missing() throws {
    let workplace = TemporaryFolder()
    let file = try #require(fopen(workplace.file("other"), "w+"))
    defer { fclose(file) }
    for place in ["/alexnet-test-none", "/proc/self/fd/\(fileno(file)) 1 1"] {
      expectFailure(.cannotCreate, "share memory") {
        _ = try LoadingGroup(opening: place, rank: 1, size: 2, images: 16, inputSide: 6)
      }
    }
  }
}
