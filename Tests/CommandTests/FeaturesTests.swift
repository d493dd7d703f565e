import Foundation
import TestSupport
import Testing

/// `alexnet features`, run as a user runs it.
@Suite struct FeaturesTests {
  @Test func severalLayersGiveTheSameFilesAsEachAlone() throws {
    let folder = TemporaryFolder()
    let (run, data) = (folder.path + "/run", try Pictures.small.get().path + "/dataset")
    let begun = try Program.train(
      ranks: nil,
      [
        "--data", data, "--out", run, "--network", "cifar-four-layer", "--batch-size", "32",
        "--max-steps", "0",
      ])
    #expect(begun.code == 0, "\(begun.error)")
    func features(_ layers: String, to name: String) throws -> Outcome {
      try Program.alexnet(
        "features", run, "--data", data, "--layer", layers, "--out", "\(folder.path)/\(name)")
    }
    let both = try features("relu1,fc10", to: "both")
    #expect(both.code == 0, "\(both.error)")
    for layer in ["relu1", "fc10"] {
      let one = try features(layer, to: "\(layer).npy")
      #expect(one.code == 0, "\(one.error)")
      let files = try ["both/\(layer).npy", "\(layer).npy"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\($0)"))
      }
      // 100 pictures at least, so that two empty files are not taken for equal ones.
      #expect(files[0] == files[1] && files[0].count > 100 * 10 * 4)
    }
    let names = try String(contentsOfFile: folder.path + "/both/relu1.txt", encoding: .utf8)
    #expect(names.hasPrefix("# alexnet features: {") && names.contains("\"layer\":\"relu1\""))
    #expect(names.split(separator: "\n").count == 101, "\(names)")
    let missing = try features("relu1,nowhere", to: "none")
    #expect(missing.code == 64 && missing.error.contains("has no layer 'nowhere'"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/none"))
  }
}
