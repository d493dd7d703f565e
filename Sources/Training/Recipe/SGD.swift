package import Layers
package import System
import Tensors

/// Stochastic gradient descent with momentum and weight decay, as in the paper's section 5.
///
/// v <- momentum v - decay rate w - rate g; w <- w + v, with g the gradient of the batch's mean
/// loss.
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
  ///   - team: The threads to use.
  /// - Returns: The index in `parameters` of the first with a weight that is not finite; nil if
  ///   there is none.
  @discardableResult
  package func update(
    _ parameters: [Parameter], learningRate: Double, epoch: Int = 1, team: ThreadTeam
  ) -> Int? {
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
      let base = isWeight || recipe.biasesAnneal ? learningRate : recipe.learningRate
      let rate = Float(factor * (isWeight ? base : base * recipe.biasLearningRateFactor))
      let decay = isWeight || recipe.biasesDecay ? rate * Float(recipe.weightDecay) : 0
      let momentum = Float(recipe.momentum)
      team.split(parameter.value.count) { range, member in
        let w = parameter.value.pointer + range.lowerBound
        let v = parameter.velocity.pointer + range.lowerBound
        let g = parameter.gradient.pointer + range.lowerBound
        var exponent: UInt32 = 0
        for i in 0..<range.count {
          let velocity = momentum * v[i] - decay * w[i] - rate * g[i]
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

  /// All ones in infinite numbers and NaN.
  private static let exponentBits: UInt32 = 0x7F80_0000
}
