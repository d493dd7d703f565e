import Safetensors
import System
import TestSupport
import Testing

@Suite struct SafetensorsRoundTripTests {
  let folder = TemporaryFolder()

  /// A header that is planned for a small file of three tensors.
  static let header = SafetensorsHeader(
    metadata: ["what": "a \"test\"\n\u{1F5FC}", "step": "7"],
    tensors: [
      ("conv.weight", .float32, [2, 3]), ("empty", .float32, [0, 4]), ("state", .float64, [2]),
    ])

  /// Writes numbers and says nothing of who writes them.
  static func write<Number: BitwiseCopyable>(
    _ numbers: [Number], to name: String, from first: Int = 0, _ writer: SafetensorsWriter
  ) throws {
    try numbers.withUnsafeBufferPointer { try writer.write(writer.entry(name), from: first, $0) }
  }

  static func read<Number: BitwiseCopyable>(
    _ entry: TensorEntry, of file: SafetensorsFile, from first: Int = 0, count: Int? = nil,
    zero: Number
  ) throws -> [Number] {
    var numbers = [Number](repeating: zero, count: count ?? entry.count)
    try numbers.withUnsafeMutableBufferPointer { try file.read(entry, from: first, into: $0) }
    return numbers
  }

  @Test func everyBitSurvivesARoundTrip() throws {
    let path = folder.file("whole")
    try SafetensorsWriter.create(path, Self.header)
    let numbers: [Float] = [0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude, .nan]
    // Two writers, as two ranks do it.
    let first = try SafetensorsWriter(opening: path, Self.header)
    let second = try SafetensorsWriter(opening: path, Self.header)
    try Self.write(Array(numbers[..<2]), to: "conv.weight", first)
    try Self.write(Array(numbers[2...]), to: "conv.weight", from: 2, second)
    try Self.write([Double.pi, -1], to: "state", second)
    try Self.write([Float](), to: "empty", first)
    try first.finish()
    try second.finish()

    let file = try SafetensorsFile(opening: path)
    #expect(file.header == Self.header)
    #expect(file.header.metadata["what"] == "a \"test\"\n\u{1F5FC}")
    let weight = try file.entry("conv.weight", .float32, shape: [2, 3])
    let back = try Self.read(weight, of: file, zero: Float(9))
    #expect(back.map(\.bitPattern) == numbers.map(\.bitPattern))
    #expect(
      try Self.read(weight, of: file, from: 3, count: 2, zero: Float(9)) == [
        .infinity, .leastNonzeroMagnitude,
      ])
    let state = try file.entry("state", .float64, shape: [2])
    #expect(try Self.read(state, of: file, zero: 0.0) == [.pi, -1])
    let empty = try file.entry("empty", .float32, shape: [0, 4])
    #expect(empty.count == 0)
    #expect(try Self.read(empty, of: file, zero: Float(0)) == [])
  }

  @Test func bytesOfATinyFileWorkedByHand() throws {
    let header = SafetensorsHeader(metadata: [:], tensors: [("a", .float32, [2])])
    let path = folder.file("tiny")
    try SafetensorsWriter.create(path, header)
    let writer = try SafetensorsWriter(opening: path, header)
    try Self.write([Float(1), -2], to: "a", writer)
    try writer.finish()
    let json = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
    // 54 bytes of JSON, filled up to 56, so that the numbers begin at byte 64.
    #expect(json.utf8.count == 54)
    let bytes: [UInt8] =
      [56, 0, 0, 0, 0, 0, 0, 0] + Array(json.utf8) + [UInt8](repeating: 0x20, count: 2)
      + [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
    #expect(try folder.read("tiny") == bytes)
  }

  @Test func bytesOfAForeignFileWorkedByHand() throws {
    // Not padded, the second tensor named first, spaces: as other programs may write it.
    let json =
      "{\"b\": {\"shape\": [], \"dtype\": \"F32\", \"data_offsets\": [4, 8]}, "
      + "\"__metadata__\": {\"format\": \"pt\"}, "
      + "\"a\": {\"dtype\": \"F32\", \"shape\": [1, 1], \"data_offsets\": [0, 4]}}"
    let path = try folder.write(
      [UInt8(json.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(json.utf8) + [0, 0, 0x80, 0x3F]
        + [0, 0, 0, 0x40], "foreign")
    let file = try SafetensorsFile(opening: path)
    #expect(file.header.metadata == ["format": "pt"])
    #expect(file.header.tensors.map(\.name) == ["a", "b"])
    #expect(
      try Self.read(file.entry("a", .float32, shape: [1, 1]), of: file, zero: Float(0)) == [1])
    #expect(try Self.read(file.entry("b", .float32, shape: []), of: file, zero: Float(0)) == [2])
  }

  @Test func aFileIsReplacedAsAWhole() throws {
    let path = try folder.write([UInt8](repeating: 7, count: 5000), "old")
    let header = SafetensorsHeader(metadata: [:], tensors: [("a", .float32, [1])])
    try SafetensorsWriter.create(path, header)
    #expect(try folder.read("old").count == header.fileLength)
    #expect(try SafetensorsFile(opening: path).header == header)
  }

  @Test func aFileWithoutTensorsIsValid() throws {
    let header = SafetensorsHeader(metadata: ["only": "text"], tensors: [])
    let path = folder.file("none")
    try SafetensorsWriter.create(path, header)
    #expect(try SafetensorsFile(opening: path).header == header)
  }

  @Test func anUnexpectedTensorIsNamed() throws {
    let path = folder.file("other")
    try SafetensorsWriter.create(path, Self.header)
    let file = try SafetensorsFile(opening: path)
    let complaints = [
      ("fc.weight", NumberFormat.float32, [2, 3], "holds no tensor 'fc.weight'."),
      ("conv.weight", .float32, [3, 2], "is F32 [2, 3]; F32 [3, 2] is expected."),
      ("conv.weight", .float64, [2, 3], "is F32 [2, 3]; F64 [2, 3] is expected."),
    ]
    for (name, format, shape, ending) in complaints {
      let failure = #expect(throws: Failure.self) {
        _ = try file.entry(name, format, shape: shape)
      }
      #expect(failure?.exitCode == .badData)
      #expect(failure?.message.hasSuffix(ending) == true)
    }
  }

  @Test func missingFilesAndFoldersAreReported() {
    let missing = #expect(throws: Failure.self) {
      _ = try SafetensorsFile(opening: folder.file("missing"))
    }
    #expect(missing?.exitCode == .inputMissing)
    let directory = #expect(throws: Failure.self) { _ = try SafetensorsFile(opening: folder.path) }
    #expect(directory?.exitCode == .badData)
    let uncreated = #expect(throws: Failure.self) {
      try SafetensorsWriter.create(folder.file("no/such/folder"), Self.header)
    }
    #expect(uncreated?.exitCode == .cannotCreate)
    let unopened = #expect(throws: Failure.self) {
      _ = try SafetensorsWriter(opening: folder.file("missing"), Self.header)
    }
    #expect(unopened?.exitCode == .inputOutput)
  }
}
