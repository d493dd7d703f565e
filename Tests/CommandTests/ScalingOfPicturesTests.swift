import Foundation
import Safetensors
import TestSupport
import Testing

/// How a described network's pictures are scaled, from its training to its evaluation.
@Suite(.serialized) struct ScalingOfPicturesTests {
  private let scratch = TemporaryFolder()

  /// Trains two steps and returns the run's folder and its metrics.
  private func trained(_ name: String, _ preprocessing: String) throws -> (
    run: String, records: [[String: Any]]
  ) {
    let described = "\(scratch.path)/\(name).json"
    try """
    { "name": "\(name)", "towers": 2, "inputSide": 28, "imageSide": 32, "classes": 10,\(preprocessing) "layers": [
      { "type": "convolution", "name": "c1", "kernels": 8, "size": 5, "stride": 2, "weightDeviation": 0.1 },
      { "type": "relu", "name": "r1" },
      { "type": "fullyConnected", "name": "out", "kernels": 10, "weightDeviation": 0.03 } ] }
    """.write(toFile: described, atomically: true, encoding: .utf8)
    let run = "\(scratch.path)/\(name)"
    let outcome = try Program.train(
      ranks: nil,
      [
        "--data", try Pictures.small.get().path + "/dataset", "--out", run, "--network", described,
        "--max-steps", "2", "--batch-size", "20", "--learning-rate", "0.0001", "--threads", "2",
        "--no-augmentation", "--seed", "4",
      ])
    try #require(outcome.code == 0, "\(outcome.error)")
    let records = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      .split(separator: "\n").map {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
      }
    return (run, records)
  }

  @Test func trainingValidationAndEvaluationFollowTheDescription() throws {
    let (scaled, records) = try trained(
      "scaled",
      #""preprocessing": {"channelOrder": "BGR", "scale": 0.5, "mean": [60, 50, 40], "deviation": [2, 4, 8]},"#
    )
    let file = try SafetensorsFile(opening: scaled + "/checkpoints/latest.safetensors")
    let text = try #require(file.header.metadata["preprocessing"])
    #expect(text.contains("\"BGR\"") && text.contains("0.25,0.125,0.0625"))
    #expect(file.header.metadata["network"]?.contains("\"deviation\"") == true)
    let entry = try #require(file.header.tensors.first { $0.name == "preprocessing.mean" })
    let mean: [Float] = try file.elements(of: entry)
    // 60 / 0.5 and so on, at each pixel.
    #expect(Array(mean.prefix(3)) == [120, 100, 80] && Array(mean.suffix(3)) == [120, 100, 80])
    let config = try String(contentsOfFile: scaled + "/config.json", encoding: .utf8)
    #expect(config.contains("\"preprocessing\""))

    // The network that was validated is the one that is evaluated.
    let validation = try #require(records.last { $0["kind"] as? String == "validation" })
    let evaluated = try Program.alexnet(
      "evaluate", scaled, "--data", Pictures.small.get().path + "/dataset", "--json")
    try #require(evaluated.code == 0, "\(evaluated.error)")
    let object = try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8))
    let figures = try #require((object as? [String: Any])?["figures"] as? [String: Any])
    #expect(figures["loss"] as? Double == validation["loss"] as? Double)

    // Other numbers go in than without it.
    let (_, plain) = try trained("plain", "")
    let losses = [records, plain].map { $0.first { $0["kind"] as? String == "step" }?["loss"] }
    #expect(losses[0] as? Double != losses[1] as? Double && losses[0] != nil)
  }
}
