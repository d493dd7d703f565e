import Images
import System
import TestSupport
import Testing

@Suite("Records are encoded and decoded")
struct RecordTests {
  private func decoded(_ bytes: [UInt8], side: Int) throws -> [UInt8] {
    let decoder = try RecordDecoder()
    var output = [UInt8](repeating: 7, count: side * side * 3)
    try bytes.withUnsafeBytes { bytes in
      try output.withUnsafeMutableBufferPointer { try decoder.decode(bytes, side: side, into: $0) }
    }
    return output
  }

  private func encoded(
    _ pixels: [UInt8], _ encoding: RecordEncoding, quality: Int = 95, side: Int
  ) throws -> [UInt8] {
    let encoder = try RecordEncoder(encoding, quality: quality, side: side)
    return try pixels.withUnsafeBufferPointer { Array(try encoder.encode($0)) }
  }

  @Test("PNG is lossless for colour and grey pictures", arguments: [1, 8, 33])
  func lossless(side: Int) throws {
    let colours = (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    #expect(try decoded(encoded(colours, .png, side: side), side: side) == colours)
    let grays = (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 / 3 &* 37) }
    #expect(try decoded(encoded(grays, .png, side: side), side: side) == grays)
  }

  @Test("JPEG is close to lossless for smooth pictures")
  func lossy() throws {
    let pixels = gradient(side: 64)
    let back = try decoded(encoded(pixels, .jpeg, side: 64), side: 64)
    let worst = zip(pixels, back).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 10)
  }

  @Test("a picture without colour is stored in grey and read as RGB")
  func gray() throws {
    let pixels = gradient(side: 32).enumerated().map { $0 % 3 == 0 ? $1 : 0 }
    let grays = pixels.indices.map { pixels[$0 / 3 * 3] }
    let bytes = try encoded(grays, .jpeg, side: 32)
    // SOF0: marker, length, precision, height, width, number of components.
    let frame = try #require(
      (0..<bytes.count - 9).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    #expect(bytes[frame + 9] == 1)
    let back = try decoded(bytes, side: 32)
    for i in stride(from: 0, to: back.count, by: 3) {
      #expect(back[i] == back[i + 1] && back[i] == back[i + 2])
    }
  }

  @Test("wrong sizes, wrong formats and damaged records are refused")
  func refusals() throws {
    let bytes = try encoded(gradient(side: 32), .jpeg, side: 32)
    #expect(throws: ImageProblem("has 32x32 pixels, not 16x16")) { try decoded(bytes, side: 16) }
    #expect(throws: ImageProblem("is a truncated or corrupt JPEG")) {
      try decoded(Array(bytes.dropLast(100)), side: 32)
    }
    #expect(throws: ImageProblem("is neither a JPEG nor a PNG")) {
      try decoded(OddPictures.webP, side: 16)
    }
    let lossless = try encoded(gradient(side: 32), .png, side: 32)
    #expect(throws: ImageProblem("is not an intact PNG of 16x16 pixels")) {
      try decoded(lossless, side: 16)
    }
    #expect(throws: ImageProblem("is not an intact PNG of 32x32 pixels")) {
      try decoded(Array(lossless.dropLast(lossless.count / 3)), side: 32)
    }
  }

  @Test("the same pixels give the same bytes", arguments: RecordEncoding.allCases)
  func reproducible(encoding: RecordEncoding) throws {
    let pixels = gradient(side: 48)
    #expect(try encoded(pixels, encoding, side: 48) == encoded(pixels, encoding, side: 48))
  }
}
