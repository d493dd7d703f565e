import Data
import Foundation
import MPI
import Options
import System
import Training

/// What `alexnet-train` does without --data: Fashion-MNIST, as d2l.ai trains AlexNet on it.
enum Demonstration {
  /// Whether nothing else is asked for.
  static func isAskedFor(by arguments: Arguments) -> Bool {
    !arguments.has("data") && !arguments.has("classes")
  }

  /// The classes of Fashion-MNIST.
  static let classes = 10
  /// Steps that bring the validation error well below 25 %: less than two thirds of an epoch.
  static let steps = 300

  /// The paper's recipe but for its length: the learning rate is divided by ten once, after four fifths of the
  /// steps.
  static func schedule(steps: Int, batchSize: Int) -> LearningRateSchedule {
    .steps(divisor: 10, epochs: [0.8 * Double(steps) * Double(batchSize) / 60_000])
  }

  /// Fashion-MNIST, prepared once under the user's cache directory.
  static func dataset(_ world: Communicator, side: Int) throws -> Dataset {
    let path = cacheFolder + "/fashion-mnist-\(side)"
    // One rank works, with its own core; the others must not take that from it by waiting.
    if world.rank == 0 && !FileManager.default.fileExists(atPath: path) {
      var settings = PreparationSettings(
        source: try FashionMNIST.installedFolder(), destination: path)
      settings.side = side
      let display = PreparationDisplay(destination: path)
      display.show(try Preparation.run(settings) { display.show($0) })
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
