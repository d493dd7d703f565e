import Safetensors
import System
import TestSupport
import Testing

@Suite struct SafetensorsDamageTests {
  let folder = TemporaryFolder()

  /// A file of eight bytes of length, JSON and some bytes.
  static func file(_ json: String, data: Int, length: UInt64? = nil) -> [UInt8] {
    let text = Array(json.utf8)
    let length = length ?? UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text
      + [UInt8](repeating: 0x11, count: data)
  }

  static func tensor(_ name: String, _ shape: String, _ offsets: String, dtype: String = "F32")
    -> String
  {
    "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  /// Opens the bytes as a file and reads every tensor.
  func readAll(_ bytes: [UInt8]) throws {
    let file = try SafetensorsFile(opening: folder.write(bytes, "damaged"))
    for entry in file.header.tensors where entry.format == .float32 {
      let _: [Float] = try file.elements(of: entry)
    }
  }

  /// What is said about the bytes, nil where they are a sound file; any other error than bad data
  /// is thrown.
  func complaint(_ bytes: [UInt8]) throws -> String? {
    do {
      try readAll(bytes)
      return nil
    } catch let failure as Failure where failure.exitCode == .badData {
      return failure.message
    }
  }

  @Test func theUndamagedFileIsRead() throws {
    let json = "{\(Self.tensor("a", "[2]", "[0,8]")),\(Self.tensor("b", "[1,1]", "[8,12]"))}"
    #expect(try complaint(Self.file(json, data: 12)) == nil)
  }

  @Test(arguments: [0, 1 << 40, 1 << 63, .max, 1 << 32, (16 << 20) + 1, 45, 1000] as [UInt64])
  func aWrongHeaderLengthIsRefused(_ length: UInt64) throws {
    let json = "{\(Self.tensor("a", "[2]", "[0,8]"))}"
    #expect(try complaint(Self.file(json, data: 8, length: length)) != nil)
  }

  @Test(arguments: [
    "", "x", "{", "{}}", "[]", "null", "1", "\"a\"", "{\"a\":1}", "{\"a\":{}}", "{\"a\":[]}",
    "{\"a\":null}", "{\"__metadata__\":1}", "{\"__metadata__\":{\"a\":1}}",
    "{\"__metadata__\":[\"a\"]}", " {}", "\u{FEFF}{}", "{\"a\":{\"dtype\":\"F32\"}}",
  ])
  func invalidHeadersAreRefused(_ json: String) throws {
    #expect(try complaint(Self.file(json, data: 8)) != nil)
  }

  /// Shapes and offsets, each with as many bytes of data as would suit it best.
  static let impossible: [(shape: String, offsets: String, data: Int)] = [
    // Overlapping, with a hole, in front of the data, reversed, beyond the file.
    ("[2]", "[4,12]", 12), ("[2]", "[1,9]", 9), ("[2]", "[-8,0]", 8), ("[2]", "[8,0]", 8),
    ("[2]", "[0,16]", 8), ("[2]", "[0,9223372036854775807]", 8), ("[2]", "[0,9]", 9),
    ("[2]", "[-9223372036854775808,9223372036854775807]", 8),
    ("[2]", "[0,18446744073709551616]", 8),
    ("[2]", "[0]", 8), ("[2]", "[0,8,8]", 8), ("[2]", "[0,\"8\"]", 8), ("[2]", "[0.5,8.5]", 8),
    ("[2]", "{}", 8), ("[2]", "[0,1e99]", 8),
    // Shapes that do not fit, are negative, no numbers, or whose product overflows.
    ("[3]", "[0,8]", 8), ("[-2]", "[0,8]", 8), ("[-1,-2]", "[0,8]", 8), ("[\"2\"]", "[0,8]", 8),
    ("[2.5]", "[0,8]", 8), ("2", "[0,8]", 8), ("[null]", "[0,8]", 8), ("[[2]]", "[0,8]", 8),
    ("[4294967296,4294967296]", "[0,8]", 8), ("[4611686018427387904,2]", "[0,8]", 8),
    ("[9223372036854775807,9223372036854775807]", "[0,8]", 8), ("[1e400]", "[0,8]", 8),
    ("[2305843009213693952,8,0]", "[0,0]", 0),
  ]

  @Test(arguments: impossible)
  func impossibleOffsetsOrShapesAreRefused(_ shape: String, _ offsets: String, _ data: Int) throws {
    #expect(try complaint(Self.file("{\(Self.tensor("a", shape, offsets))}", data: data)) != nil)
  }

  @Test func overlapsAndGapsBetweenTensorsAreRefused() throws {
    let first = Self.tensor("a", "[2]", "[0,8]")
    for second in ["[4,12]", "[0,8]", "[9,17]", "[12,20]"] {
      let json = "{\(first),\(Self.tensor("b", "[2]", second))}"
      for data in [8, 12, 16, 17, 20] {
        #expect(try complaint(Self.file(json, data: data)) != nil, "\(second), \(data) bytes")
      }
    }
  }

  @Test(arguments: ["F8_E5M2", "C64", "f32", "", "F8_E4M3", "\\u0000"])
  func unknownTypesAreRefusedOnlyForTensorsThatAreRead(_ dtype: String) throws {
    let json =
      "{\(Self.tensor("a", "[2]", "[0,3]", dtype: dtype)),\(Self.tensor("b", "[1]", "[3,7]"))}"
    let file = try SafetensorsFile(
      opening: folder.write(Self.file(json, data: 7), "odd.safetensors"))
    #expect(file.header.tensors.map(\.format) == [.other, .float32])
    #expect(try file.entry("b", .float32, shape: [1]).count == 1)
    let failure = #expect(throws: Failure.self) {
      _ = try file.entry("a", .float32, shape: [2])
    }
    #expect(failure?.message.contains("'a' in ") == true)
    #expect(failure?.message.contains("F32 [2] is expected") == true)
  }

