import Foundation
import Networks
package import Report
import Safetensors
package import System
import Training

/// The kernels of a network's first layer, measured.
package struct KernelMeasures {
  /// Weights, kernels x 3 x side x side.
  private let weights: [Float]
  private let side: Int
  /// The kernels of each tower.
  package let towers: [Range<Int>]

  package init(weights: [Float], side: Int, towers: Int) {
    self.weights = weights
    self.side = side
    let count = weights.count / (3 * side * side)
    self.towers = (0..<towers).map { evenSplit(count, part: $0, of: towers) }
  }

  /// Reads the kernels of a run's newest checkpoint.
  /// - Throws: `Failure` where there is none, or its first layer is no convolution.
  package init(_ run: RunMetrics) throws(Failure) {
    let network = run.settings.network
    guard case .convolution(let layer)? = network.layers.first else {
      throw Failure(.usage, "The network's first layer is no convolution; choose another.")
    }
    let file = try SafetensorsFile(
      opening: try RunDirectory.checkpoint(named: run.directory.path))
    let side = layer.window.size
    let entry = try file.entry(
      layer.tensorName + ".weight", .float32, shape: [layer.kernels, 3, side, side])
    var weights = [Float](repeating: 0, count: entry.count)
    try weights.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try file.read(entry, into: buffer)
    }
    self.init(weights: weights, side: side, towers: network.towers)
  }

  private var kernels: Range<Int> { 0..<(towers.last?.upperBound ?? 0) }

  private func weight(_ kernel: Int, _ colour: Int, _ place: Int) -> Double {
    Double(weights[(kernel * 3 + colour) * side * side + place])
  }

  /// A kernel's mean over the colours.
  private func grey(_ kernel: Int, _ place: Int) -> Double {
    (0..<3).reduce(0) { $0 + weight(kernel, $1, place) } / 3
  }

  /// For each kernel, the part of its squared weights that is not grey: 0 where its colours are
  /// equal, 1 where they add up to 0.
  package var colourShares: [Double] {
    kernels.map { kernel in
      var (all, apart) = (0.0, 0.0)
      for place in 0..<side * side {
        let grey = grey(kernel, place)
        for colour in 0..<3 {
          let weight = weight(kernel, colour, place)
          all += weight * weight
          apart += (weight - grey) * (weight - grey)
        }
      }
      return all > 0 ? apart / all : 0
    }
  }

  /// For each kernel, how much the power of its grey part lies in one direction: 1 for a grating, 0
  /// where all directions are alike.
  package var orientations: [Double] {
    let half = (side - 1) / 2
    return kernels.map { kernel in
      var (power, along, across) = (0.0, 0.0, 0.0)
      // Frequencies below half a cycle a pixel; opposite ones are alike. The constant has none.
      for v in 0...half {
        for u in -half...half where v > 0 || u > 0 {
          var (real, imaginary) = (0.0, 0.0)
          for y in 0..<side {
            for x in 0..<side {
              let phase = 2 * Double.pi * Double(u * x + v * y) / Double(side)
              let value = grey(kernel, y * side + x)
              real += value * cos(phase)
              imaginary += value * sin(phase)
            }
          }
          let energy = real * real + imaginary * imaginary
          let angle = 2 * atan2(Double(v), Double(u))
          power += energy
          along += energy * cos(angle)
          across += energy * sin(angle)
        }
      }
      return power > 0 ? (along * along + across * across).squareRoot() / power : 0
    }
  }

  /// The mean of a measure over a tower's kernels.
  package func mean(_ measure: [Double], ofTower tower: Int) -> Double {
    Sample(Array(measure[towers[tower]])).mean
  }

  /// How far the two towers' means are apart; 0 for another number of towers.
  package func distance(_ measure: [Double]) -> Double {
    guard towers.count == 2 else { return 0 }
    return abs(mean(measure, ofTower: 0) - mean(measure, ofTower: 1))
  }

  /// What random divisions of the kernels into towers give.
  /// - Parameters:
  ///   - measure: A number for each kernel.
  ///   - count: How many divisions.
  /// - Returns: The share of divisions whose towers are as far apart or farther, among them the one
  ///   that there is, so that it is never 0; and how far they are apart in the mean.
  package func divisions(_ measure: [Double], count: Int = 10_000) -> (chance: Double, mean: Double)
  {
    let own = distance(measure)
    var random = SplitMix(state: 1)
    var shuffled = measure
    let distances = (0..<count).map { _ in
      shuffled.shuffle(using: &random)
      return distance(shuffled)
    }
    // Equal but for rounding counts.
    let far = distances.count { $0 >= own * (1 - 1e-12) }
    return (Double(far + 1) / Double(count + 1), Sample(distances).mean)
  }
}

/// SplitMix64: the same divisions each time.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
