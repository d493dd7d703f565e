import Options
import Supervision
import System
import Training

extension Safeguards {
  /// Takes what a run records of its supervision, and the options for this start of it.
  init(_ settings: TrainingSettings, _ arguments: Arguments, start: Double) throws(Failure) {
    self.init()
    endTime = arguments[TrainOptions.maxTime].map { start + $0 }
    let goesBack = settings.onDivergence == .rollback
    guard goesBack || !arguments.has(RecordedOptions.maxRollbacks) else {
      throw Failure(.usage, "--max-rollbacks needs --on-divergence rollback.")
    }
    if goesBack { divergence = .rollBack(most: settings.maxRollbacks ?? Self.mostRollbacks) }
    stopsOnStall = settings.onStall == .stop
    stallSteps = settings.stallSteps
    guard stopsOnStall || !arguments.has(RecordedOptions.stallSteps) else {
      throw Failure(.usage, "--stall-steps needs --on-stall stop.")
    }
    if let grace = arguments[TrainOptions.grace] { StopSignals.setGrace(grace) }
    faults = arguments[TrainOptions.inject]
  }
}
