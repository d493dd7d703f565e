import Foundation
import TestSupport

/// Datasets that tests train on, made once a test run from the first images of Fashion-MNIST.
enum Pictures {
  static let fashion = "/usr/share/datasets/fashion-mnist"

  /// 600 training and 100 validation images of 32 x 32 pixels, for the four-layer network.
  static let small = Result { try prepared(side: 32, train: 600, validation: 100) }
  /// 60 training and 10 validation images of 32 x 32 pixels, for runs of many epochs.
  static let tiny = Result { try prepared(side: 32, train: 60, validation: 10) }
  /// 400 training and 20 validation images of 256 x 256 pixels, for AlexNet.
  static let large = Result { try prepared(side: 256, train: 400, validation: 20) }

  private static func prepared(side: Int, train: Int, validation: Int) throws -> TemporaryFolder {
    let folder = TemporaryFolder.untilExit()
    let source = folder.path + "/source"
    try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
    for (part, count) in [("train", train), ("t10k", validation)] {
      try cut("\(part)-images-idx3-ubyte", header: 16, record: 28 * 28, count: count, into: source)
      try cut("\(part)-labels-idx1-ubyte", header: 8, record: 1, count: count, into: source)
    }
    let outcome = try Program.alexnet(
      "prepare", "--source", source, "--out", folder.path + "/dataset", "--size", String(side))
    guard outcome.code == 0 else { throw PreparationFailed(complaint: outcome.error) }
    return folder
  }

  struct PreparationFailed: Error {
    let complaint: String
  }

  /// Copies the first records of an IDX file, its count made to fit.
  private static func cut(
    _ name: String, header: Int, record: Int, count: Int, into folder: String
  ) throws {
    let unpacked = Process()
    unpacked.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    unpacked.arguments = ["gzip", "-dc", "\(fashion)/\(name).gz"]
    let pipe = Pipe()
    unpacked.standardOutput = pipe
    try unpacked.run()
    var bytes = Data(
      pipe.fileHandleForReading.readDataToEndOfFile().prefix(header + count * record))
    unpacked.waitUntilExit()
    for i in 0..<4 { bytes[4 + i] = UInt8(truncatingIfNeeded: count >> (24 - 8 * i)) }
    try bytes.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }
}
