package import Checkpoints
package import Data
package import MPI
package import ModelParallel
import Supervision
import System
package import Towers

/// Runs the learning-rate range test on the ranks of a group; leaves nothing behind.
package final class RateFinder {
  private let steps: StepRunner
  private let world: Communicator
  private let learningRate: Double
  private let team: ThreadTeam

  /// Builds the network as a new run would.
  /// - Parameters:
  ///   - settings: Every setting.
  ///   - dataset: The images.
  ///   - placement: Which ranks have which towers.
  ///   - parallelism: How the ranks share the work.
  ///   - world: All ranks.
  ///   - load: Fills the network with the weights of a file; nil where all layers begin with their
  ///     initial values.
  ///   - threads: The number of threads of this process.
  /// - Throws: `Failure` where the settings and the dataset do not fit together.
  package init(
    _ settings: TrainingSettings, _ dataset: Dataset, _ placement: Placement,
    _ parallelism: Parallelism, _ world: Communicator,
    startingFrom load: ((Network) throws -> StartingPoint)?, threads: Int
  ) throws {
    let network = try Network(settings, for: dataset, placement, parallelism)
    let start = try TrainingStart(network, settings, dataset, resuming: nil, startingFrom: load)
    team = ThreadTeam(count: threads)
    steps = try StepRunner(
      network, settings, from: start.state, dataset, start.preprocessing, team: team,
      faults: { _ in [] })
    self.world = world
    learningRate = settings.recipe.learningRate
  }

  /// Takes the steps of a test.
  /// - Parameters:
  ///   - test: The test, which is to be done.
  ///   - note: Told after each step.
  /// - Returns: The test; nil where a signal has asked to stop.
  /// - Throws: `Failure` if an image cannot be read, `MPIError` if a message fails.
  package func run(
    _ test: RateTest, noting note: (RateTest.Point, _ step: Int) -> Void
  ) throws -> RateTest? {
    var test = test
    while let rate = test.nextRate {
      let asked = StopSignals.current >= .saveAndLeave
      guard try world.allReduce(Int64(asked ? 1 : 0), .max) == 0 else { return nil }
      Activity.begin("between steps", step: test.points.count)
      // The rates of biases that do not follow the schedule grow in the same proportion.
      let outcome = try steps.run(
        step: test.points.count, learningRate: rate, rateFactor: rate / learningRate, epoch: 1)
      let (done, goesOn) = (test.points.count, test.note(loss: outcome.loss))
      if let point = test.points.last, test.points.count > done { note(point, done + 1) }
      guard goesOn else { break }
    }
    return test
  }
}
