import Options
import Supervision
import System
import Training

extension Safeguards {
  /// Reads the options for the supervision of the run.
  init(_ arguments: Arguments, start: Double) throws(Failure) {
    self.init()
    endTime = arguments[TrainOptions.maxTime].map { start + $0 }
    let most = arguments[TrainOptions.maxRollbacks]
    let goesBack = arguments[TrainOptions.onDivergence] == "rollback"
    guard most == nil || goesBack else {
      throw Failure(.usage, "--max-rollbacks needs --on-divergence rollback.")
    }
    if goesBack { divergence = .rollBack(most: most ?? Self.mostRollbacks) }
    stopsOnStall = arguments[TrainOptions.onStall] == "stop"
    stallSteps = arguments[TrainOptions.stallSteps]
    guard stallSteps == nil || stopsOnStall else {
      throw Failure(.usage, "--stall-steps needs --on-stall stop.")
    }
    if let grace = arguments[TrainOptions.grace] { StopSignals.setGrace(grace) }
    faults = arguments[TrainOptions.inject]
  }

  private static let mostRollbacks = 3
}
