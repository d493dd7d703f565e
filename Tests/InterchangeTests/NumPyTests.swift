import Foundation
import Interchange
import System
import TestSupport
import Testing

@Suite struct NumPyTests {
  let folder = TemporaryFolder()

  /// A file of one version with a dictionary and some bytes of numbers.
  static func file(_ dictionary: String, _ numbers: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let text = Array(dictionary.utf8)
    let length = (0..<(version == 1 ? 2 : 4)).map {
      UInt8(truncatingIfNeeded: text.count >> (8 * $0))
    }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + numbers
  }

  func write(_ shape: [Int], _ values: [Float], to name: String) throws {
    let writer = try NumPyWriter(creating: folder.file(name), shape: shape)
    try values.withUnsafeBufferPointer { values in
      // In two pieces, as features come batch after batch.
      let half = values.count / 2
      try writer.append(UnsafeBufferPointer(rebasing: values[..<half]))
      try writer.append(UnsafeBufferPointer(rebasing: values[half...]))
    }
    try writer.finish()
  }

  func complaint(_ bytes: [UInt8]) throws -> String? {
    do {
      _ = try NumPyArray(contentsOf: folder.write(bytes, "damaged.npy"))
      return nil
    } catch {
      #expect(error.exitCode == .badData)
      return error.message
    }
  }

  @Test func bytesOfASmallFileWorkedByHand() throws {
    try write([2, 1], [1, -2], to: "a.npy")
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"
    // 10 bytes in front of 117 of text and a line's end: the numbers begin at byte 128.
    let padding = String(repeating: " ", count: 117 - text.utf8.count)
    #expect(
      try folder.read("a.npy")
        == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0] + Array((text + padding + "\n").utf8)
        + [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
  }

  @Test(arguments: [[], [0], [5], [2, 3], [2, 0, 3], [1, 2, 3, 4]])
  func everyShapeSurvivesARoundTrip(_ shape: [Int]) throws {
    let values = (0..<shape.reduce(1, *)).map { Float($0) - 1.5 }
    try write(shape, values, to: "shape.npy")
    #expect(
      try NumPyArray(contentsOf: folder.file("shape.npy"))
        == NumPyArray(shape: shape, values: values))
  }

  @Test func otherTypesAndVersionsAreRead() throws {
    let doubles: [UInt8] = [0, 0, 0, 0, 0, 0, 0xF8, 0x3F]
    let text = "{\"shape\": (1,), 'fortran_order':False, 'descr': '<f8'}\n"
    for version in 1...3 as ClosedRange<UInt8> {
      let path = try folder.write(Self.file(text, doubles, version: version), "double.npy")
      #expect(try NumPyArray(contentsOf: path) == NumPyArray(shape: [1], values: [1.5]))
    }
    // As Python 2 wrote it.
    let long = Self.file("{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 1L)}", doubles)
    #expect(
      try NumPyArray(contentsOf: folder.write(long, "long.npy"))
        == NumPyArray(shape: [1, 1], values: [1.5]))
    let half = Self.file("{'descr': '<f2', 'fortran_order': False, 'shape': ()}", [0, 0xBE])
    #expect(
      try NumPyArray(contentsOf: folder.write(half, "half.npy"))
        == NumPyArray(shape: [], values: [-1.5]))
  }

  @Test func fortranOrderIsConvertedToCOrder() throws {
    // numpy.asfortranarray of [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]: the first index
    // is the fastest.
    let order: [Float] = [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]
    let bytes = order.flatMap { number in
      (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
    }
    let file = Self.file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2, 3)}", bytes)
    #expect(
      try NumPyArray(contentsOf: folder.write(file, "fortran.npy"))
        == NumPyArray(shape: [2, 2, 3], values: (0..<12).map { Float($0) }))
  }

  @Test(arguments: [
    "", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
    "{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1", "{'descr: 1}",
  ])
  func invalidHeadersAreRefused(_ text: String) throws {
    #expect(try complaint(Self.file(text, [0, 0, 0x80, 0x3F])) != nil)
  }

  @Test func aTruncatedFileIsRefused() throws {
    try write([2, 2], [1, 2, 3, 4], to: "whole.npy")
    let bytes = try folder.read("whole.npy")
    for length in 0..<bytes.count {
      #expect(try complaint(Array(bytes[..<length])) != nil, "cut at \(length)")
    }
    #expect(try complaint(bytes + [0])?.contains("17 bytes of numbers") == true)
  }

  @Test func theFileGetsItsNameWhenItIsComplete() throws {
    try folder.write([1, 2, 3], "old.npy")
    do {
      let writer = try NumPyWriter(creating: folder.file("old.npy"), shape: [1])
      try [Float(1)].withUnsafeBufferPointer { try writer.append($0) }
      #expect(try folder.read("old.npy") == [1, 2, 3])
    }
    #expect(try folder.read("old.npy") == [1, 2, 3])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["old.npy"])
    let failure = #expect(throws: Failure.self) {
      _ = try NumPyWriter(creating: folder.file("no/folder"), shape: [1])
    }
    #expect(failure?.exitCode == .cannotCreate)
  }
}

