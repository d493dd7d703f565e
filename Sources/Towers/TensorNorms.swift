package import MPI
import Layers
import ModelParallel
package import System
import Tensors

/// The Euclidean norms of a network's tensors, each over the kernels of all towers.
package struct TensorNorms: Sendable {
  /// What is known of a tensor.
  package struct Squares: Sendable {
    /// The sum of the squares of its gradient.
    package var gradient: Double
    /// The sum of the squares of its values.
    package var value: Double

    /// Remembers both.
    package init(gradient: Double, value: Double) {
      (self.gradient, self.value) = (gradient, value)
    }
  }

  /// The tensors that learn, by name.
  package let tensors: [String: Squares]
  /// The norm of all gradients together.
  package let gradient: Double

  /// Makes them of the tensors in their order.
  package init(_ tensors: [(name: String, squares: Squares)]) {
    self.tensors = Dictionary(uniqueKeysWithValues: tensors)
    gradient = tensors.reduce(0) { $0 + $1.squares.gradient }.squareRoot()
  }
}

extension Network {
  /// The norms of what learns; all ranks call it together.
  ///
  /// A tower's part of a tensor is added up in the same order by any number of threads, and parts
  /// tower by tower: one process and a rank a tower find the same bits.
  /// - Parameter team: The threads that share the work.
  /// - Returns: The norms, the same on every rank.
  /// - Throws: `MPIError` where a message fails.
  package func norms(_ team: ThreadTeam) throws(MPIError) -> TensorNorms {
    var tensors: [(name: String, squares: TensorNorms.Squares)] = []
    for (parameters, placement) in learningParameters {
      var names: [String] = []
      for parameter in parameters where !names.contains(parameter.name) {
        names.append(parameter.name)
      }
      // Each number is some rank's alone and 0 elsewhere, so that the sum over ranks is exact.
      var parts = [Double](repeating: 0, count: 2 * names.count * placement.towers)
      for (name, place) in zip(names, stride(from: 0, to: parts.count, by: 2 * placement.towers)) {
        for (tower, parameter) in zip(placement.owned, parameters.filter { $0.name == name }) {
          parts[place + 2 * tower] = Self.squares(parameter.gradient, team)
          parts[place + 2 * tower + 1] = Self.squares(parameter.value, team)
        }
      }
      if placement.isDistributed {
        try Activity.waiting(for: "norms") { () throws(MPIError) in
          try placement.group.allReduce(&parts, .sum)
        }
      }
      for (number, name) in names.enumerated() {
        var squares = TensorNorms.Squares(gradient: 0, value: 0)
        for tower in 0..<placement.towers {
          squares.gradient += parts[2 * (number * placement.towers + tower)]
          squares.value += parts[2 * (number * placement.towers + tower) + 1]
        }
        tensors.append((name, squares))
      }
    }
    return TensorNorms(tensors)
  }

  /// Numbers that are added up in a row, whoever does it.
  private static let chunk = 1 << 14

  private static func squares(_ tensor: Tensor, _ team: ThreadTeam) -> Double {
    let chunks = (tensor.count + chunk - 1) / chunk
    let sums = team.map(chunks) { number in
      let numbers = tensor.elements[(number * chunk)..<min(tensor.count, (number + 1) * chunk)]
      var lanes = SIMD8<Double>.zero
      var place = numbers.startIndex
      let (start, end) = (tensor.pointer, numbers.endIndex)
      while place + 8 <= end {
        let eight = SIMD8<Double>(
          UnsafeRawPointer(start + place).loadUnaligned(as: SIMD8<Float>.self))
        lanes += eight * eight
        place += 8
      }
      var sum = lanes.sum()
      while place < end {
        sum += Double(start[place]) * Double(start[place])
        place += 1
      }
      return sum
    }
    return sums.reduce(0, +)
  }
}
