import Checkpoints
import Data
import Safetensors
import Towers

/// What a run begins with: a checkpoint's weights and state, the weights of a file, or initial
/// ones.
struct TrainingStart {
  /// Where the run is.
  var state: TrainingState
  /// How the network reads pictures.
  let preprocessing: Preprocessing
  /// Sentences about what becomes of the layers, and about the weights of a file.
  let notices: [String]

  /// Fills the network.
  /// - Parameters:
  ///   - network: What is filled; a new run's has its initial values.
  ///   - settings: Every setting.
  ///   - dataset: The images.
  ///   - checkpoint: Where to go on from; nil for a new run.
  ///   - load: Fills a new run's network with the weights of a file; nil where all layers have
  ///     their initial values.
  /// - Throws: `Failure` where the settings, the dataset or the checkpoint do not fit together.
  init(
    _ network: Network, _ settings: TrainingSettings, _ dataset: Dataset,
    resuming checkpoint: SafetensorsFile?, startingFrom load: ((Network) throws -> StartingPoint)?
  ) throws {
    let tuning = [
      settings.fineTuning?.sentence(of: settings.network, isNew: checkpoint == nil)
    ].compactMap(\.self)
    var preprocessing: Preprocessing
    if let checkpoint {
      state = try Checkpoint.describe(checkpoint).state
      try Checkpoint.load(checkpoint, into: network)
      preprocessing = try NetworkFile(checkpoint).preprocessing
      notices = tuning
    } else {
      state = TrainingState()
      let beginning = try load?(network)
      notices = tuning + (beginning?.notices ?? [])
      preprocessing =
        beginning?.preprocessing
        ?? Preprocessing(
          for: settings.network, classNames: dataset.classNames, mean: dataset.mean)
      preprocessing.resizing = dataset.resizing
    }
    // As it is trained, whatever the file says that the weights are from.
    preprocessing.meanPlace = settings.recipe.augmentation.meanPlace
    self.preprocessing = preprocessing
  }
}
