import Layers
import MPI
import ModelParallel
import Tensors

/// An exchange between towers, and what is computed while its messages travel: forward the maps of
/// the next images and then the reader's products with its own tower's maps, backward the gradient
/// by these.
extension Section {
  func forward(_ stage: ExchangeStage, _ x: [Tensor], _ pass: Pass) throws(MPIError) {
    let (exchange, reader) = (stage.exchange, stage.reader)
    try exchange.forward(
      outputs(of: reader - 1), pass,
      making: { images in
        onEachTower { $0.forward(stage.makers, input: x[$1], rows: images, pass) }
      },
      meanwhile: {
        onEachTower { tower, _ in
          tower.forward(
            layer: reader, maps: exchange.maps(of: tower.index),
            exchange.ownSlice(of: tower.index), pass)
        }
      })
    onEachTower { tower, _ in
      for (other, slice) in exchange.otherSlices(of: tower.index) {
        tower.forward(layer: reader, maps: exchange.maps(of: other), slice, pass)
      }
    }
  }

  func backward(_ stage: ExchangeStage, _ x: [Tensor], _ pass: Pass) throws(MPIError) {
    let (exchange, reader) = (stage.exchange, stage.reader)
    // The same layers learn in every tower.
    guard towers[0].passesOn(reader) else {
      return onEachTower { tower, _ in parameterGradients(tower, stage, pass) }
    }
    onEachTower { tower, _ in gradientsForOthers(tower, stage, pass) }
    try exchange.backward(
      into: towers.map(\.nextGradient), pass,
      meanwhile: {
        onEachTower { tower, _ in
          gradientForItself(tower, stage, pass)
          tower.gradientsAreReady?(reader)
        }
      })
    for tower in towers { tower.turnGradients() }
    onEachTower { $0.backward(stage.makers, input: x[$1], pass) }
  }

  /// Finds what other towers wait for, so that it travels while the rest is computed.
  ///
  /// Slices keep the numbers that they had in the forward pass.
  private func gradientsForOthers(_ tower: Tower, _ stage: ExchangeStage, _ pass: Pass) {
    let isTwofold = findsBothGradients(tower, stage.reader)
    for (other, slice) in stage.exchange.otherSlices(of: tower.index) {
      let maps = stage.exchange.maps(of: other)
      let target = stage.exchange.contribution(of: tower.index, to: other)
      if isTwofold {
        tower.backward(layer: stage.reader, maps: maps, slice, into: target, pass)
      } else {
        tower.inputGradient(layer: stage.reader, maps: maps, slice, into: target, pass)
      }
    }
  }

  /// Finds what nobody else waits for.
  private func gradientForItself(_ tower: Tower, _ stage: ExchangeStage, _ pass: Pass) {
    tower.backward(
      layer: stage.reader, maps: stage.exchange.maps(of: tower.index),
      stage.exchange.ownSlice(of: tower.index), into: tower.nextGradient, pass)
    guard !findsBothGradients(tower, stage.reader) else { return }
    for (other, slice) in stage.exchange.otherSlices(of: tower.index) {
      tower.parameterGradient(
        layer: stage.reader, maps: stage.exchange.maps(of: other), slice, pass)
    }
  }

  /// Finds the gradients of the reader's weights, where nothing learns before it, if they change.
  private func parameterGradients(_ tower: Tower, _ stage: ExchangeStage, _ pass: Pass) {
    guard tower.layers[stage.reader].learns else { return }
    let own = (tower: tower.index, slice: stage.exchange.ownSlice(of: tower.index))
    for (other, slice) in [own] + stage.exchange.otherSlices(of: tower.index) {
      tower.backward(
        layer: stage.reader, maps: stage.exchange.maps(of: other), slice, into: nil, pass)
    }
    tower.gradientsAreReady?(stage.reader)
  }

  /// Whether both gradients of a slice are found together: that is less work, and leaves less to
  /// hide a message behind.
  private func findsBothGradients(_ tower: Tower, _ layer: Int) -> Bool {
    tower.layers[layer].layer.gradientsShareWork && progress.mode != .thread
  }
}
