import Foundation
import Testing

/// The losses and errors of a run's steps, its layers' health, and its last validation's errors, as
/// metrics.jsonl has them.
struct RunRecords {
  private(set) var losses: [Double] = []
  private(set) var trainingErrors: [Double] = []
  private(set) var top1: Double?
  private(set) var top5: Double?
  /// The last look at the layers: for each its name, and its figures by their names.
  private(set) var health: [(name: String, figures: [String: Double])] = []

  init(_ run: String) throws {
    let text = try String(contentsOfFile: "\(run)/metrics.jsonl", encoding: .utf8)
    for line in text.split(separator: "\n") {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let record = try #require(object)
      if record["kind"] as? String == "step" {
        losses.append(try #require(record["loss"] as? Double))
        trainingErrors.append(try #require(record["trainingError"] as? Double))
      } else if record["kind"] as? String == "health" {
        let layers = try #require(record["layers"] as? [[String: Any]])
        health = layers.map { layer in
          (layer["name"] as? String ?? "", layer.compactMapValues { $0 as? Double })
        }
      } else if record["kind"] as? String == "validation" {
        (top1, top5) = (record["top1Error"] as? Double, record["top5Error"] as? Double)
      }
    }
  }
}
