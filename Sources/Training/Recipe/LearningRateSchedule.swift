import Foundation
import System

/// How the learning rate falls.
package enum LearningRateSchedule: Codable, Equatable, Sendable {
  /// Divided by `divisor` at each plateau.
  ///
  /// A plateau is when the validation error (top-1) has not fallen by `threshold` percentage points
  /// below its best for `patience` validations in a row. Training ends at the plateau after the
  /// last reduction. The paper did this by hand, dividing by 10 three times.
  case plateau(divisor: Double, reductions: Int, patience: Int, threshold: Double)
  /// Divided when these numbers of epochs are done.
  case steps(divisor: Double, epochs: [Double])
  /// Divided at the beginning of each of these epochs; epochs count from 1.
  case epochs(divisor: Double, from: [Int])
  /// Half a cosine from the initial rate down to 0 after so many epochs (Loshchilov and Hutter
  /// 2017, without restarts).
  case cosine(epochs: Double)
  /// These rates from these numbers of epochs done on, and the initial rate before the first.
  case table(epochs: [Double], rates: [Double])
  /// Constant.
  case constant
}

extension LearningRateSchedule {
  /// The word by which `--schedule` names it; nil where there is none.
  package var word: String? {
    switch self {
    case .plateau: "plateau"
    case .cosine: "cosine"
    case .steps: "step"
    case .epochs, .table, .constant: nil
    }
  }
}

/// The state of a run's schedule; saved in every checkpoint.
package struct ScheduleState: Codable, Equatable, Sendable {
  /// How many plateaus have divided the learning rate.
  package private(set) var reductions = 0
  /// The lowest validation error (top-1, percent) so far.
  package private(set) var bestError: Double?
  /// The number of validations since then.
  package private(set) var validationsSinceBest = 0
  /// Whether the last plateau has been reached.
  package private(set) var isFinished = false

  /// After this many reductions, no learning rate is left.
  static let mostReductions = 1000

  /// The state at the start of a run.
  package init() {}

  /// The learning rate of the weights.
  ///
  /// - Parameters:
  ///   - initial: The learning rate at the start.
  ///   - schedule: How it falls.
  ///   - epoch: Epochs done, with a fraction.
  /// - Returns: The initial rate, divided as often as the schedule says.
  package func learningRate(
    initial: Double, _ schedule: LearningRateSchedule, epoch: Double
  ) -> Double {
    switch schedule {
    case .plateau(let divisor, _, _, _): divide(initial, by: divisor, times: reductions)
    case .steps(let divisor, let epochs):
      divide(initial, by: divisor, times: epochs.count { epoch >= $0 })
    case .epochs(let divisor, let first):
      divide(initial, by: divisor, times: first.count { epoch >= Double($0 - 1) })
    case .cosine(let epochs): initial * (1 + cos(.pi * min(1, epoch / epochs))) / 2
    case .table(let epochs, let rates):
      epochs.lastIndex { epoch >= $0 }.map { rates[$0] } ?? initial
    case .constant: initial
    }
  }

  private func divide(_ number: Double, by divisor: Double, times: Int) -> Double {
    (0..<times).reduce(number) { result, _ in result / divisor }.asWritten
  }

  /// Records a validation.
  /// - Parameters:
  ///   - error: The top-1 error in percent.
  ///   - schedule: How the learning rate falls.
  ///   - isAtChance: Whether the network knows nothing yet: a plateau there is none of a network
  ///     that has learnt what it can, and a smaller rate would only make it stay.
  /// - Returns: Whether the learning rate falls now.
  package mutating func note(
    error: Double, _ schedule: LearningRateSchedule, isAtChance: Bool = false
  ) -> Bool {
    var threshold = 0.0
    if case .plateau(_, _, _, let points) = schedule { threshold = points }
    if let bestError, error > bestError - threshold {
      validationsSinceBest += isAtChance ? 0 : 1
    } else {
      validationsSinceBest = 0
      bestError = error
    }
    guard case .plateau(_, let most, let patience, _) = schedule, !isAtChance,
      validationsSinceBest >= patience
    else { return false }
    validationsSinceBest = 0
    guard reductions < most else {
      isFinished = true
      return false
    }
    reductions += 1
    return true
  }
}
