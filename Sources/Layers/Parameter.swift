package import Tensors

/// What a layer learns: the weights or the biases of one tower's kernels.
///
/// The value, its gradient and its velocity are stored in the order that is fastest for the layer.
/// The *canonical* order is PyTorch's: kernels x input maps x height x width, input maps of all
/// towers in a row; a tower owns a contiguous range of its kernels.
package final class Parameter: @unchecked Sendable {
  /// Whether decay and learning rate are those of weights or of biases.
  package enum Role: Sendable {
    /// A kernel's weights.
    case weight
    /// A kernel's bias.
    case bias
  }

  /// The tensor's name in files, `features.0.weight`.
  package let name: String
  /// Weights or biases.
  package let role: Role
  /// The tower's kernels, as numbers among those of the whole network.
  package let kernels: Range<Int>
  /// The kernels of the whole network.
  package let kernelCount: Int
  /// The order in memory.
  package let layout: ParameterLayout
  /// The standard deviation of the initial values, N(mean, deviation^2).
  package let initialDeviation: Double
  /// The mean of the initial values.
  package let initialMean: Double

  /// The values; whoever changes them calls `noteChange`.
  package let value: Tensor
  /// The gradient of the batch's mean loss by the values; empty in a network that is not trained.
  package let gradient: Tensor
  /// The momentum variable v of the update rule; empty in a network that is not trained.
  package let velocity: Tensor

  /// Makes a parameter of zeros.
  /// - Parameters:
  ///   - name: The tensor's name in files.
  ///   - role: Weights or biases.
  ///   - kernels: The tower's kernels, as numbers among those of the whole network.
  ///   - kernelCount: The kernels of the whole network.
  ///   - layout: The order in memory.
  ///   - initialDeviation: The standard deviation of the initial values.
  ///   - initialMean: The mean of the initial values.
  ///   - isTrained: Whether there are a gradient and a velocity.
  package init(
    name: String, role: Role, kernels: Range<Int>, kernelCount: Int, layout: ParameterLayout,
    initialDeviation: Double, initialMean: Double, isTrained: Bool
  ) {
    precondition(layout.kernels == kernels.count, "The layout must cover the parameter's kernels.")
    self.name = name
    self.role = role
    self.kernels = kernels
    self.kernelCount = kernelCount
    self.layout = layout
    self.initialDeviation = initialDeviation
    self.initialMean = initialMean
    value = Tensor(layout.count)
    gradient = Tensor(isTrained ? layout.count : 0)
    velocity = Tensor(isTrained ? layout.count : 0)
  }

  /// The gradient of the parts of the batch that have passed; made where there are several.
  private var sum: Tensor?

  /// Adds the gradient of a part of the batch to that of the parts before it; after the last part
  /// `gradient` is that of the whole batch.
  ///
  /// In the order of the parts, as replicas add up theirs.
  package func accumulate(_ pass: Pass) {
    guard pass.parts > 1 else { return }
    let sum = self.sum ?? Tensor(gradient.count)
    self.sum = sum
    guard pass.part > 0 else { return sum.copy(from: gradient) }
    let (total, own) = (sum.pointer, gradient.pointer)
    let target = pass.isLastPart ? own : total
    for i in 0..<gradient.count { target[i] = total[i] + own[i] }
  }

  /// How often the values have changed: what was computed from them is stale under another number.
  package private(set) var version = 0

  /// Makes what was computed from the values stale.
  package func noteChange() { version += 1 }

  /// The lengths of the whole network's tensor in canonical order, `[96, 3, 11, 11]`.
  package var canonicalShape: [Int] {
    [kernelCount] + (role == .bias ? [] : layout.canonicalKernelShape)
  }

  /// Fills the values with N(mean, deviation^2).
  ///
  /// Each number depends on the seed, the tensor's name and its position in the whole network's
  /// tensor alone, so the network is the same however it is split.
  package func initialize(seed: UInt64) {
    defer { noteChange() }
    guard initialDeviation > 0 else { return value.fill(Float(initialMean)) }
    let random = Philox(seed: seed, purpose: Self.purpose(of: name))
    let length = layout.kernelLength
    let row = Tensor(length)
    for kernel in kernels {
      var normals = SIMD4<Double>()
      var block = -1
      for element in 0..<length {
        let position = kernel * length + element
        if position >> 2 != block {
          block = position >> 2
          normals = random.normals(0, UInt64(block))
        }
        row.pointer[element] = Float(initialMean + initialDeviation * normals[position & 3])
      }
      layout.setKernel(kernel - kernels.lowerBound, of: value, from: row.pointer)
    }
  }

  /// A purpose for the random numbers of whatever has a name: FNV-1a of the name.
  package static func purpose(of name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
