import Images
import TestSupport
import Testing

@Suite("Enlarging small pictures")
struct EnlargingTests {
  /// What Pillow 13 makes of `picture` by `resize((32, 24), Image.BICUBIC)`: three rows of it,
  /// without the pixels at the edges, where Pillow does not repeat the picture's last row and
  /// column but leaves them out.
  static let pillow: [(row: Int, values: [UInt8])] = [
    (
      10,
      [
        114, 87, 69, 58, 50, 45, 43, 43, 47, 57, 75, 109, 147, 175, 182, 168, 144, 122, 111, 106,
        105, 108, 116, 133,
      ]
    ),
    (
      11,
      [
        121, 118, 114, 110, 105, 100, 91, 77, 63, 59, 73, 111, 157, 194, 205, 195, 174, 155, 147,
        147, 148, 151, 153, 154,
      ]
    ),
    (
      12,
      [
        132, 158, 171, 176, 174, 166, 150, 119, 84, 62, 70, 111, 165, 210, 226, 220, 201, 186, 182,
        190, 200, 205, 201, 184,
      ]
    ),
  ]

  /// 8 x 6 gray pixels with no order.
  static let picture = (0..<48).map { place -> UInt8 in
    let (x, y) = (place % 8, place / 8)
    return UInt8((37 * x * x + 91 * y + 53 * x * y) % 256)
  }

  func square(
    _ pixels: [UInt8], _ width: Int, _ height: Int, side: Int, _ resizing: Resizing = .crop
  ) throws -> [UInt8] {
    var output = [UInt8](repeating: 7, count: side * side * 3)
    try pixels.withUnsafeBytes { pixels in
      try output.withUnsafeMutableBufferPointer {
        try SquareScaling.scale(
          pixels: pixels, width: width, height: height, bands: 1, side: side, resizing: resizing,
          into: $0)
      }
    }
    return output.indices.filter { $0 % 3 == 0 }.map { output[$0] }
  }

  @Test("pixels equal those of Pillow")
  func pillow() throws {
    // 32 x 24 would be the whole; the middle square begins four pixels from the left.
    let pixels = try square(Self.picture, 8, 6, side: 24)
    for (row, values) in Self.pillow {
      for x in 0..<24 {
        let (ours, theirs) = (Int(pixels[row * 24 + x]), Int(values[x]))
        #expect(abs(ours - theirs) <= 2, "row \(row), pixel \(x): \(ours) and \(theirs)")
      }
    }
  }

  /// Bicubic interpolation by the book, in Double: Catmull and Rom's kernel around the place that
  /// the centre of each pixel has in the picture, whose edges are repeated.
  func reference(
    _ pixels: [UInt8], _ width: Int, _ height: Int, side: Int, across: Double, down: Double
  ) -> [Double] {
    func kernel(_ x: Double) -> Double {
      let x = abs(x)
      return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0
    }
    let (left, top) = (
      ((across - Double(side)) / 2).rounded(.down), ((down - Double(side)) / 2).rounded(.down)
    )
    return (0..<side * side).map { place in
      let x = (Double(place % side) + left + 0.5) * Double(width) / across - 0.5
      let y = (Double(place / side) + top + 0.5) * Double(height) / down - 0.5
      var sum = 0.0
      for row in Int(y.rounded(.down)) - 1...Int(y.rounded(.down)) + 2 {
        for column in Int(x.rounded(.down)) - 1...Int(x.rounded(.down)) + 2 {
          let pixel = pixels[max(0, min(height - 1, row)) * width + max(0, min(width - 1, column))]
          sum += Double(pixel) * kernel(x - Double(column)) * kernel(y - Double(row))
        }
      }
      return max(0, min(255, sum))
    }
  }

  @Test(
    "pixels equal bicubic interpolation between pixel centres",
    arguments: [(8, 6, 24), (6, 8, 31), (48, 1, 16), (1, 48, 20), (8, 6, 7)], Resizing.allCases)
  func interpolation(shape: (width: Int, height: Int, side: Int), resizing: Resizing) throws {
    let (width, height, side) = shape
    let pixels = (0..<width * height).map { Self.picture[$0 % 48] }
    // One side of the last shape is reduced, by another filter.
    guard resizing == .crop || (width <= side && height <= side) else { return }
    let scale = Double(side) / Double(min(width, height))
    let isCropped = resizing == .crop
    let expected = reference(
      pixels, width, height, side: side,
      across: isCropped ? (Double(width) * scale).rounded() : Double(side),
      down: isCropped ? (Double(height) * scale).rounded() : Double(side))
    let found = try square(pixels, width, height, side: side, resizing)
    // libvips knows 64 places between two pixels.
    for place in expected.indices {
      #expect(abs(Double(found[place]) - expected[place]) <= 4, "pixel \(place)")
    }
  }

  @Test("files give the same pixels as memory, turned upright and on white")
  func files() throws {
    let noise = try png(width: 9, height: 7, colour: [0, 0, 0], isNoisy: true)
    var state: UInt32 = 1
    let pixels = (0..<9 * 7 * 3).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    for resizing in Resizing.allCases {
      for side in [4, 8, 20] {
        var (file, memory) = (
          [UInt8](repeating: 1, count: side * side * 3),
          [UInt8](repeating: 2, count: side * side * 3)
        )
        try noise.withUnsafeBytes { bytes in
          try file.withUnsafeMutableBufferPointer {
            try SquareScaling.scale(encoded: bytes, side: side, resizing: resizing, into: $0)
          }
        }
        try pixels.withUnsafeBytes { bytes in
          try memory.withUnsafeMutableBufferPointer {
            try SquareScaling.scale(
              pixels: bytes, width: 9, height: 7, bands: 3, side: side, resizing: resizing, into: $0
            )
          }
        }
        #expect(file == memory, "\(resizing), \(side)")
      }
    }
    // Turned clockwise by a quarter: red comes to the top.
    let turned = try scaled(OddPictures.rotatedJPEG, side: 200)
    let (top, bottom) = (turned[3 * (20 * 200 + 100)], turned[3 * (180 * 200 + 100)])
    #expect(top > 200 && bottom < 60)
  }

  @Test("squeezing keeps the whole picture")
  func squeezed() throws {
    // Three bands side by side: of the middle square only the second is left.
    let bands = (0..<96 * 32).map { place -> UInt8 in [0, 100, 200][place % 96 / 32] }
    let cropped = try square(bands, 96, 32, side: 32)
    #expect(cropped.allSatisfy { $0 == 100 })
    let squeezed = try square(bands, 96, 32, side: 32, .squeeze)
    for y in 0..<32 {
      let seen = [squeezed[y * 32 + 4], squeezed[y * 32 + 16], squeezed[y * 32 + 28]]
      #expect(seen == [0, 100, 200])
    }
    // One side is enlarged and the other reduced.
    let tall = try square(bands, 96, 32, side: 64, .squeeze)
    let seen = [tall[32 * 64 + 8], tall[32 * 64 + 32], tall[32 * 64 + 56]]
    #expect(seen == [0, 100, 200])
  }

  @Test("a very long picture needs little memory")
  func long() throws {
    // Enlarged as a whole it would have 2.5 thousand million pixels a row.
    let pixels = (0..<10_000_000).map { UInt8(truncatingIfNeeded: $0) }
    let square = try square(pixels, 10_000_000, 1, side: 256)
    let (least, most) = (square.min() ?? 0, square.max() ?? 255)
    #expect(most - least < 64)
    #expect(square[0] == square[255 * 256])
  }
}
