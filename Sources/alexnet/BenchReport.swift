import Foundation
import JSON
import Kernels
import Layers
import Networks
import System
import Tensors

/// The bench's results, as tables or as JSON.
struct BenchReport {
  let network: NetworkSpecification
  let layer: String?
  let batchSize: Int
  let ranks: Int
  let threads: Int
  /// The numbers of fully-connected layers, in training and in forward passes alone.
  let precisions: (training: Precision, forward: Precision)
  let limits: MachineLimits
  let training: BenchTimes
  let forward: BenchTimes

  private var shapes: [LayerShape] { network.shapes(ofTower: 0) }

  /// Multiply-adds of direct convolution for a training step of one image.
  ///
  /// They cover all towers: forward and both gradients, without a gradient for the image.
  private var stepMultiplications: Int {
    (0..<network.towers).reduce(0) { sum, tower in
      let layers = network.shapes(ofTower: tower)
      return sum + 3 * layers.reduce(0) { $0 + $1.multiplications } - layers[0].multiplications
    }
  }

  private var productRate: Double { limits.productRate }
  private var imagesPerSecond: Double { Double(batchSize) / training.step }
  private var forwardImagesPerSecond: Double { Double(batchSize) / forward.step }
  /// The direct roofline in images per second.
  private var roofline: Double { productRate / Double(stepMultiplications) }
  private var exchangeShare: Double {
    training.boundaries.reduce(0) { $0 + $1.exposed } / training.step
  }
  /// Seconds of a step in layers without weights, in the update and waiting for images.
  private var otherSeconds: Double {
    zip(training.layers, shapes).reduce(training.update + training.wait) { sum, pair in
      pair.1.kernels.isEmpty ? sum + pair.0.forward + pair.0.backward : sum
    }
  }
  /// The fraction of this rank's core time spent reading, decoding and augmenting.
  private var dataShare: Double { training.data / max(training.processor, 1e-9) }
  private var rooflineSeconds: Double { Double(batchSize) / roofline }

