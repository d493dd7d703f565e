import Data
import Foundation
import Images
import System
import TestSupport
import Testing

/// Kinds of pictures beyond the usual ones, written by hand or by the system's vips.
@Suite("Picture formats")
struct PictureKindTests {
  private func scaled(_ bytes: [UInt8], side: Int = 8) throws -> (pixels: [UInt8], frames: Int) {
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    let frames = try bytes.withUnsafeBytes { bytes in
      try pixels.withUnsafeMutableBufferPointer {
        try SquareScaling.scaleFirstFrame(encoded: bytes, side: side, into: $0)
      }
    }
    return (pixels, frames)
  }

  private func reason(_ bytes: [UInt8]) -> String? {
    do {
      _ = try scaled(bytes)
      return nil
    } catch { return (error as? ImageProblem)?.reason }
  }

  private func little(_ value: Int, _ length: Int) -> [UInt8] {
    (0..<length).map { UInt8(value >> (8 * $0) & 255) }
  }

  private func big(_ value: Int) -> [UInt8] { little(value, 4).reversed() }

  /// An 8x8 TIFF of one value in each channel, with other entries of its directory.
  private func tiff(
    _ pixel: [UInt8], photometric: Int = 2, bits: Int = 8, sampleFormat: Int = 1,
    extra: Int? = nil, profile: [UInt8] = []
  ) -> [UInt8] {
    let data = (0..<64).flatMap { _ in pixel }
    let channels = pixel.count * 8 / bits
    var entries: [(tag: Int, type: Int, count: Int, value: Int)] = [
      (256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, photometric),
      (273, 4, 1, 8), (277, 3, 1, channels), (278, 3, 1, 8), (279, 4, 1, data.count),
      (339, 3, 1, sampleFormat), (530, 3, 2, 1 | 1 << 16),
    ]
    if let extra { entries.insert((338, 3, 1, extra), at: 9) }
    let profilePlace = 8 + data.count
    if !profile.isEmpty { entries.append((34675, 7, profile.count, profilePlace)) }
    let bitsPlace = profilePlace + profile.count
    if channels > 2 { entries[2] = (258, 3, channels, bitsPlace) }
    let directory = bitsPlace + 2 * channels
    let header = Array("II".utf8) + little(42, 2) + little(directory, 4)
    let rows = entries.flatMap {
      little($0.tag, 2) + little($0.type, 2) + little($0.count, 4) + little($0.value, 4)
    }
    return header + data + profile + (0..<channels).flatMap { _ in little(bits, 2) }
      + little(entries.count, 2) + rows + little(0, 4)
  }

  /// An ICC profile whose red is sRGB's green, and the other way round.
  private var exchangedProfile: [UInt8] { profile("exchanged") }

