import Data
import Foundation
import MPI
import System
import Training

/// What `alexnet-train` does without --data: it trains on Fashion-MNIST, as d2l.ai trains AlexNet.
enum Demonstration {
  /// The classes of Fashion-MNIST.
  static let classes = 10
  /// Enough steps for a validation error well below 25 %: less than two thirds of an epoch.
  static let steps = 300

  /// The schedule of a short run: the learning rate is divided by ten once, after four fifths of
  /// the steps.
  static func schedule(steps: Int, batchSize: Int) -> LearningRateSchedule {
    .steps(divisor: 10, epochs: [0.8 * Double(steps) * Double(batchSize) / 60_000])
  }

  /// The epochs that so many steps are; nil where their number has no limit.
  static func epochs(steps: Int?, batchSize: Int) -> Double? {
    steps.map { Double($0) * Double(batchSize) / 60_000 }
  }

  /// Fashion-MNIST, prepared once in the user's cache directory.
  static func dataset(_ world: Communicator, side: Int) throws -> Dataset {
    let path = cacheFolder + "/fashion-mnist-\(side)"
    // Only one rank works; the others must not use its core for waiting.
    if world.rank == 0 && FileStatus(path) == nil {
      var settings = PreparationSettings(
        source: try FashionMNIST.installedFolder(), destination: path)
      settings.side = side
      let display = PreparationDisplay(destination: path)
      do throws(Failure) {
        display.show(try Preparation.run(settings) { display.show($0) })
      } catch {
        guard error.exitCode == .cannotCreate else { throw error }
        throw Failure(
          .cannotCreate,
          error.message + " Without --data, Fashion-MNIST is prepared there; set XDG_CACHE_HOME to "
            + "a folder that you may write to, or give --data.")
      }
    }
    try world.sleepingBarrier()
    return try Dataset(opening: path)
  }

  /// `$XDG_CACHE_HOME/alexnet-train`, by default in `~/.cache`.
  private static var cacheFolder: String {
    let environment = ProcessInfo.processInfo.environment
    let base = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    return (base ?? NSHomeDirectory() + "/.cache") + "/alexnet-train"
  }
}
