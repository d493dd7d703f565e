import Foundation
import Images
import TestSupport
import Testing

/// The image libraries leave a damaged file by a jump of C's, which must not skip a Swift frame.
@Suite struct ErrorJumpTests {
  /// The functions of the libraries that leave the target of jumps to their caller, and the jumps
  /// themselves.
  @Test(
    "the programs call no function that returns by longjmp",
    arguments: ["alexnet", "alexnet-train"])
  func symbols(program: String) throws {
    let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
    let bytes = try Data(contentsOf: folder.appendingPathComponent(program), options: .alwaysMapped)
    func holds(_ name: String) -> Bool { bytes.range(of: Data([0]) + Data(name.utf8)) != nil }
    // What is called is found this way.
    for name in ["tjDecompress2", "png_image_finish_read", "vips_image_new_from_buffer"] {
      #expect(holds(name))
    }
    for name in [
      "setjmp", "_setjmp", "__sigsetjmp", "longjmp", "__longjmp_chk", "siglongjmp", "jpeg_",
      "png_create_",
      "png_set_", "TIFFOpen", "WebPDecode",
    ] { #expect(!holds(name), "\(name)") }
  }

  /// An object of a Swift frame that a decoder is called from.
  private final class Witness {
    private let alive: UnsafeMutablePointer<Int>
    init(_ alive: UnsafeMutablePointer<Int>) {
      self.alive = alive
      alive.pointee += 1
    }
    deinit { alive.pointee -= 1 }
  }

  /// Decodes a picture cut short at many places and with single bytes changed; in between, the
  /// whole one.
  /// - Returns: How many damaged ones were refused.
  private func tryDamage(_ whole: [UInt8], _ decode: ([UInt8]) throws -> [UInt8]) throws -> Int {
    let alive = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    alive.initialize(to: 0)
    defer { alive.deallocate() }
    let expected = try decode(whole)
    var refused = 0
    func attempt(_ bytes: [UInt8]) {
      let witness = Witness(alive)
      do { _ = try decode(bytes) } catch { refused += 1 }
      withExtendedLifetime(witness) {}
    }
    for place in stride(from: 1, to: whole.count, by: max(1, whole.count / 60)) {
      attempt(Array(whole[..<place]))
      var changed = whole
      changed[place] ^= 0x55
      attempt(changed)
      #expect(try decode(whole) == expected, "after damage at byte \(place)")
    }
    #expect(alive.pointee == 0, "every frame has released what it held")
    return refused
  }

  @Test(
    "a record decoder works after any damaged picture", arguments: [RecordEncoding.jpeg, .png])
  func records(encoding: RecordEncoding) throws {
    let encoder = try RecordEncoder(encoding, quality: 90, side: 32)
    let whole = try gradient(side: 32).withUnsafeBufferPointer { Array(try encoder.encode($0)) }
    let decoder = try RecordDecoder()
    let refused = try tryDamage(whole) { bytes in
      var pixels = [UInt8](repeating: 0, count: 32 * 32 * 3)
      try pixels.withUnsafeMutableBufferPointer { pixels in
        try bytes.withUnsafeBytes { try decoder.decode($0, side: 32, into: pixels) }
      }
      return pixels
    }
    #expect(refused > 60)
  }

  @Test(
    "scaling works after any damaged picture",
    arguments: [
      OddPictures.progressiveJPEG, OddPictures.cmykJPEG, OddPictures.palettePNG,
      OddPictures.gray16PNG,
      OddPictures.alphaPNG, OddPictures.webP, OddPictures.tiff, OddPictures.bmp,
    ])
  func scaling(whole: [UInt8]) throws {
    #expect(try tryDamage(whole) { try scaled($0, side: 16) } > 20)
  }
}
