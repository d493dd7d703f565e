import AlexNet
import Images
import MPI
import Networks
import System
import TensorBoard
import Towers

/// Observes a run: the health of its layers, and TensorBoard's files.
///
/// All ranks have one and call it alike; only the first rank's writes files.
final class RunObserver {
  private let network: Network
  /// The classes that the network tells apart.
  var classes: Int { network.specification.classes }
  private let world: Communicator
  private let check: HealthCheck
  private let file: EventFile?
  /// The files that it writes: only in the first rank, and only if TensorBoard's files were
  /// requested.
  var files: [KeptFile] {
    file.map { file in
      let name = file.path.split(separator: "/").last ?? ""
      return [
        KeptFile(name: "\(RunDirectory.Name.tensorBoard)/\(name)", descriptor: file.descriptor)
      ]
    } ?? []
  }
  private let writesEvents: Bool
  private var watch: HealthWatch
  private var hasRun = false
  /// The step after which the layers were last measured.
  private var lookedAfter: Int?

  /// - Parameters:
  ///   - network: The network that is trained.
  ///   - world: All ranks.
  ///   - remedies: The run's advice.
  ///   - folder: The folder for TensorBoard's files; nil for none.
  ///   - firstStep: The number of steps done before.
  /// - Throws: `Failure` (cannotCreate) if the file cannot be created.
  init(
    _ network: Network, over world: Communicator, remedies: Remedies,
    tensorBoard folder: String?, firstStep: Int
  ) throws(Failure) {
    self.network = network
    self.world = world
    check = HealthCheck(network, over: world)
    watch = HealthWatch(remedies)
    writesEvents = folder != nil
    file =
      try world.rank == 0
      ? folder.map { folder throws(Failure) in try EventFile(in: folder, firstStep: firstStep) }
      : nil
  }

  /// Forgets what was seen after a step, as a run does that is resumed there.
  /// - Throws: `Failure` (inputOutput) if the file cannot be written.
  func goBack(to step: Int) throws(Failure) {
    (hasRun, lookedAfter) = (false, nil)
    try file?.restart(after: step)
  }

  /// Records a training step.
  func note(_ record: StepRecord, images: Int) throws(Failure) {
    hasRun = true
    try file?.write(
      [
        .scalar("training/loss", record.loss),
        .scalar("training/top-1 error", record.trainingError),
        .scalar("training/learning rate", record.learningRate),
        .scalar("speed/images per second", Double(images) / max(record.seconds, 1e-9)),
        .scalar("speed/exchange share", record.exchangeSeconds / max(record.seconds, 1e-9)),
        .scalar("speed/data wait share", record.dataWaitSeconds / max(record.seconds, 1e-9)),
      ], step: record.step)
  }

  /// Measures the layers before a validation, while they still hold the last training batch.
  /// - Returns: The record for metrics.jsonl, and sentences for the user; nil before the first
  ///   step, and at the second call after a step.
  func look(step: Int) throws -> (record: HealthRecord, sentences: [String])? {
    guard hasRun, lookedAfter != step else { return nil }
    lookedAfter = step
    let layers = try check.measure()
    if writesEvents { try writePictures(layers, step: step) }
    return (HealthRecord(step: step, layers: layers), watch.note(layers, step: step))
  }

  /// Records a validation.
  func note(_ record: ValidationRecord) throws(Failure) {
    try file?.write(
      [
        .scalar("validation/loss", record.loss),
        .scalar("validation/top-1 error", record.top1Error),
        .scalar("validation/top-5 error", record.top5Error),
      ], step: record.step)
  }

  private func writePictures(_ layers: [LayerHealth], step: Int) throws {
    var values: [Summary] = []
    for layer in layers {
      values += [
        .scalar("weights/\(layer.name) mean", layer.weight),
        .scalar("gradients/\(layer.name) mean", layer.gradient),
        .scalar("updates/\(layer.name) mean", layer.update),
      ]
      if let share = layer.deadShare { values.append(.scalar("dead/\(layer.name)", share)) }
    }
    for (name, weights, activations) in try check.histograms() {
      values.append(.histogram("weights/\(name)", weights))
      if let activations { values.append(.histogram("activations/\(name)", activations)) }
    }
    if var kernels = FirstKernels(of: network) {
      try world.allReduce(&kernels.weights, .sum)
      try world.allReduce(&kernels.owners, .sum)
      let picture = kernels.picture(towers: network.specification.towers)
      values.append(
        .image(
          "kernels/\(network.specification.layers[0].name)",
          png: PNGFile.encoded(picture.pixels, width: picture.width, height: picture.height),
          width: picture.width, height: picture.height))
    }
    try file?.write(values, step: step)
  }
}