  /// An ICC profile with sRGB's colours, red and green exchanged or not, and one exponent.
  private func profile(
    _ name: String, isExchanged: Bool = true, exponent: [UInt8] = [2, 51]
  ) -> [UInt8] {
    func fixed(_ value: Double) -> [UInt8] { big(Int((value * 65536).rounded()) & 0xFFFF_FFFF) }
    func colour(_ x: Double, _ y: Double, _ z: Double) -> [UInt8] {
      Array("XYZ \0\0\0\0".utf8) + fixed(x) + fixed(y) + fixed(z)
    }
    let curve = Array("curv\0\0\0\0".utf8) + big(1) + exponent + [0, 0]
    let name = Array("\(name)\0".utf8)
    let (red, green) = (colour(0.4361, 0.2225, 0.0139), colour(0.3851, 0.7169, 0.0971))
    let description =
      Array("desc\0\0\0\0".utf8) + big(name.count) + name + [UInt8](repeating: 0, count: 80)
    let tags: [(String, [UInt8])] = [
      ("desc", description), ("cprt", Array("text\0\0\0\0none\0\0\0\0".utf8)),
      ("wtpt", colour(0.9642, 1, 0.8249)), ("rXYZ", isExchanged ? green : red),
      ("gXYZ", isExchanged ? red : green), ("bXYZ", colour(0.1431, 0.0606, 0.7141)),
      ("rTRC", curve), ("gTRC", curve), ("bTRC", curve),
    ]
    var (table, body) = (big(tags.count), [UInt8]())
    for (tag, data) in tags {
      table += Array(tag.utf8) + big(132 + 12 * tags.count + body.count) + big(data.count)
      body += data + [UInt8](repeating: 0, count: (4 - data.count % 4) % 4)
    }
    var head = big(128 + table.count + body.count) + Array("none".utf8) + [2, 0x10, 0, 0]
    head += Array("mntrRGB XYZ ".utf8) + [7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    head += Array("acsp".utf8) + [UInt8](repeating: 0, count: 28)
    head += fixed(0.9642) + fixed(1) + fixed(0.8249)
    return head + [UInt8](repeating: 0, count: 128 - head.count) + table + body
  }

  @Test(
    "pictures with ICC profiles are converted, and broken profiles ignored")
  func profiles() throws {
    let plain = try scaled(tiff([250, 0, 0])).pixels
    #expect(plain[0] == 250 && plain[1] == 0)
    let converted = try scaled(tiff([250, 0, 0], profile: exchangedProfile)).pixels
    #expect(converted[0] < 30 && converted[1] > 240 && converted[2] < 30, "\(converted[0...2])")
    // A name says nothing: linear light of 55 is 128 in sRGB, and a profile of its values changes
    // none.
    let linear = profile("Linear sRGB", isExchanged: false, exponent: [1, 0])
    let brighter = try scaled(tiff([55, 55, 55], profile: linear)).pixels
    #expect(abs(Int(brighter[0]) - 128) <= 1, "\(brighter[0...2])")
    let broken = try scaled(tiff([250, 0, 0], profile: Array("no profile at all".utf8))).pixels
    #expect(broken[0] == 250 && broken[1] == 0)
  }

  @Test("a TIFF that libvips would misread is refused with a remedy")
  func tiffs() throws {
    #expect(try scaled(tiff([9, 99, 199])).pixels.prefix(3) == [9, 99, 199])
    #expect(reason(tiff([100, 120, 140], photometric: 6))?.contains("YCbCr") == true)
    #expect(reason(tiff([100, 0, 0], photometric: 8))?.contains("L*a*b*") == true)
    let half = little(Int(Float(0.5).bitPattern), 4)
    #expect(
      reason(tiff(half, photometric: 1, bits: 32, sampleFormat: 3))?.contains("8 or 16 bits")
        == true)
  }