  /// The results as tables.
  var text: String {
    var lines = [
      "\(network.name), batch \(batchSize), \(counted(ranks, "rank", "ranks")) with \(threads) "
        + "thread\(threads == 1 ? "" : "s") each; "
        + String(
          format: "on all ranks, matrix products at %.1f GFLOP/s and memory at %.1f GB/s.",
          2e-9 * productRate, 1e-9 * limits.memoryBandwidth),
      "OpenBLAS for \(BLAS.coreName), own loops for \(KernelSet.best.name); fully-connected layers in "
        + "\(precisions.training) in training, \(precisions.forward) in forward passes alone.", "",
      "layer       forward ms  backward ms  GFLOP/s forward  share of matrix-product speed "
        + "(direct-equivalent)",
    ]
    for (time, shape) in zip(training.layers, shapes) where layer == nil || layer == time.name {
      var line = String(
        format: "%@ %11.2f %12.2f", Column.left(10).fitted(time.name),
        1e3 * time.forward, 1e3 * time.backward)
      if !shape.kernels.isEmpty {
        // A rank with all towers runs them in parallel; its first tower's time stands for all.
        let rate = 2e-9 * Double(shape.multiplications * batchSize) / time.forward
        let share = rate / (2e-9 * productRate / Double(network.towers))
        line += String(format: " %16.1f %17.2f", rate, share)
      }
      lines.append(line)
    }
    if layer == nil {
      lines.append("")
      if ranks > 1 {
        lines += ["boundary    bytes sent  waited ms  alone ms  hidden"]
        lines += training.boundaries.map(row)
        lines.append("")
      }
      lines.append(
        String(
          format: "update %.2f ms, wait for images %.2f ms", 1e3 * training.update,
          1e3 * training.wait))
      lines.append("")
      lines += totals.map {
        tableLine([$0.label, $0.value], [.left(58), .left(0)])
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(_ boundary: BoundaryTime) -> String {
    String(
      format: "%@ %11d %10.2f", Column.left(10).fitted(boundary.name),
      boundary.bytes, 1e3 * boundary.exposed)
      + (boundary.alone.map {
        String(format: " %9.2f  %4.0f %%", 1e3 * $0, 100 * (boundary.hidden ?? 0))
      } ?? "")
  }

  private var totals: [(label: String, value: String)] {
    [
      ("whole steps", String(format: "%.1f images/s (%.3f s)", imagesPerSecond, training.step)),
      ("direct roofline", String(format: "%.1f images/s", roofline)),
      ("whole steps over the direct roofline", String(format: "%.2f", imagesPerSecond / roofline)),
      ("share of the step in exchanges", String(format: "%.2f %%", 100 * exchangeShare)),
      (
        "share of the step waiting for images",
        String(format: "%.3f %%", 100 * training.wait / training.step)
      ),
      (
        "share of the step's core time spent reading images",
        String(format: "%.2f %%", 100 * dataShare)
      ),
      (
        "time outside conv and fc, of a step at the roofline",
        String(format: "%.1f %%", 100 * otherSeconds / rooflineSeconds)
      ),
      (
        "forward only",
        String(
          format: "%.1f images/s (%.2f ms a batch)", forwardImagesPerSecond, 1e3 * forward.step)
      ),
      ("page faults per step", String(format: "%.1f", training.faults)),
      (
        "peak memory of a rank",
        String(format: "%.2f GiB", Double(training.peakMemory) / 1_073_741_824)
      ),
    ]
  }

  /// One JSON object.
  var json: String {
    JSONText.encode(
      Document(
        network: network.name, batchSize: batchSize, ranks: ranks, threads: threads,
        productFlops: 2 * productRate, memoryBandwidth: limits.memoryBandwidth,
        layers: zip(training.layers, shapes).map { time, shape in
          Document.Layer(
            name: time.name, forwardSeconds: time.forward, backwardSeconds: time.backward,
            multiplications: shape.multiplications)
        },
        boundaries: training.boundaries.map {
          Document.Boundary(
            name: $0.name, bytes: $0.bytes, exposedSeconds: $0.exposed, aloneSeconds: $0.alone)
        },
        stepSeconds: training.step, imagesPerSecond: imagesPerSecond,
        rooflineImagesPerSecond: roofline, overRoofline: imagesPerSecond / roofline,
        exchangeShare: exchangeShare, otherShare: otherSeconds / rooflineSeconds,
        updateSeconds: training.update, waitSeconds: training.wait, dataSeconds: training.data,
        dataShare: dataShare, forwardSeconds: forward.step, blasCore: BLAS.coreName,
        kernels: KernelSet.best.name, trainingPrecision: precisions.training,
        forwardPrecision: precisions.forward, forwardImagesPerSecond: forwardImagesPerSecond,
        pageFaultsPerStep: training.faults, peakMemoryBytes: training.peakMemory)) + "\n"
  }

  /// What the JSON object holds.
  private struct Document: Encodable {
    struct Layer: Encodable {
      let name: String
      let forwardSeconds: Double
      let backwardSeconds: Double
      let multiplications: Int
    }

    struct Boundary: Encodable {
      let name: String
      let bytes: Int
      let exposedSeconds: Double
      /// Null where the exchange was not timed alone.
      let aloneSeconds: Double?

      enum CodingKeys: CodingKey { case name, bytes, exposedSeconds, aloneSeconds }

      func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(name, forKey: .name)
        try members.encode(bytes, forKey: .bytes)
        try members.encode(exposedSeconds, forKey: .exposedSeconds)
        try members.encode(aloneSeconds, forKey: .aloneSeconds)
      }
    }

    let network: String
    let batchSize: Int
    let ranks: Int
    let threads: Int
    let productFlops: Double
    let memoryBandwidth: Double
    let layers: [Layer]
    let boundaries: [Boundary]
    let stepSeconds: Double
    let imagesPerSecond: Double
    let rooflineImagesPerSecond: Double
    let overRoofline: Double
    let exchangeShare: Double
    let otherShare: Double
    let updateSeconds: Double
    let waitSeconds: Double
    let dataSeconds: Double
    let dataShare: Double
    let forwardSeconds: Double
    let blasCore: String
    let kernels: String
    let trainingPrecision: Precision
    let forwardPrecision: Precision
    let forwardImagesPerSecond: Double
    let pageFaultsPerStep: Double
    let peakMemoryBytes: Int
  }
}
