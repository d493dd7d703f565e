import Foundation
import TensorBoard
import TestSupport
import Testing

/// TensorBoard's files against published values and by hand; scripts/check-tensorboard reads them
/// by TensorBoard.
@Suite struct EventFileTests {
  @Test func checksumsEqualThePublishedOnes() {
    // RFC 3720, B.4, and the usual check value.
    #expect(CRC32C.checksum(of: [UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum(of: [UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(of: (0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(CRC32C.checksum(of: Array("123456789".utf8)) == 0xE306_9283)
  }

  @Test func aRecordHasLengthAndChecksums() {
    let record = EventFile.record([1, 2, 3])
    #expect(record.count == 8 + 4 + 3 + 4)
    #expect(Array(record[..<8]) == [3, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(record[12..<15]) == [1, 2, 3])
    // Each of the two with a checksum of its own.
    func masked(_ bytes: [UInt8]) -> [UInt8] {
      let sum = CRC32C.checksum(of: bytes)
      let masked = ((sum >> 15) | (sum << 17)) &+ 0xA282_EAD8
      return (0..<4).map { UInt8(truncatingIfNeeded: masked >> (8 * $0)) }
    }
    #expect(Array(record[8..<12]) == masked([3, 0, 0, 0, 0, 0, 0, 0]))
    #expect(Array(record[15...]) == masked([1, 2, 3]))
  }

  @Test func aFileBeginsWithItsVersionAndHoldsWhatWasWritten() throws {
    let folder = TemporaryFolder()
    let file = try EventFile(in: folder.path, firstStep: 7)
    try file.write([.scalar("loss", 0.5)], step: 8)
    try file.restart(after: 3)
    // Another one within the second has another name.
    #expect(try EventFile(in: folder.path, firstStep: 0).path != file.path)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file.path))[...]
    var messages: [[UInt8]] = []
    while bytes.count >= 16 {
      let length = Int(bytes[bytes.startIndex])
      messages.append(Array(bytes.dropFirst(12).prefix(length)))
      bytes = bytes.dropFirst(16 + length)
    }
    #expect(bytes.isEmpty && messages.count == 4)
    #expect(messages[0].suffix(13) == Array("brain.Event:2".utf8)[...])
    // Field 2 (step), and field 7 (session log) with its field 1 (status): START.
    for (message, step) in [(messages[1], 8), (messages[3], 4)] as [([UInt8], UInt8)] {
      #expect(message.suffix(6) == [0x10, step, 0x3A, 2, 0x08, 1], "\(message)")
    }
    // Field 5 (summary), in it field 1 (value) with tag "loss" and the float 0.5.
    let value: [UInt8] = [0x0A, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3F]
    #expect(
      messages[2].suffix(15) == ([0x2A, 13, 0x0A, 11] + value)[...])
  }

  @Test func histogramsCountByValue() {
    let numbers: [Float] = [-2, -1, 0, 0.5, 1, 1.05, 1.9, 2, .infinity, .nan]
    var counts = HistogramCounts()
    numbers.withUnsafeBufferPointer { counts.add($0) }
    #expect(counts.total == 8 && counts.smallest == -2 && counts.largest == 2)
    #expect(abs(counts.sum - 3.45) < 1e-6 && abs(counts.squares - 14.9625) < 1e-5)
    let edges = counts.edges
    #expect(zip(edges, edges.dropFirst()).allSatisfy { $0.limit < $1.limit || $0.limit == 0 })
    // Worked by hand. Eight intervals make a doubling: 1 and 1.05 lie below 1.125, and 1.9 below 2;
    // -2 and -1 are their intervals' upper limits, and 0 lies among the smallest denormal numbers.
    let filled = edges.filter { $0.count > 0 }
    #expect(filled.map(\.limit) == [-2, -1, 0x1p-129, 0.5625, 1.125, 2, 2.25])
    #expect(filled.map(\.count) == [1, 1, 1, 1, 2, 1, 1])
    #expect(edges.first?.limit == -2.25 && edges.first?.count == 0)
  }
}
