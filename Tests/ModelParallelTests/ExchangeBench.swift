import Layers
import ModelParallel
import Networks
import Tensors
import TestSupport

/// An exchange between the towers of a placement, filled with small whole numbers.
///
/// Every process knows the numbers of all towers, so that each can tell what it should receive.
struct ExchangeBench {
  let exchange: Exchange
  let placement: Placement
  let shapes: [MapShape]
  let pass: Pass
  let capacity: Int

  init(
    _ placement: Placement, shapes: [MapShape], images: Int, capacity: Int, tag: Int = 3,
    parts: Int = 1, formats: WireFormats = WireFormats()
  ) {
    self.placement = placement
    self.shapes = shapes
    self.capacity = capacity
    pass = Pass(images: images, isTraining: true)
    exchange = Exchange(
      name: "conv3", shapes: shapes, placement: placement, batchSize: capacity, tag: tag,
      parts: parts, isTrained: true, formats: formats)
  }

  /// A tower's maps.
  func maps(_ tower: Int) -> [Float] { numbers(tower, seed: 100 + tower) }

  /// The gradient that a tower found for another's (or its own) maps.
  func gradient(of reader: Int, for tower: Int) -> [Float] {
    numbers(tower, seed: 1000 + 10 * reader + tower)
  }

  private func numbers(_ tower: Int, seed: Int) -> [Float] {
    var random = SmallRandom(UInt64(seed))
    return random.integers(pass.images * shapes[tower].count)
  }

  private func tensor(_ values: [Float], _ tower: Int) -> Tensor {
    Tensor([capacity, shapes[tower].count], values: values, then: .nan)
  }

  /// What this process's towers see of every tower's maps.
  func gathered() throws -> [[Float]] {
    try exchange.forward(placement.owned.map { tensor(maps($0), $0) }, pass)
    return shapes.indices.map {
      exchange.maps(of: $0).values(pass.images * shapes[$0].count)
    }
  }

  /// The gradients of this process's towers after the reduce-scatter.
  ///
  /// `gathered` comes before.
  func reduced() throws -> [[Float]] {
    for reader in placement.owned {
      for tower in shapes.indices where tower != reader {
        exchange.contribution(of: reader, to: tower).set(gradient(of: reader, for: tower))
      }
    }
    let gradients = placement.owned.map { tensor(gradient(of: $0, for: $0), $0) }
    try exchange.backward(into: gradients, pass)
    return zip(gradients, placement.owned).map { $0.values(pass.images * shapes[$1].count) }
  }

  /// This process's part of <Gx, y> and of <x, G*y>: y are the gradients of all readers.
  func adjoint() throws -> (forward: Double, backward: Double) {
    let maps = try gathered()
    var forward = 0.0
    for reader in placement.owned {
      for tower in shapes.indices {
        forward += dot(maps[tower], gradient(of: reader, for: tower))
      }
    }
    let backward = try zip(placement.owned, reduced()).reduce(0) {
      $0 + dot(self.maps($1.0), $1.1)
    }
    return (forward, backward)
  }
}
