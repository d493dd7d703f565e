import Foundation
import Images
import TestSupport

/// RGB pixels.
struct TestPicture {
  let width: Int
  let height: Int
  var pixels: [UInt8]

  init(width: Int, height: Int, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Noise.
  init(side: Int, seed: UInt32) {
    var state = seed &* 747_796_405 &+ 2_891_336_453
    let pixels = (0..<side * side * 3).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    self.init(width: side, height: side, pixels: pixels)
  }
}

extension TemporaryFolder {
  /// Writes a picture as PNG, and the folders above it.
  func writePicture(_ picture: TestPicture, _ name: String) throws {
    try makeFolder((name as NSString).deletingLastPathComponent)
    try PNGFile.write(
      picture.pixels, width: picture.width, height: picture.height, to: file(name))
  }

  /// Class folders `source/<class>/<number>.png` of 8x8 pictures that differ in every pixel.
  func writeClassFolders(_ classes: [String: Int], side: Int = 8, in folder: String = "source")
    throws
  {
    for (place, (name, count)) in classes.sorted(by: { $0.key < $1.key }).enumerated() {
      for number in 0..<count {
        try writePicture(
          TestPicture(side: side, seed: UInt32(1000 * place + number)),
          "\(folder)/\(name)/\(number).png")
      }
    }
  }

  /// Flips a bit in some training records of a dataset, all of which lie in its first shard.
  func damage(_ records: [Int], of dataset: String = "dataset") throws {
    let index = try read("\(dataset)/train.index")
    var shard = try read("\(dataset)/train-000000.tar")
    for record in records {
      let start = 24 + 24 * record + 4
      let offset = (0..<8).reduce(0) { $0 | Int(index[start + $1]) << (8 * $1) }
      shard[offset + 9] ^= 1
    }
    try write(shard, "\(dataset)/train-000000.tar")
  }
}
