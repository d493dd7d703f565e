package import Layers
package import System
import Tensors

/// Stochastic gradient descent with momentum and weight decay, as in the paper's section 5:
/// v <- momentum v - decay rate w - rate g; w <- w + v, with g the gradient of the batch's mean loss.
package struct SGD {
  private let recipe: Recipe
  private let factors: [String: Double]
  private let schedules: [String: [LayerRate]]

  /// Makes the update rule of a recipe.
  /// - Parameters:
  ///   - recipe: The rates and shares.
  ///   - factors: What the learning rate of a parameter is multiplied by, where it is not 1; a parameter of factor 0
  ///     does not change by a bit.
  ///   - schedules: What it is multiplied by besides, epoch by epoch, where a parameter has a schedule of its own.
  package init(
    _ recipe: Recipe, factors: [String: Double] = [:], schedules: [String: [LayerRate]] = [:]
  ) {
    self.recipe = recipe
    self.factors = factors
    self.schedules = schedules
  }

  /// Moves every parameter along its gradient, and looks whether all weights are finite still.
  ///
  /// A gradient or a velocity that is not finite makes its weight so, which is therefore all that is looked at.
  /// - Parameters:
  ///   - parameters: What is learnt.
  ///   - learningRate: That of the weights in this step.
  ///   - epoch: The epoch that the step begins in, counted from 1.
  ///   - team: The threads to share the work.
  /// - Returns: The place in `parameters` of the first with a weight that is not finite; nil for none.
  @discardableResult
  package func update(
    _ parameters: [Parameter], learningRate: Double, epoch: Int = 1, team: ThreadTeam
  ) -> Int? {
    var nonFinite: Int?
    // The largest exponent that each thread has met: a maximum of whole numbers costs next to nothing beside the
    // update, which waits for memory.
    let largest = UnsafeMutablePointer<UInt32>.allocate(capacity: team.count)
    defer { largest.deallocate() }
    for (place, parameter) in parameters.enumerated() {
      let factor =
        (factors[parameter.name] ?? 1)
        * (schedules[parameter.name]?.factor(parameter.role, epoch: epoch) ?? 1)
      // Not even by its decay or by the velocity that it had: it has none from here on.
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

  /// All ones in infinite numbers and in those that are none.
  private static let exponentBits: UInt32 = 0x7F80_0000
}
