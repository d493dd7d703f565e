import Data
import Failures
import Foundation
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

  @Test("ten classes, planes become pixels", arguments: ["", "/cifar-10-batches-bin"])
  func ten(folder: String) throws {
    let place = Workplace()
    var number = 0
    func records(_ labels: [UInt8]) -> [UInt8] {
      labels.flatMap { label in
        number += 1
        return record([label], number)
      }
    }
    let source = "source\(folder)"
    try place.write(records([0, 1, 2, 3, 4]), "\(source)/data_batch_1.bin")
    try place.write(records([5, 6, 7, 8, 9, 9]), "\(source)/data_batch_3.bin")
    try place.write(records([4, 4]), "\(source)/test_batch.bin")
    let names = (0..<10).map { "name \($0)" }
    try place.write(
      Array((names.joined(separator: "\n") + "\n\n").utf8), "\(source)/batches.meta.txt")
    try place.prepare { $0.side = 32 }
    let dataset = try place.dataset()
    #expect(dataset.description.contains("CIFAR-10"))
    #expect(dataset.classNames == names)
    #expect(dataset.counts(.train) == [1, 1, 1, 1, 1, 1, 1, 1, 1, 2])
    #expect(dataset.counts(.validation) == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0])
    let seen = Set(try (0..<11).map { try dataset.pixels(.train, $0) })
    #expect(seen == Set((1...11).map { pixels($0) }))
  }

  @Test("a hundred classes by their fine labels")
  func hundred() throws {
    let place = Workplace()
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

  @Test("damaged files are explained")
  func damage() throws {
    let place = Workplace()
    try place.write(record([1], 0).dropLast(), "source/data_batch_1.bin")
    expectFailure(.badData, "data_batch_1.bin", "3072 bytes") { try place.prepare() }
    try place.write([], "source/data_batch_1.bin")
    expectFailure(.badData, "0 bytes") { try place.prepare() }
    try place.write(record([10], 0), "source/data_batch_1.bin")
    expectFailure(.badData, "label 10", "10 classes") { try place.prepare() }
  }
}
