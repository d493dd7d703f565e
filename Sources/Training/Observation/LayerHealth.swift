import Layers
package import MPI
import ModelParallel
import Networks
import TensorBoard
import Tensors
package import Towers

/// The health of a layer with weights: means over all its weights, and over the activations of the
/// last training batch, or of its last part where gradients are accumulated.
package struct LayerHealth: Codable, Equatable, Sendable {
  /// The layer's name, `conv1`.
  package let name: String
  /// The mean of |w|.
  package let weight: Double
  /// The mean of |gradient of the loss with respect to w|.
  package let gradient: Double
  /// The mean of |last update of w|.
  package let update: Double
  /// The mean of |activation| after the ReLU, and after dropout where it follows, which works in the
  /// same memory; nil for the last layer.
  package let activation: Double?
  /// The fraction of dead kernels, whose output was zero in all these images; nil without a ReLU.
  ///
  /// Dropout alone makes a neuron look dead with a probability of p^images.
  package let deadShare: Double?

  package init(
    name: String, weight: Double, gradient: Double, update: Double, activation: Double?,
    deadShare: Double?
  ) {
    self.name = name
    self.weight = weight
    self.gradient = gradient
    self.update = update
    self.activation = activation
    self.deadShare = deadShare
  }
}

/// Measures a network between a training step and the next action.
package struct HealthCheck {
  private let network: Network
  private let world: Communicator

  /// - Parameters:
  ///   - network: The network, of which this rank has a part.
  ///   - world: All ranks that train it.
  package init(_ network: Network, over world: Communicator) {
    self.network = network
    self.world = world
  }

  /// A layer with weights, and the activation that follows it before the next one.
  private struct Place {
    let name: String
    let tensor: String
    var unit: String?
    var isRectifier = false
  }

  private var places: [Place] {
    var places: [Place] = []
    for layer in network.specification.layers {
      if let tensor = layer.tensorName { places.append(Place(name: layer.name, tensor: tensor)) }
      guard layer.traits.role == .activation, let last = places.indices.last,
        places[last].unit == nil
      else { continue }
      places[last].unit = layer.name
      places[last].isRectifier = layer.traits.silencesNegatives
    }
    return places
  }

  /// Measures every layer; all ranks call this together and get the same result.
  /// - Returns: One value for each layer with weights, in order.
  /// - Throws: `MPIError` if a message fails.
  package func measure() throws(MPIError) -> [LayerHealth] {
    // For each layer the sums of |w|, |gradient|, |update| and their number, the sum of the
    // activations and their number, and the numbers of dead kernels and of all kernels.
    let places = places
    let columns = 8
    var sums = [Double](repeating: 0, count: places.count * columns)
    for (number, place) in places.enumerated() {
      let row = number * columns
      for parameter in network.parameters where parameter.name == place.tensor + ".weight" {
        sums[row] += Self.absoluteSum(parameter.value)
        sums[row + 1] += Self.absoluteSum(parameter.gradient)
        sums[row + 2] += Self.absoluteSum(parameter.velocity)
        sums[row + 3] += Double(parameter.value.count)
      }
      for output in place.unit.map(network.outputs) ?? [] {
        var (sum, alive) = Self.look(output)
        sums[row + 4] += sum
        sums[row + 5] += Double(output.images * output.shape.count)
        // A kernel is dead if its output is zero for the images of all replicas.
        try output.peers.allReduce(&alive, .max)
        sums[row + 6] += Double(alive.count { $0 == 0 })
        sums[row + 7] += Double(output.shape.maps)
      }
    }
    try world.allReduce(&sums, .sum)
    return places.enumerated().map { number, place in
      let row = Array(sums[number * columns..<(number + 1) * columns])
      let hasUnit = row[5] > 0
      return LayerHealth(
        name: place.name, weight: row[0] / max(1, row[3]), gradient: row[1] / max(1, row[3]),
        update: row[2] / max(1, row[3]), activation: hasUnit ? row[4] / row[5] : nil,
        deadShare: hasUnit && place.isRectifier ? row[6] / max(1, row[7]) : nil)
    }
  }

  /// The histograms of each layer's weights and activations; all ranks call this together.
  func histograms() throws(MPIError) -> [(
    name: String, weights: HistogramCounts, activations: HistogramCounts?
  )] {
    var result: [(name: String, weights: HistogramCounts, activations: HistogramCounts?)] = []
    for place in places {
      var weights = HistogramCounts()
      for parameter in network.parameters where parameter.name == place.tensor + ".weight" {
        weights.add(UnsafeBufferPointer(parameter.value.elements))
      }
      var activations = HistogramCounts()
      for output in place.unit.map(network.outputs) ?? [] {
        activations.add(
          UnsafeBufferPointer(
            start: output.tensor.pointer, count: output.images * output.shape.count))
      }
      result.append(
        (
          place.name, try weights.added(over: world),
          place.unit == nil ? nil : try activations.added(over: world)
        ))
    }
    return result
  }

  private static func absoluteSum(_ tensor: Tensor) -> Double {
    // In blocks, since single precision cannot count tens of millions exactly.
    var sum = 0.0
    for start in stride(from: 0, to: tensor.count, by: 4096) {
      var part: Float = 0
      for i in start..<min(tensor.count, start + 4096) { part += abs(tensor.pointer[i]) }
      sum += Double(part)
    }
    return sum
  }

  /// The sum of |activation|, and for each map 1 if it is positive anywhere, otherwise 0.
  private static func look(_ output: Network.Output) -> (sum: Double, alive: [Int32]) {
    let shape = output.shape
    var alive = [Int32](repeating: 0, count: shape.maps)
    var sum = 0.0
    for pixel in 0..<output.images * shape.height * shape.width {
      let row = output.tensor.pointer + pixel * shape.maps
      var part: Float = 0
      for map in 0..<shape.maps {
        part += abs(row[map])
        if row[map] > 0 { alive[map] = 1 }
      }
      sum += Double(part)
    }
    return (sum, alive)
  }
}

extension HistogramCounts {
  /// The sum of all ranks' counts, the same on each.
  fileprivate func added(over world: Communicator) throws(MPIError) -> HistogramCounts {
    var all = self
    try world.allReduce(&all.counts, .sum)
    all.sum = try world.allReduce(sum, .sum)
    all.squares = try world.allReduce(squares, .sum)
    all.smallest = try world.allReduce(smallest, .min)
    all.largest = try world.allReduce(largest, .max)
    return all
  }
}
