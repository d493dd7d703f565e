import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("CIFAR's binary files")
struct CIFARTests {
  /// Planes of red, green and blue that say the picture and the pixel.
  private func record(_ labels: [UInt8], _ number: Int) -> [UInt8] {
    let planes = (0..<3).flatMap { channel in
      (0..<1024).map { UInt8(truncatingIfNeeded: 40 * channel + number + $0 / 32) }
    }
    return labels + planes
  }

  private func pixels(_ number: Int) -> [UInt8] {
    (0..<3072).map { UInt8(truncatingIfNeeded: 40 * ($0 % 3) + number + $0 / 3 / 32) }
  }

  @Test("CIFAR-10's planes become pixels of ten classes", arguments: ["", "/cifar-10-batches-bin"])
  func ten(folder: String) throws {
    let place = TemporaryFolder()
    var number = 0
    func records(_ labels: [UInt8]) -> [UInt8] {
      labels.flatMap { label in
        number += 1
        return record([label], number)
      }
    }
    let source = "source\(folder)"
    for batch in 0..<5 {
      let labels = [UInt8(2 * batch), UInt8(2 * batch + 1)]
      try place.write(records(labels), "\(source)/data_batch_\(batch + 1).bin")
    }
    try place.write(records([4, 4]), "\(source)/test_batch.bin")
    let names = (0..<10).map { "name \($0)" }
    try place.write(
      Array((names.joined(separator: "\n") + "\n\n").utf8), "\(source)/batches.meta.txt")
    try place.prepare { $0.side = 32 }
    let dataset = try place.dataset()
    #expect(dataset.description.contains("CIFAR-10"))
    #expect(dataset.classNames == names)
    #expect(dataset.counts(.train) == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    #expect(dataset.counts(.validation) == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0])
    let seen = Set(try (0..<10).map { try dataset.pixels(.train, $0) })
    #expect(seen == Set((1...10).map { pixels($0) }))
  }

  @Test("CIFAR-100 uses the fine labels")
  func hundred() throws {
    let place = TemporaryFolder()
    try place.write((0..<100).flatMap { record([7, UInt8($0)], $0) }, "source/train.bin")
    try place.write(record([7, 42], 3), "source/test.bin")
    let names = (0..<100).map { "fine\($0)" }
    try place.write(Array(names.joined(separator: "\n").utf8), "source/fine_label_names.txt")
    try place.prepare { $0.side = 32 }
    let dataset = try place.dataset()
    #expect(dataset.classNames == names && dataset.counts(.validation)[42] == 1)
    for index in 0..<100 {
      #expect(try dataset.pixels(.train, index) == pixels(dataset.label(.train, index)))
    }
  }

  @Test("missing or shorter batches and wrong class names are refused")
  func incomplete() throws {
    let place = TemporaryFolder()
    for batch in [3, 1, 2, 4, 5] {
      try place.write(record([UInt8(batch)], batch), "source/data_batch_\(batch).bin")
      guard batch < 4 else { continue }
      expectFailure(.inputMissing, "'data_batch_4.bin', 'data_batch_5.bin'", "missing") {
        try place.prepare()
      }
    }
    try place.write(record([1], 0) + record([2], 0), "source/data_batch_2.bin")
    expectFailure(.badData, "3073 bytes", "data_batch_2.bin' has 6146") { try place.prepare() }
    try place.write(record([1], 0), "source/data_batch_2.bin")
    try place.write(Array("cat\ndog\n".utf8), "source/batches.meta.txt")
    expectFailure(.badData, "batches.meta.txt' has 2 names for 10 classes") { try place.prepare() }
  }

  @Test("damaged files are reported")
  func damage() throws {
    let place = TemporaryFolder()
    for batch in 2...5 { try place.write(record([1], 0), "source/data_batch_\(batch).bin") }
    try place.write(record([1], 0).dropLast(), "source/data_batch_1.bin")
    expectFailure(.badData, "data_batch_1.bin", "3072 bytes") { try place.prepare() }
    try place.write([], "source/data_batch_1.bin")
    expectFailure(.badData, "0 bytes") { try place.prepare() }
    try place.write(record([10], 0), "source/data_batch_1.bin")
    expectFailure(.badData, "label 10", "10 classes") { try place.prepare() }
  }
}