  @Test(arguments: [0, 7, 9, 1000]) func missingOrExtraBytesAreRefused(_ data: Int) throws {
    let json = "{\(Self.tensor("a", "[2]", "[0,8]"))}"
    #expect(try complaint(Self.file(json, data: data)) != nil)
  }

  @Test func endlessNestingDoesNotCrash() throws {
    let json = "{\"a\":" + String(repeating: "[", count: 100_000)
    #expect(try complaint(Self.file(json, data: 0)) != nil)
    let objects = String(repeating: "{\"a\":", count: 50_000)
    #expect(try complaint(Self.file(objects, data: 0)) != nil)
  }

  @Test(.timeLimit(.minutes(1))) func megabytesOfNestedJSONAreRefusedAtOnce() throws {
    let json = "{\"a\":" + String(repeating: "[", count: 8_000_000)
    let message = try #require(try complaint(Self.file(json, data: 0)))
    #expect(message.contains("nested"))
    let objects = String(repeating: "{\"a\":", count: 1_000_000)
    #expect(try complaint(Self.file(objects, data: 0))?.contains("nested") == true)
  }

  @Test func millionsOfValuesAreRefusedBeforeParsing() throws {
    for value in ["{}", "[]", "1", "\"\""] {
      let list = Array(repeating: value, count: 1_000_000).joined(separator: ",")
      let message = try complaint(Self.file("{\"a\":[\(list)]}", data: 0))
      #expect(message?.contains("more than 131072 values") == true, "\(message ?? "nothing")")
    }
    let long = Self.file("{\"a\":\"" + String(repeating: " ", count: 16 << 20) + "\"}", data: 0)
    #expect(try complaint(long)?.contains("at most 16777216") == true)
  }

  @Test func aNetworkOfTenThousandTensorsIsRead() throws {
    let tensors = (0..<10_000).map { number in
      Self.tensor("layer.\(number).weight", "[1,1,1,1]", "[\(4 * number),\(4 * number + 4)]")
    }
    let file = Self.file("{\(tensors.joined(separator: ","))}", data: 40_000)
    #expect(try complaint(file) == nil)
  }

  @Test(arguments: ["a", "\\u0061", "\\u0061\\u0062", "b\\n\\\"", "\\ud83d\\uddfc"])
  func aRepeatedNameIsReported(_ name: String) throws {
    let plain = ["\\u0061": "a", "\\u0061\\u0062": "ab", "\\ud83d\\uddfc": "\u{1F5FC}"]
    let first = Self.tensor(name, "[2]", "[0,8]")
    let second = Self.tensor(plain[name] ?? name, "[2]", "[8,16]")
    let message = try complaint(Self.file("{\(first),\(second)}", data: 16))
    #expect(message?.contains("twice") == true)
    let twoShapes = Self.file("{\(first.dropLast()),\"dtype\":\"F32\"}}", data: 8)
    #expect(try complaint(twoShapes)?.contains("'dtype' twice") == true)
  }

  @Test func theSameNameInTwoObjectsIsAccepted() throws {
    let json = "{\(Self.tensor("dtype", "[2]", "[0,8]")),\(Self.tensor("shape", "[1]", "[8,12]"))}"
    #expect(try complaint(Self.file(json, data: 12)) == nil)
  }

  @Test func theErrorNamesTheFile() throws {
    let message = try #require(try complaint([1, 2, 3]))
    #expect(message.contains("damaged'") && message.contains("3 bytes"))
  }

  /// A file as the program writes it.
  static let sound: [UInt8] = {
    let header = SafetensorsHeader(
      metadata: ["step": "12"],
      tensors: [("w", .float32, [2, 2]), ("v", .float32, [3]), ("s", .float64, [1])])
    return header.encoded + (0..<(header.fileLength - header.encoded.count)).map { UInt8($0) }
  }()

  @Test func aTruncatedFileIsRefused() throws {
    #expect(try complaint(Self.sound) == nil)
    for length in 0..<Self.sound.count {
      #expect(try complaint(Array(Self.sound[..<length])) != nil, "cut at \(length)")
    }
  }

  @Test func damageAtAnyByteIsRefusedOrHarmless() throws {
    var random = SmallRandom(2012)
    let headerLength = Self.sound.count - 36
    var refused = 0
    for _ in 0..<4000 {
      var bytes = Self.sound
      for _ in 0..<random.integer(in: 1...4) {
        let place = random.integer(in: 0...(headerLength - 1))
        switch random.integer(in: 0...4) {
        case 0: bytes[place] = UInt8(random.integer(in: 0...255))
        case 1: bytes[place] ^= 1 << UInt8(random.integer(in: 0...7))
        case 2: bytes[place] = Array("0123456789-[]{},:\"eE.".utf8)[random.integer(in: 0...20)]
        case 3: bytes.insert(UInt8(random.integer(in: 0...255)), at: place)
        default: bytes.remove(at: place)
        }
      }
      // Either a complaint or a file whose tensors can all be read: never a trap, never another
      // error.
      if try complaint(bytes) != nil { refused += 1 }
    }
    #expect(refused > 2000)
  }
}
