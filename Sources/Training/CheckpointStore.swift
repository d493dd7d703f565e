import AlexNet
import MPI
import ModelParallel

/// The checkpoints of a run: writes them, and keeps the newest.
final class CheckpointStore {
  private let run: RunDirectory
  private let network: Network
  private let settings: TrainingSettings
  private let preprocessing: Preprocessing
  /// Steps that the newest checkpoint holds; nil before the first.
  private(set) var newest: Int?

  /// Makes the store of a run.
  /// - Parameters:
  ///   - run: The run's folder.
  ///   - network: What is saved.
  ///   - settings: What every checkpoint carries.
  ///   - preprocessing: Likewise.
  ///   - newest: The steps of the checkpoint that the run goes on from.
  init(
    _ run: RunDirectory, network: Network, settings: TrainingSettings,
    preprocessing: Preprocessing, newest: Int?
  ) {
    self.run = run
    self.network = network
    self.settings = settings
    self.preprocessing = preprocessing
    self.newest = newest
  }

  /// Saves the network as it is; all ranks call it together.
  func save(_ state: TrainingState) throws {
    try Checkpoint.save(
      network, settings: settings, state: state, preprocessing: preprocessing,
      to: run.checkpoint(afterSteps: state.step))
    newest = state.step
    if network.placement.isFirst { run.prune(keeping: settings.keptCheckpoints) }
  }
}
