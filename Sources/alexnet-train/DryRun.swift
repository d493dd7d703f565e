import Foundation
import Layers
import MPI
import ModelParallel
import Networks
import Planning
import System
import Towers
import Training

/// The output of `--dry-run`: what ranks need and send, the recipe, and the network.
struct DryRun {
  let settings: TrainingSettings
  let placement: Placement
  let parallelism: Parallelism
  /// Whether to show every setting.
  let isVerbose: Bool

  var text: String {
    let record = isVerbose ? ["Settings:\n\(settings.json)\n"] : []
    return (ranks + [settings.recipe.text + "\n"] + record + [shapes]).joined(separator: "\n")
  }

  /// What these ranks need and send; of a process that was started alone, also what a tower a rank
  /// would.
  private var ranks: [String] {
    let own = [
      memory(
        settings.memory(placement, parallelism)),
      exchanges(ranksPerReplica: placement.group.size, replicas: placement.replicas),
    ]
    guard placement.all.size == 1, network.towers > 1 else { return own }
    return ["All \(network.towers) towers in one process:\n"] + own
      + ["Under 'mpirun -np \(network.towers)', a tower a rank:\n"] + [
        memory(
          MemoryEstimate(
            network, owned: 0..<1, batchSize: batch / settings.recipe.parts,
            threadsPerTower: settings.threadsPerTower, algorithm: settings.algorithm,
            precision: settings.layerPrecision)),
        exchanges(ranksPerReplica: network.towers, replicas: 1),
      ]
  }

  private var network: NetworkSpecification { settings.network }
  private var batch: Int { settings.recipe.batchSize }

  private var shapes: String {
    let tower = network.shapes(ofTower: 0)
    let input = "\(network.inputSide)x\(network.inputSide)x3"
    var lines = [
      "\(network.name): \(counted(network.towers, "tower", "towers")), "
        + "\(network.parameterCount) parameters in all; crops of \(input) from images of "
        + "\(network.imageSide)x\(network.imageSide).",
      "Tower 0 (each tower owns a share of every layer's kernels):", "",
      row("layer", "reads", "output", "kernels", "parameters", "MACs / image"),
    ]
    for (number, shape) in tower.enumerated() {
      let reads =
        number == 0
        ? "image"
        : shape.reads.count == 1
          ? "own"
          : shape.reads.count == network.towers
            ? "all towers" : shape.reads.map(String.init).joined(separator: ", ")
      let hasKernels = !shape.kernels.isEmpty
      lines.append(
        row(
          shape.layer.name, reads, "\(shape.output)", hasKernels ? "\(shape.kernels.count)" : "",
          hasKernels ? "\(shape.parameters)" : "", hasKernels ? "\(shape.multiplications)" : ""))
    }
    lines.append(
      row(
        "sum", "", "", "", "\(tower.reduce(0) { $0 + $1.parameters })",
        "\(tower.reduce(0) { $0 + $1.multiplications })"))
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(_ cells: String...) -> String {
    tableLine(
      cells, [.left(8), .left(11), .right(13), .right(8), .right(11), .right(13)], gap: 2)
  }

  private func memory(_ estimate: MemoryEstimate) -> String {
    func mebibytes(_ bytes: Int) -> String { String(format: "%.0f MiB", Double(bytes) / 1_048_576) }
    return """
      Memory of each rank, batch \(batch): \(mebibytes(estimate.total)) \
      (weights \(mebibytes(estimate.parameters)), \
      their gradients and velocities \(mebibytes(estimate.training)), \
      activations \(mebibytes(estimate.activations)), \
      their gradients \(mebibytes(estimate.activationGradients)), \
      images \(mebibytes(estimate.images)), \
      the layers' workspace \(mebibytes(estimate.workspace))), \
      \(mebibytes(estimate.whileSaving - estimate.total)) more while a checkpoint is written; \
      libraries are not counted.

      """
  }

  private func exchanges(ranksPerReplica: Int, replicas: Int) -> String {
    guard ranksPerReplica * replicas > 1 else {
      return "Exchanges: none, all towers are in one process.\n"
    }
    let volume = CommunicationVolume(
      network, ranksPerReplica: ranksPerReplica, replicas: replicas, batchSize: batch,
      scheme: parallelism.scheme, formats: settings.wireFormats,
      smoothsTargets: settings.recipe.labelSmoothing != nil)
    var lines = ["Sent by each rank in a step of \(counted(batch, "image", "images")), in bytes:"]
    if replicas > 1 {
      lines.insert(
        "\(replicas) replicas, fully-connected layers by \(parallelism.scheme).", at: 0)
    }
    for boundary in volume.boundaries {
      switch boundary.name {
      case BoundaryName.softmax: lines.append("  softmax: \(boundary.bytes)")
      case BoundaryName.gradients: lines.append("  gradients of the weights: \(boundary.bytes)")
      case BoundaryName.groupGradients:
        lines.append("  gradients of the fully-connected layers' weights: \(boundary.bytes)")
      default:
        lines.append(
          "  before \(boundary.name): \(boundary.forward) forward, \(boundary.backward) backward")
      }
    }
    return lines.joined(separator: "\n") + "\n  total: \(volume.bytes)\n"
  }
}