@Suite struct NumPyArchiveTests {
  let folder = TemporaryFolder()
  static let arrays: [(name: String, shape: [Int], values: [Float])] = [
    ("features.0.weight", [2, 3], [1, 2, 3, 4, 5, .infinity]), ("bias", [2], [-0.0, 0.5]),
    ("none", [0], []), ("scalar", [], [7]),
  ]

  func write(_ name: String) throws -> String {
    let writer = try NumPyArchiveWriter(creating: folder.file(name))
    for array in Self.arrays {
      try array.values.withUnsafeBufferPointer {
        try writer.append(array.name, shape: array.shape, $0)
      }
    }
    try writer.finish()
    return folder.file(name)
  }

  /// Objects, truth values, integers, bfloat16 as NumPy has it, and what is no array at all.
  @Test(arguments: ["'|O' ", "'|b1'", "'<i8'", "'<V2'", "'>f4'"])
  func unneededArraysMayHaveAnyType(_ type: String) throws {
    let bytes = try folder.read(URL(fileURLWithPath: try write("whole.npz")).lastPathComponent)
    // The second array of the file is of that type: as long a text in its header.
    var text = bytes
    let place = try #require(text.firstRange(of: Array("bias.npy".utf8)))
    let descr = try #require(text[place.upperBound...].firstRange(of: Array("'<f4'".utf8)))
    text.replaceSubrange(
      descr, with: Array(type.padding(toLength: 5, withPad: " ", startingAt: 0).utf8))
    let archive = try NumPyArchive(opening: folder.write(text, "odd.npz"))
    #expect(archive.tensors.map(\.name) == ["features.0.weight", "none", "scalar"])
    #expect(archive.unreadable["bias"]?.contains("floating point") == true)
    #expect(try archive.read(archive.tensors[0]) == Self.arrays[0].values)
  }

  @Test func everyArraySurvivesARoundTrip() throws {
    let archive = try NumPyArchive(opening: write("a.npz"))
    #expect(archive.tensors == Self.arrays.map { WeightTensor(name: $0.name, shape: $0.shape) })
    for (tensor, array) in zip(archive.tensors, Self.arrays) {
      #expect(try archive.read(tensor).map(\.bitPattern) == array.values.map(\.bitPattern))
    }
    let missing = #expect(throws: Failure.self) {
      _ = try archive.read(WeightTensor(name: "missing", shape: []))
    }
    #expect(missing?.message.contains("no array 'missing'") == true)
  }

  @Test func equalArraysGiveEqualBytes() throws {
    _ = try (write("a.npz"), write("b.npz"))
    #expect(try folder.read("a.npz") == folder.read("b.npz"))
  }

  @Test func aTruncatedArchiveIsRefused() throws {
    _ = try write("whole.npz")
    let bytes = try folder.read("whole.npz")
    for length in stride(from: 0, to: bytes.count, by: 7) {
      let failure = #expect(throws: Failure.self, "cut at \(length)") {
        let archive = try NumPyArchive(opening: folder.write(Array(bytes[..<length]), "cut.npz"))
        for tensor in archive.tensors { _ = try archive.read(tensor) }
      }
      #expect(failure?.exitCode == .badData)
    }
  }

  @Test(arguments: ["", "PK", "no archive at all, but a text of some length"])
  func filesThatAreNotArchivesAreRefused(_ text: String) throws {
    let failure = #expect(throws: Failure.self) {
      _ = try NumPyArchive(opening: folder.write(Array(text.utf8), "none.npz"))
    }
    #expect(failure?.exitCode == .badData)
  }
}
