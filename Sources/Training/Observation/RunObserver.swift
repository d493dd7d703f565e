import AlexNet
import Images
import MPI
import Networks
import System
import TensorBoard
import Towers

/// What is seen of a run from the side: the health of its layers, and TensorBoard's files.
///
/// All ranks have one and call it alike; the first rank's writes.
final class RunObserver {
  private let network: Network
  private let world: Communicator
  private let check: HealthCheck
  private let file: EventFile?
  /// The files that are written: none but in the first rank, and where TensorBoard's were asked for.
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
  /// The step that the layers were looked at after.
  private var lookedAfter: Int?

  /// Makes the observer of a run.
  /// - Parameters:
  ///   - network: What is trained.
  ///   - world: All ranks.
  ///   - learningRate: That of the run's start.
  ///   - folder: Where TensorBoard's files are written; nil for none.
  ///   - firstStep: Steps done before.
  /// - Throws: `Failure` (cannotCreate) if the file cannot be created.
  init(
    _ network: Network, over world: Communicator, learningRate: Double,
    tensorBoard folder: String?, firstStep: Int
  ) throws(Failure) {
    self.network = network
    self.world = world
    check = HealthCheck(network, over: world)
    watch = HealthWatch(learningRate: learningRate)
    writesEvents = folder != nil
    file =
      try world.rank == 0
      ? folder.map { folder throws(Failure) in try EventFile(in: folder, firstStep: firstStep) }
      : nil
  }

  /// Takes note of a training step.
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

  /// Looks at the layers while they still hold the last training batch, before a validation.
  /// - Returns: What metrics.jsonl is to hold, and sentences for the user; nil before the first step, and the second
  ///   time after a step.
  func look(step: Int) throws -> (record: HealthRecord, sentences: [String])? {
    guard hasRun, lookedAfter != step else { return nil }
    lookedAfter = step
    let layers = try check.measure()
    if writesEvents { try writePictures(layers, step: step) }
    return (HealthRecord(step: step, layers: layers), watch.note(layers, step: step))
  }

  /// Takes note of a validation.
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
      try kernels.weights.withUnsafeMutableBufferPointer { try world.allReduce($0, .sum) }
      try kernels.owners.withUnsafeMutableBufferPointer { try world.allReduce($0, .sum) }
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
