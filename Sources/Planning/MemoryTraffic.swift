import Networks

/// The bytes that a layer moves between cores and memory in a step, where nothing stays in a cache:
/// fixed + perImage x images, forward and backward.
///
/// Forward, a layer reads its weights and inputs and writes its outputs. Backward, it reads its
/// weights, inputs and the outputs' gradients, and writes both gradients. Transformed tiles are
/// made and used in rounds that fit into a core's own cache.
struct MemoryTraffic {
  let fixed: (forward: Double, backward: Double)
  let perImage: (forward: Double, backward: Double)

  /// The update reads weights, velocities and gradients and writes the first two.
  static let updateBytesPerParameter = 20.0

  init(_ shape: LayerShape) {
    let weights = 4 * Double(shape.parameters)
    let inputs = 4 * shape.inputs.reduce(0.0) { $0 + Double($1.count) }
    let outputs = 4 * Double(shape.output.count)
    fixed = (weights, 2 * weights)
    perImage = (inputs + outputs, 2 * inputs + outputs)
  }

  /// - Parameters:
  ///   - way: Forward or backward.
  ///   - images: The images of a replica.
  ///   - parts: The ranks that share the weights.
  /// - Returns: The bytes of a rank.
  func bytes(
    _ way: KeyPath<(forward: Double, backward: Double), Double>, images: Int, parts: Int
  ) -> Double {
    fixed[keyPath: way] / Double(parts) + perImage[keyPath: way] * Double(images)
  }
}