  @Test("extra TIFF channels are transparency only if the file says so")
  func channels() throws {
    #expect(try scaled(tiff([200, 30, 30, 10], extra: 0)).pixels.prefix(3) == [200, 30, 30])
    #expect(try scaled(tiff([200, 30, 30, 9, 8, 7], extra: 0)).pixels.prefix(3) == [200, 30, 30])
    // Transparency that is not premultiplied: white shows through.
    #expect(try scaled(tiff([200, 30, 30, 0], extra: 2)).pixels.prefix(3) == [255, 255, 255])
    #expect(try scaled(tiff([200, 0, 0, 0, 77], extra: 2)).pixels.prefix(3) == [255, 255, 255])
    #expect(
      reason(tiff([1, 2, 3, 4, 5], photometric: 1, extra: 0))?.contains("of 5 channels") == true)
  }

  @Test("the first frame of an animation is used, and reported once")
  func frames() throws {
    let place = TemporaryFolder()
    // 1x1, red and then blue.
    let start = Array("GIF89a".utf8) + [1, 0, 1, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 255]
    let frame: [UInt8] = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2]
    let animation = start + frame + [0x44, 1, 0] + frame + [0x4C, 1, 0, 0x3B]
    let found = try scaled(animation)
    #expect(found.frames == 2 && found.pixels.prefix(3) == [255, 0, 0])
    try place.writeClassFolders(["a": 4, "b": 4])
    try place.write(animation, "source/a/moving.gif")
    let summary = try place.prepare()
    #expect(summary.rejected == 0)
    #expect(summary.notes == ["1 picture has several frames or pages; the first was taken."])
  }

  @Test("a camera's raw file is listed, although it begins like a TIFF")
  func rawFiles() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 10, "b": 10])
    for name in ["a/photo.NEF", "b/photo.dng"] {
      try place.write(tiff([9, 99, 199]), "source/\(name)")
    }
    let inFolders = try place.prepare()
    #expect(inFolders.rejected == 2 && inFolders.train + inFolders.validation == 20)
    let names = ["a", "b"].flatMap { name in (0..<10).map { "\(name)/\($0).png" } }
    let list = (names + ["a/photo.NEF"]).joined(separator: "\n")
    try place.write(Array(list.utf8), "list")
    let byList = try place.prepare("second") { $0.reading.list = place.file("list") }
    #expect(byList.rejected == 1 && byList.train + byList.validation == 20)
  }

  @Test("Netpbm files are read")
  func pixmaps() throws {
    let colour = Array("P6\n# by hand\n4 2\n255\n".utf8) + (0..<8).flatMap { _ in [9, 99, 199] }
    #expect(try scaled(colour).pixels.prefix(3) == [9, 99, 199])
    #expect(try scaled(Array("P2\n2 2\n255\n77 77 77 77\n".utf8)).pixels.prefix(3) == [77, 77, 77])
    // White is what the header says.
    #expect(try scaled(Array("P2 2 2 #\n15 3 3 3 3\n".utf8)).pixels.prefix(3) == [51, 51, 51])
    let deep = Array("P5 2 2 1023\n".utf8) + (0..<4).flatMap { _ in [3, 232] as [UInt8] }
    let level = try scaled(deep).pixels[0]
    #expect(abs(Int(level) - 249) <= 1, "\(level)")
    #expect(reason(Array("P5 2 2 0\n....".utf8))?.contains("PNM") == true)
  }

  @Test(
    "formats that this libvips can decode are decoded, others listed",
    arguments: ["avif", "heic", "jxl", "jp2", "gif", "webp", "ppm"])
  func newerKinds(suffix: String) throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4], side: 32)
    let colour = (0..<32 * 32).flatMap { _ in [20, 120, 220] as [UInt8] }
    try place.writePicture(TestPicture(width: 32, height: 32, pixels: colour), "plain.png")
    let made = try Program.run([
      "/usr/bin/vips", "copy", place.file("plain.png"), place.file("a.\(suffix)"),
    ])
    guard made.code == 0, let bytes = try? place.read("a.\(suffix)") else {
      withKnownIssue("this libvips cannot write \(suffix), so that no file is there to read") {
        Issue.record("\(made.error)")
      }
      return
    }
    // Its name says nothing.
    try place.write(bytes, "source/b/other.bin")
    let summary = try place.prepare {
      $0.encoding = .png
      $0.side = 16
    }
    guard summary.rejected == 0 else {
      // The other formats need libraries that a libvips may be without.
      #expect(!["gif", "webp", "ppm"].contains(suffix))
      #expect(summary.rejectedKinds.contains { $0.contains("this libvips cannot read") })
      return
    }
    let dataset = try place.dataset()
    #expect(dataset.count(.train) + dataset.count(.validation) == 9)
    let pixels = try Split.allCases.flatMap { split in
      try (0..<dataset.count(split)).map { try dataset.pixels(split, $0) }
    }
    #expect(
      pixels.contains { picture in
        picture.indices.allSatisfy { abs(Int(picture[$0]) - [20, 120, 220][$0 % 3]) <= 30 }
      })
  }

  @Test(
    "very flat pictures are scaled, and quickly", .timeLimit(.minutes(1)),
    arguments: [(5000, 1), (1, 39_000), (65536, 1), (3, 65536)])
  func extremes(width: Int, height: Int) throws {
    let rows = [UInt8](repeating: 90, count: width * height)
    let bytes = Array("P5\n\(width) \(height)\n255\n".utf8) + rows
    let pixels = try scaled(bytes, side: 256).pixels
    #expect(pixels.allSatisfy { $0 == 90 })
  }

  @Test("pictures with a side longer than JPEG allows are refused")
  func tooLong() {
    for (width, height) in [(65537, 1), (1, 10_000_000)] {
      let rows = [UInt8](repeating: 90, count: width * height)
      #expect(
        reason(Array("P5\n\(width) \(height)\n255\n".utf8) + rows)
          == "has \(width)x\(height) pixels; no side may be longer than 65536")
    }
  }

  @Test("the middle of a long picture is kept")
  func middle() throws {
    // 8 rows of 801 columns: dark but for a bright square in the middle.
    let row = (0..<801).map { abs($0 - 400) <= 4 ? UInt8(255) : 0 }
    let bytes = Array("P5\n801 8\n255\n".utf8) + (0..<8).flatMap { _ in row }
    let pixels = try scaled(bytes, side: 8).pixels
    #expect(pixels.allSatisfy { $0 > 240 }, "\(pixels)")
  }
}
