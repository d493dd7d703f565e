import AlexNet
import Foundation
import JSON
import ModelParallel
import Networks
import Planning
import System

/// The steps that `alexnet scale` predicts, as a table or as JSON.
struct ScaleReport {
  let model: ScalingModel
  let linkName: String
  /// The largest cluster.
  let cluster: ClusterShape
  let batchSize: Int
  let formats: WireFormats

  /// A predicted step on a number of ranks.
  struct Row {
    let cluster: ClusterShape
    let scheme: FullyConnectedScheme
    let prediction: ScalingModel.Prediction
    let efficiency: Double
    let isBest: Bool
  }

  /// The number of ranks doubles from row to row up to all of them, as long as every replica has an
  /// image and every rank a neuron.
  var rows: [Row] {
    var counts: [Int] = []
    var ranks = model.network.towers
    while ranks < cluster.ranks {
      counts.append(ranks)
      ranks *= 2
    }
    return (counts + [cluster.ranks]).filter { $0 / model.network.towers <= batchSize }
      .flatMap { self.rows($0) }
  }

  /// Every scheme on a number of ranks.
  private func rows(_ ranks: Int) -> [Row] {
    var shape = cluster
    shape.ranks = ranks
    let schemes = FullyConnectedScheme.candidates(
      model.network, ranksPerReplica: model.network.towers, replicas: ranks / model.network.towers)
    let predictions = schemes.map {
      model.predict(shape, batchSize: batchSize, scheme: $0, formats: formats)
    }
    let best = predictions.map(\.step).min() ?? 0
    return zip(schemes, predictions).map { scheme, prediction in
      Row(
        cluster: shape, scheme: scheme, prediction: prediction,
        efficiency: model.efficiency(prediction, shape, batchSize: batchSize),
        isBest: prediction.step == best)
    }
  }

  var text: String {
    var lines = [
      "\(model.network.name), batches of \(counted(batchSize, "image", "images")) over all ranks, "
        + "\(counted(cluster.ranksPerHost, "rank", "ranks")) a host, "
        + String(
          format: "%@: %.2f Gbit/s each way, %.0f us.", linkName, cluster.link.bandwidth * 8e-9,
          cluster.link.latency * 1e6),
      cores,
      "Efficiency: images/s relative to separate pairs of ranks with \(ScalingModel.pairBatch) "
        + "images each. *: the best scheme.",
      "",
      "ranks  fc           images a   step    arithmetic  moving  waiting for ms       sent   "
        + "images  efficiency",
      "                    replica    ms      ms          ms      maps     gradients   MB     a "
        + "second",
    ]
    let rows = self.rows
    // Only the best number of groups is shown.
    for row in rows where row.isBest || [.data, .model].contains(row.scheme) {
      let p = row.prediction
      lines.append(
        String(
          format: "%5d  %@%@ %8.1f %9.1f %11.1f %7.1f %8.1f %10.1f %7.1f %8.0f %8.1f %%",
          row.cluster.ranks,
          Column.left(10).fitted(row.scheme.description),
          row.isBest ? "*" : " ",
          Double(batchSize * model.network.towers) / Double(row.cluster.ranks), 1e3 * p.step,
          1e3 * p.compute,
          1e3 * p.moving, 1e3 * p.waitingForActivations, 1e3 * p.waitingForGradients,
          1e-6 * Double(p.bytes), Double(batchSize) / p.step, 100 * row.efficiency))
    }
    if let fastest = rows.min(by: { $0.prediction.step < $1.prediction.step }) {
      let rate = Double(batchSize) / fastest.prediction.step
      lines += [
        "",
        String(
          format: "The most is %.0f images/s, on %d ranks: 100 epochs of ILSVRC-2012 (1,281,167 "
            + "images) in %.3g hours.", rate, fastest.cluster.ranks,
          100 * 1_281_167 / rate / 3600),
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What a rank computes with, in a sentence.
  private var cores: String {
    let threads = cluster.threads ?? model.profile.threads
    let rate = cluster.coreRate ?? model.profile.coreRate
    var words = ["A rank has \(counted(threads, "core", "cores"))"]
    if let rate { words.append(String(format: "of %.0f GFLOP/s each", 2e-9 * rate)) }
    if let shared = cluster.memoryBandwidth {
      words.append(String(format: "and a share of its host's %.0f GB/s of memory", 1e-9 * shared))
    } else if let own = model.profile.memoryBandwidth {
      let each = own / Double(model.profile.threads)
      words.append(String(format: "and %.1f GB/s of memory for each", 1e-9 * each))
    }
    return words.joined(separator: " ") + "."
  }

  /// One JSON object.
  var json: String {
    JSONText.encode(
      Document(
        network: model.network.name, batchSize: batchSize, link: linkName,
        bandwidth: cluster.link.bandwidth, latency: cluster.link.latency,
        ranksPerHost: cluster.ranksPerHost,
        predictions: rows.map { row in
          Document.Step(
            ranks: row.cluster.ranks, scheme: row.scheme.description,
            stepSeconds: row.prediction.step, computeSeconds: row.prediction.compute,
            movingSeconds: row.prediction.moving,
            activationWaitSeconds: row.prediction.waitingForActivations,
            gradientWaitSeconds: row.prediction.waitingForGradients,
            bytesSent: row.prediction.bytes,
            imagesPerSecond: Double(batchSize) / row.prediction.step,
            efficiency: row.efficiency, isBest: row.isBest)
        })) + "\n"
  }

  /// What the JSON object holds.
  private struct Document: Encodable {
    struct Step: Encodable {
      let ranks: Int
      let scheme: String
      let stepSeconds: Double
      let computeSeconds: Double
      let movingSeconds: Double
      let activationWaitSeconds: Double
      let gradientWaitSeconds: Double
      let bytesSent: Int
      let imagesPerSecond: Double
      let efficiency: Double
      let isBest: Bool
    }

    let network: String
    let batchSize: Int
    let link: String
    let bandwidth: Double
    let latency: Double
    let ranksPerHost: Int
    let predictions: [Step]
  }
}
