import Foundation
import Options
import System
import Training

extension TrainCommand {
  /// What the options ask for beyond the two sources.
  func refine(_ recipe: inout Recipe) throws(Failure) {
    if let word = arguments[TrainOptions.schedule] {
      recipe.schedule = try schedule(word, of: recipe)
      if case .table(let epochs, let rates) = recipe.schedule, epochs[0] == 0 {
        guard !arguments.has(TrainOptions.learningRate) else {
          throw Failure(
            .usage,
            "\(quoted(word)) has the rate from the first epoch on, so --learning-rate would not be "
              + "used; leave one of them out.")
        }
        recipe.learningRate = rates[0]
      }
    }
    func unlessZero<Number: Comparable & Numeric>(_ number: Number?) -> Number? {
      number == 0 ? nil : number
    }
    recipe.warmUp = arguments[TrainOptions.warmUp]
    recipe.balance = arguments[TrainOptions.balance]
    recipe.baseBatch = arguments[TrainOptions.baseBatch]
    let trust = arguments[TrainOptions.trust]
    if arguments[TrainOptions.optimiser] == "lars" {
      recipe.trust = trust ?? 0.001
    } else if trust != nil {
      throw Failure(.usage, "--trust needs --optimiser lars, whose factor it is.")
    }
    recipe.accumulate = arguments[TrainOptions.accumulate].flatMap { $0 == 1 ? nil : $0 }
    guard recipe.batchSize.isMultiple(of: recipe.parts) else {
      throw Failure(
        .usage,
        "--accumulate \(recipe.parts) does not divide the batch of \(recipe.batchSize); give a "
          + "--batch-size that it divides.")
    }
    recipe.clipNorm = arguments[TrainOptions.clipNorm]
    recipe.labelSmoothing = unlessZero(arguments[TrainOptions.labelSmoothing])
  }

  /// The schedule that `--schedule` names; those with a length end with the run's last epoch.
  private func schedule(
    _ word: String, of recipe: Recipe
  ) throws(Failure) -> LearningRateSchedule {
    // The demonstration has a number of steps, and no epochs.
    let epochs =
      isDemonstration && !arguments.has(TrainOptions.epochs)
      ? Demonstration.epochs(steps: steps, batchSize: recipe.batchSize) : nil
    let length = epochs ?? Double(recipe.epochs)
    switch word {
    case "plateau": return Recipe.paper.schedule
    // Caffe's bvlc_alexnet/solver.prototxt: a tenth each 100,000 of 450,000 steps.
    case "step": return .steps(divisor: 10, epochs: (1...4).map { Double($0) * length * 2 / 9 })
    case "cosine": return .cosine(epochs: length)
    default:
      guard FileManager.default.fileExists(atPath: word) else {
        throw Failure(
          .usage,
          "--schedule takes plateau, step, cosine or a file with lines 'EPOCH RATE', and there is no "
            + "file \(quoted(word)).")
      }
      return try LearningRateSchedule(contentsOf: word)
    }
  }
}
