package import Layers
package import System
import Tensors
package import Towers

/// Stochastic gradient descent with momentum and weight decay, as in the paper's section 5.
///
/// v <- momentum v - decay rate w - rate g; w <- w + v, with g the gradient of the batch's mean
/// loss. Where it is clipped (Pascanu, Mikolov and Bengio 2013), g <- g min(1, clip / |g|) with the
/// norm over all that learns. With LARS (You, Gitman and Ginsburg 2017) the rate of each layer is
/// multiplied by trust |w| / (|g| + decay |w|), with w its weights: its biases have the same rate,
/// for the rates that weights need then would be far too large for them.
package struct SGD {
  private let recipe: Recipe
  private let factors: [String: Double]
  private let schedules: [String: [LayerRate]]

  /// Makes the update rule of a recipe.
  /// - Parameters:
  ///   - recipe: The recipe with the coefficients.
  ///   - factors: The factors of the parameters' learning rates, if not 1; a parameter with factor
  ///     0 does not change by a single bit.
  ///   - schedules: Additional factors by epoch, for parameters with their own schedule.
  package init(
    _ recipe: Recipe, factors: [String: Double] = [:], schedules: [String: [LayerRate]] = [:]
  ) {
    self.recipe = recipe
    self.factors = factors
    self.schedules = schedules
  }

  /// Updates every parameter, and checks that all weights are finite.
  ///
  /// A gradient or velocity that is not finite makes its weight so; therefore only the weights are
  /// checked.
  /// - Parameters:
  ///   - parameters: The parameters to update.
  ///   - learningRate: The weights' learning rate in this step.
  ///   - epoch: The epoch that the step begins in, counted from 1.
  ///   - rateFactor: What warm-up and the like leave of rates that do not follow the schedule.
  ///   - norms: The norms of what learns, where `needsNorms`.
  ///   - team: The threads to use.
  /// - Returns: The index in `parameters` of the first with a weight that is not finite; nil if
  ///   there is none.
  @discardableResult
  package func update(
    _ parameters: [Parameter], learningRate: Double, epoch: Int = 1, rateFactor: Double = 1,
    norms: TensorNorms? = nil, team: ThreadTeam
  ) -> Int? {
    let clip = clipFactor(norms)
    var nonFinite: Int?
    // The largest exponent that each thread has seen: an integer maximum costs almost nothing next
    // to the update, which is limited by memory.
    let largest = UnsafeMutablePointer<UInt32>.allocate(capacity: team.count)
    defer { largest.deallocate() }
    for (place, parameter) in parameters.enumerated() {
      let factor =
        (factors[parameter.name] ?? 1)
        * (schedules[parameter.name]?.factor(parameter.role, epoch: epoch) ?? 1)
      // Frozen: no weight decay either, and its velocity becomes zero.
      guard factor > 0 else {
        parameter.velocity.fill(0)
        continue
      }
      largest.update(repeating: 0, count: team.count)
      let isWeight = parameter.role == .weight
      let base =
        isWeight || recipe.biasesAnneal ? learningRate : recipe.learningRate * rateFactor
      let local = localFactor(norms?.tensors[weights(of: parameter)], clip)
      let rate = Float(
        factor * local * (isWeight ? base : base * recipe.biasLearningRateFactor))
      let gradientRate = clip == 1 ? rate : Float(Double(rate) * clip)
      let decay = isWeight || recipe.biasesDecay ? rate * Float(recipe.weightDecay) : 0
      let momentum = Float(recipe.momentum)
      team.split(parameter.value.count) { range, member in
        let w = parameter.value.pointer + range.lowerBound
        let v = parameter.velocity.pointer + range.lowerBound
        let g = parameter.gradient.pointer + range.lowerBound
        var exponent: UInt32 = 0
        for i in 0..<range.count {
          let velocity = momentum * v[i] - decay * w[i] - gradientRate * g[i]
          v[i] = velocity
          let weight = w[i] + velocity
          w[i] = weight
          exponent = max(exponent, weight.bitPattern & Self.exponentBits)
        }
        largest[member] = exponent
      }
      parameter.noteChange()
      if nonFinite == nil, (0..<team.count).contains(where: { largest[$0] == Self.exponentBits }) {
        nonFinite = place
      }
    }
    return nonFinite
  }

  /// Whether a step needs the norms of what learns.
  package var needsNorms: Bool { recipe.clipNorm != nil || recipe.trust != nil }

  /// The name of the weights of a parameter's layer.
  private func weights(of parameter: Parameter) -> String {
    guard parameter.role != .weight, parameter.name.hasSuffix(".bias") else {
      return parameter.name
    }
    return parameter.name.dropLast("bias".count) + "weight"
  }

  /// LARS's factor of a layer; 1 where there is nothing to compare, as of weights that are all zero.
  private func localFactor(_ squares: TensorNorms.Squares?, _ clip: Double) -> Double {
    guard let trust = recipe.trust, let squares, squares.value > 0, squares.gradient > 0 else {
      return 1
    }
    let (value, gradient) = (squares.value.squareRoot(), squares.gradient.squareRoot() * clip)
    return trust * value / (gradient + recipe.weightDecay * value)
  }

  /// By what gradients are multiplied; one that is not finite is left alone, to show itself.
  private func clipFactor(_ norms: TensorNorms?) -> Double {
    guard let most = recipe.clipNorm, let norm = norms?.gradient, norm.isFinite, norm > most else {
      return 1
    }
    return most / norm
  }

  /// All ones in infinite numbers and NaN.
  private static let exponentBits: UInt32 = 0x7F80_0000
}
