import Layers
import MPI
import ModelParallel
import Tensors

/// An exchange of the batch, and what its reader computes while the messages travel: forward the
/// images that are here, backward the gradients by its weights.
extension Section {
  /// Returns the pass of the group's images, which the stages behind this one see.
  func forward(_ stage: BatchExchangeStage, _ x: [Tensor], _ pass: Pass) throws(MPIError) -> Pass {
    let exchange = stage.exchange
    try exchange.forward(x, pass) { images, towersRead in
      guard !images.isEmpty else { return }
      let some = Pass(images: images.count, isTraining: pass.isTraining, step: pass.step)
      for tower in towers {
        for position in towersRead {
          let read = exchange.towers[position]
          tower.forward(
            layer: stage.reader, maps: Tensor(exchange.maps(of: read), rows: images),
            InputSlice(
              index: read, isFirst: position == 0, isLast: position == exchange.towers.count - 1),
            rows: images, some)
        }
      }
    }
    return exchange.whole(pass)
  }

  func backward(
    _ stage: BatchExchangeStage, into dx: [Tensor], _ pass: Pass
  ) throws(MPIError) {
    guard towers[0].passesOn(stage.reader) else { return parameterGradients(stage, pass) }
    try stage.exchange.backward(
      into: dx,
      finding: { images, towersRead in inputGradient(stage, images, towersRead, pass) },
      meanwhile: { parameterGradients(stage, pass) })
  }

  /// Finds the gradient by some towers' maps for some of the images.
  private func inputGradient(
    _ stage: BatchExchangeStage, _ images: Range<Int>, _ towersRead: Range<Int>, _ pass: Pass
  ) {
    guard !images.isEmpty else { return }
    let exchange = stage.exchange
    let some = Pass(images: images.count, isTraining: pass.isTraining, step: pass.step)
    for tower in towers {
      for read in exchange.towers[towersRead] {
        tower.inputGradient(
          layer: stage.reader, maps: Tensor(exchange.maps(of: read), rows: images),
          InputSlice(index: read, isFirst: false, isLast: false),
          into: Tensor(exchange.contribution(to: read), rows: images), rows: images, some)
      }
    }
  }

  private func parameterGradients(_ stage: BatchExchangeStage, _ pass: Pass) {
    let count = stage.exchange.towers.count
    for tower in towers {
      for read in 0..<count {
        tower.parameterGradient(
          layer: stage.reader, maps: stage.exchange.maps(of: read),
          InputSlice(index: read, isFirst: read == 0, isLast: read == count - 1), pass)
      }
    }
  }
}
