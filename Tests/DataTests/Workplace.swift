import Foundation
import TestSupport
import Images

/// A folder for one test, removed when the test is over.
final class Workplace {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.path + "/alexnet-test-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
  }

  /// Writes a file, and the folders above it.
  func write(_ bytes: [UInt8], _ name: String) throws {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  /// Writes a picture as PNG.
  func writePicture(_ picture: TestPicture, _ name: String) throws {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try PNGFile.write(
      picture.pixels, width: picture.width, height: picture.height, to: path(name))
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// Flips a bit in some training records of a dataset, all of which lie in its first shard.
  func damage(_ records: [Int], of dataset: String = "dataset") throws {
    let index = try bytes("\(dataset)/train.index")
    var shard = try bytes("\(dataset)/train-000000.tar")
    for record in records {
      let start = 24 + 24 * record + 4
      let offset = (0..<8).reduce(0) { $0 | Int(index[start + $1]) << (8 * $1) }
      shard[offset + 9] ^= 1
    }
    try write(shard, "\(dataset)/train-000000.tar")
  }

  /// The names in a folder, in order.
  func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(folder)).sorted()
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
}

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

/// What a program prints, and its exit code.
func run(_ program: String, _ arguments: [String]) throws -> (
  output: [UInt8], error: String, code: Int32
) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.environment = Process.userEnvironment
  let (output, error) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardError = error
  try process.run()
  let bytes = output.fileHandleForReading.readDataToEndOfFile()
  let text = error.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (Array(bytes), String(decoding: text, as: UTF8.self), process.terminationStatus)
}
