import Foundation
import TestSupport

/// Folders of pictures that tests prepare: bands of colours side by side, which a class each has
/// its own of.
enum ColourFolders {
  /// A picture of vertical bands of equal width, as a BMP file.
  static func bitmap(width: Int, height: Int, bands: [[UInt8]]) -> [UInt8] {
    let row = (3 * width + 3) / 4 * 4
    func number(_ value: Int, _ bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    var bytes = Array("BM".utf8) + number(54 + row * height, 4) + number(0, 4) + number(54, 4)
    bytes += number(40, 4) + number(width, 4) + number(height, 4) + number(1, 2) + number(24, 2)
    bytes += number(0, 4) + number(row * height, 4) + number(2835, 4) + number(2835, 4)
    bytes += number(0, 4) + number(0, 4)
    for _ in 0..<height {
      var line: [UInt8] = []
      // B, G, R.
      for x in 0..<width { line += bands[x * bands.count / width].reversed() }
      bytes += line + [UInt8](repeating: 0, count: row - line.count)
    }
    return bytes
  }

  /// Prepares a dataset of pictures of 96 x 32 pixels, six a class, for the four-layer network.
  static func dataset(
    _ classes: [String], in folder: String, name: String, _ options: String...
  ) throws -> String {
    for (label, className) in classes.enumerated() {
      let path = "\(folder)/\(name)-source/\(className)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for number in 0..<6 {
        let level = UInt8(60 * label + 8 * number)
        let bands: [[UInt8]] = [[level, 200, 30], [90, level, 150], [20, 40, level]]
        try Data(bitmap(width: 96, height: 32, bands: bands)).write(
          to: URL(fileURLWithPath: "\(path)/\(number).bmp"))
      }
    }
    let out = "\(folder)/\(name)"
    let outcome = try Program.alexnet(
      ranks: nil,
      ["prepare", "--source", "\(folder)/\(name)-source", "--out", out, "--size", "32"]
        + ["--hold-out", "20%"] + options)
    guard outcome.code == 0 else { throw Pictures.PreparationFailed(complaint: outcome.error) }
    return out
  }
}
