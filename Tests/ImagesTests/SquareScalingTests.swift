import Images
import System
import TestSupport
import Testing

@Suite("Converting pictures to squares of RGB pixels")
struct SquareScalingTests {
  struct Sample: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]
    let colour: [Int]
    let tolerance: Int

    init(_ name: String, _ bytes: [UInt8], _ colour: [Int], within tolerance: Int = 0) {
      testDescription = name
      self.bytes = bytes
      self.colour = colour
      self.tolerance = tolerance
    }
  }

  @Test(
    "single-colour pictures keep their colour in every format",
    arguments: [
      Sample("progressive JPEG", OddPictures.progressiveJPEG, [20, 120, 220], within: 2),
      Sample("WebP", OddPictures.webP, [20, 120, 220]),
      Sample("TIFF", OddPictures.tiff, [20, 120, 220]),
      Sample("BMP", OddPictures.bmp, [20, 120, 220]),
      Sample("PNG with a palette", OddPictures.palettePNG, [20, 120, 220]),
      Sample("16-bit gray PNG", OddPictures.gray16PNG, [0x80, 0x80, 0x80], within: 1),
      Sample("gray JPEG", OddPictures.grayJPEG, [77, 77, 77], within: 1),
      Sample("transparent PNG", OddPictures.alphaPNG, [255, 255, 255]),
    ])
  func colours(sample: Sample) throws {
    for side in [8, 16, 40] {
      let pixels = try scaled(sample.bytes, side: side)
      for i in pixels.indices {
        #expect(abs(Int(pixels[i]) - sample.colour[i % 3]) <= sample.tolerance, "at \(side)")
      }
    }
  }

  @Test("a large JPEG decoded at a fraction of its size looks the same")
  func shrinkOnLoad() throws {
    let pixels = try scaled(try jpeg(side: 800), side: 40)
    let expected = gradient(side: 40)
    let worst = zip(pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 255
    // The gradient's values belong to pixels' corners there and to their middles here: half a step
    // of 255/40.
    #expect(worst <= 6)
  }

  @Test(
    "CMYK and YCCK become red, not its negative",
    arguments: [OddPictures.cmykJPEG, OddPictures.ycckJPEG])
  func inks(bytes: [UInt8]) throws {
    let pixels = try scaled(bytes, side: 16)
    // A printed red is not the screen's purest one.
    #expect(pixels[0] > 200 && pixels[1] < 80 && pixels[2] < 80)
  }

  @Test("EXIF rotation is honoured")
  func rotation() throws {
    // Turned clockwise by a quarter, left comes to the top.
    let pixels = try scaled(OddPictures.rotatedJPEG, side: 32)
    let (top, bottom) = (3 * (4 * 32 + 16), 3 * (28 * 32 + 16))
    #expect(pixels[top] > 200 && pixels[top + 2] < 60)
    #expect(pixels[bottom] < 60 && pixels[bottom + 2] > 200)
  }

  @Test("the centre of the longer side is kept", arguments: [true, false])
  func centre(isWide: Bool) throws {
    // Three squares in a row: red, green, blue. The middle one is left.
    let (width, height) = isWide ? (96, 32) : (32, 96)
    var picture = [UInt8](repeating: 0, count: width * height * 3)
    for y in 0..<height {
      for x in 0..<width { picture[(y * width + x) * 3 + (isWide ? x : y) / 32] = 255 }
    }
    var output = [UInt8](repeating: 1, count: 32 * 32 * 3)
    try picture.withUnsafeBytes { picture in
      try output.withUnsafeMutableBufferPointer { output in
        try SquareScaling.scale(
          pixels: picture, width: width, height: height, bands: 3, side: 32, into: output)
      }
    }
    let green = (0..<32 * 32 * 3).map { $0 % 3 == 1 ? UInt8(255) : 0 }
    #expect(output == green)
  }

  @Test("1x1 and very long pictures are used", arguments: [(1, 1), (100, 9000), (9000, 100)])
  func extremes(width: Int, height: Int) throws {
    let picture = try png(width: width, height: height, colour: [9, 99, 199])
    let pixels = try scaled(picture, side: 64)
    for i in pixels.indices { #expect(pixels[i] == [9, 99, 199][i % 3]) }
  }

  @Test("formats are recognised by their first bytes")
  func signatures() {
    func format(_ bytes: [UInt8]) -> ImageFormat? { bytes.withUnsafeBytes { ImageFormat(of: $0) } }
    #expect(format(OddPictures.cmykJPEG) == .jpeg)
    #expect(format(OddPictures.palettePNG) == .png)
    #expect(format(OddPictures.webP) == .webp)
    #expect(format(OddPictures.tiff) == .tiff)
    #expect(format(OddPictures.bmp) == .bmp)
    #expect(format(Array("GIF89a".utf8)) == .gif)
    #expect(format(Array("%PDF-1.4".utf8)) == nil)
    #expect(format([]) == nil)
    #expect(format([0xFF]) == nil)
  }

  /// Why a picture is refused; nil where it is not.
  private func reason(_ bytes: [UInt8]) -> String? {
    do throws(ImageProblem) {
      _ = try scaled(bytes, side: 16)
      return nil
    } catch { return error.reason }
  }

  @Test("files that are not pictures are refused with a reason")
  func refusals() throws {
    #expect(reason([]) == "is an empty file")
    #expect(reason(Array("hello".utf8)) == "does not begin like any known picture format")
    #expect(reason([0xFF, 0xD8, 0xFF]) == "has an unreadable JPEG header")
    let picture = try png(width: 64, height: 64, colour: [1, 2, 3], isNoisy: true)
    #expect(reason(Array(picture[..<(picture.count / 2)])) == "is a truncated or corrupt PNG")
    for side in [64, 200, 800] {
      let jpeg = try jpeg(side: side)
      #expect(reason(Array(jpeg[..<(jpeg.count * 9 / 10)])) == "is a truncated or corrupt JPEG")
    }
    #expect(reason(bomb()) == "has 30000x30000 pixels, more than the 128 million allowed")
    var bitmap = OddPictures.bmp
    bitmap.replaceSubrange(18..<26, with: [0x30, 0x75, 0, 0, 0x30, 0x75, 0, 0])
    #expect(reason(bitmap) == "has 30000x30000 pixels, more than the 128 million allowed")
  }

  @Test("formats that are decoded as a whole may have fewer pixels")
  func heldPictures() throws {
    func tooMuch(_ size: String, _ need: Int, _ kind: String) -> String {
      "has \(size) pixels, which take \(need) MiB of memory as \(kind), more than the 256 allowed"
    }
    // RGB with transparency, 16 bits each.
    #expect(
      reason(bomb(side: 6000, isInterlaced: true, isDeep: true))
        == tooMuch("6000x6000", 274, "an interlaced PNG"))
    #expect(
      reason(bomb(side: 6000, isInterlaced: false, isDeep: true))
        == "is a truncated or corrupt PNG")
    #expect(
      reason(bomb(side: 6000, isInterlaced: true, isDeep: false))
        == "is a truncated or corrupt PNG")
    // Width and height in the frame's segment: of a progressive JPEG, and of a baseline one.
    func jpeg(_ bytes: [UInt8], _ frame: UInt8, _ width: Int, _ height: Int) throws -> [UInt8] {
      let place = try #require(bytes.indices.first { bytes[$0...].starts(with: [0xFF, frame]) })
      let size = [height >> 8, height & 255, width >> 8, width & 255].map { UInt8($0) }
      return bytes[..<(place + 5)] + size + bytes[(place + 9)...]
    }
    let (progressive, baseline) = (OddPictures.progressiveJPEG, OddPictures.rotatedJPEG)
    #expect(
      try reason(jpeg(progressive, 0xC2, 9000, 5000))
        == tooMuch("9000x5000", 257, "a progressive JPEG"))
    #expect(try reason(jpeg(progressive, 0xC2, 6000, 4000)) == nil)
    #expect(try reason(jpeg(baseline, 0xC0, 12000, 9000)) == nil)
    // Sides of 14 bits less one behind the mark 0x2F.
    var webP = OddPictures.webP
    let size = (8000 - 1) | (8000 - 1) << 14
    webP.replaceSubrange(21..<24, with: (0..<3).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) })
    webP[24] = webP[24] & 0xF0 | UInt8(size >> 24)
    #expect(reason(webP) == tooMuch("8000x8000", 488, "WebP"))
    var bitmap = OddPictures.bmp
    bitmap.replaceSubrange(18..<26, with: [0x88, 0x13, 0, 0, 0x88, 0x13, 0, 0])
    #expect(reason(bitmap) == tooMuch("5000x5000", 381, "BMP"))
  }

  @Test("a JPEG with too many scans is refused")
  func scans() throws {
    let picture = OddPictures.progressiveJPEG
    // The scan of the coefficients 6 to 63, all zero, in as many pieces as are wanted.
    let scan = try #require(
      picture.indices.first { picture[$0...].starts(with: [0xFF, 0xDA, 0, 8, 1, 1, 0, 6]) })
    let end = try #require(picture[(scan + 10)...].firstIndex(of: 0xFF))
    let others = picture.indices.count { picture[$0...].starts(with: [0xFF, 0xDA]) } - 1
    func with(_ scans: Int) -> [UInt8] {
      let pieces = scans - others
      let coefficients = (0..<pieces).flatMap { piece -> [UInt8] in
        var part = Array(picture[scan..<end])
        (part[7], part[8]) = (UInt8(6 + piece), piece == pieces - 1 ? 63 : UInt8(6 + piece))
        return part
      }
      return picture[..<scan] + coefficients + picture[end...]
    }
    _ = try scaled(with(64), side: 16)
    let problem = #expect(throws: ImageProblem.self) { _ = try scaled(with(65), side: 16) }
    #expect(problem?.reason == "has more than 64 scans, which take too much time")
    // A small picture of the picture, in a segment of the header, has scans that are not counted.
    let inside =
      [0xFF, 0xE1, 0x10, 0x00] + Array(Array(repeating: with(64), count: 8).joined().prefix(0x0FFE))
    #expect(inside.count == 0x1000 + 2)
    _ = try scaled(Array(picture[..<2]) + inside + picture[2...], side: 16)
  }

  @Test("the oldest bitmaps, of OS/2, are read")
  func oldestBitmap() throws {
    // 14 bytes, then a header of 12: sides, planes and bits of a pixel in 16 bits each; rows of B,
    // G, R.
    let length = 26 + 64 * 64 * 3
    let bytes: [UInt8] =
      Array("BM".utf8) + [UInt8(length & 255), UInt8(length >> 8), 0, 0, 0, 0, 0, 0, 26, 0, 0, 0]
      + [12, 0, 0, 0, 64, 0, 64, 0, 1, 0, 24, 0] + (0..<64 * 64).flatMap { _ in [200, 100, 50] }
    let pixels = try scaled(bytes, side: 32)
    #expect(pixels == (0..<32 * 32).flatMap { _ in [50, 100, 200] as [UInt8] })
  }

  @Test("many threads can scale pictures at the same time")
  func manyThreads() throws {
    let pictures = [try png(width: 64, height: 64, colour: [20, 120, 220]), try jpeg(side: 300)]
    let expected = try pictures.map { try scaled($0, side: 32) }
    let team = ThreadTeam(count: 4)
    // libvips' vector code, made in several threads at once, ended the program once in some
    // thousand pictures.
    let isRight = team.map(3000) { number in
      let kind = number.isMultiple(of: 20) ? 1 : 0
      return (try? scaled(pictures[kind], side: 32)) == expected[kind]
    }
    #expect(isRight.allSatisfy { $0 })
  }

  /// The header of a PNG of so many rows and columns, with its CRC, and no pixels.
  private func bomb(side: Int = 30000, isInterlaced: Bool = false, isDeep: Bool = false) -> [UInt8]
  {
    let sides = [0, 0, UInt8(side >> 8), UInt8(side & 255)]
    let header: [UInt8] =
      [0x49, 0x48, 0x44, 0x52] + sides + sides
      + [isDeep ? 16 : 8, isDeep ? 6 : 2, 0, 0, isInterlaced ? 1 : 0]
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in header {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    crc ^= 0xFFFF_FFFF
    let sum = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: crc >> $0) }
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    return signature + [0, 0, 0, 13] + header + sum + [0, 0, 0, 1] + Array("IDAT".utf8) + [0x78]
  }
}
