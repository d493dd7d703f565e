import Layers
import Networks
import System
import Tensors

/// Layers in a row take some images at a time, so that what one has made is still in the cache when
/// the next reads it: a batch of conv1's maps alone is larger than any cache.
///
/// No number depends on how the images are cut.
extension Tower {
  /// Runs layers that read nothing but the tower's own maps.
  ///
  /// Some of the images only where `rows` says so.
  func forward(_ range: Range<Int>, input: Tensor, rows: Range<Int>? = nil, _ pass: Pass) {
    for layers in runs(range) {
      for some in parts(of: rows ?? 0..<pass.images, through: layers) {
        for number in layers {
          forward(
            layer: number, maps: Tensor(below(number, input), rows: some), .whole, rows: some,
            pass.limited(to: some))
        }
      }
    }
  }

  /// Takes the gradient back through layers that read nothing but the tower's own maps, as far as
  /// something learns.
  func backward(_ range: Range<Int>, input: Tensor, _ pass: Pass) {
    for run in runs(range).reversed() {
      let first = layers[run.lowerBound].layer.parameters.isEmpty ? 0 : 1
      let plain = run.dropFirst(first)
      if canTakeParts(plain) {
        backwardInParts(plain, input: input, pass)
      } else {
        for number in plain.reversed() { backward(number, input: input, pass) }
      }
      if first == 1 { backward(run.lowerBound, input: input, pass) }
    }
  }

  /// Takes the gradient of all images back through one layer, if something learns in it or before.
  private func backward(_ number: Int, input: Tensor, _ pass: Pass) {
    guard passesOn(number) || layers[number].learns else { return }
    let (layer, output) = (layers[number].layer, layers[number].output)
    let x = layer.worksInPlace ? output : below(number, input)
    let target = layer.worksInPlace ? gradient : nextGradient
    backward(layer: number, maps: x, .whole, into: passesOn(number) ? target : nil, pass)
    gradientsAreReady?(number)
    if !layer.worksInPlace { turnGradients() }
  }

  /// Layers that go through some images together: one with weights and those behind it without.
  private func runs(_ range: Range<Int>) -> [Range<Int>] {
    let starts = range.filter {
      $0 == range.lowerBound || !layers[$0].layer.parameters.isEmpty
    }
    return zip(starts, starts.dropFirst() + [range.upperBound]).map { $0..<$1 }
  }

  /// Cuts images into parts whose maps stay in the cache, but that keep a layer's weights busy.
  private func parts(of rows: Range<Int>, through run: Range<Int>) -> [Range<Int>] {
    let largest = run.map { layers[$0].layer.output.count }.max() ?? 1
    let fitting = mapsInCache / (largest * MemoryLayout<Float>.stride)
    let least = run.map { layers[$0].layer.imagesAtOnce }.max() ?? 1
    let images = max(1, fitting, least).multipliedReportingOverflow(by: team.count)
    guard !images.overflow, images.partialValue < rows.count else { return [rows] }
    let count = (rows.count + images.partialValue - 1) / images.partialValue
    return (0..<count).map {
      let part = evenSplit(rows.count, part: $0, of: count)
      return rows.lowerBound + part.lowerBound..<rows.lowerBound + part.upperBound
    }
  }

  // MARK: Backward

  /// Whether the gradient of some images after the other can go through layers without weights.
  ///
  /// The last layer's gradient may come to lie where the first one's was: from the last image on
  /// it overwrites only what has been read, if an image's is no smaller.
  private func canTakeParts(_ run: Range<Int>) -> Bool {
    let turning = run.filter { !layers[$0].layer.worksInPlace }
    guard run.allSatisfy(passesOn), run.count > 1, let first = turning.first,
      let last = turning.last
    else { return false }
    return turning.count == 1
      || turning.count == 2
        && layers[first].layer.inputs[0].count >= layers[last].layer.output.count
  }

  private func backwardInParts(_ run: Range<Int>, input: Tensor, _ pass: Pass) {
    let turns = run.count { !layers[$0].layer.worksInPlace }
    let target = turns == 1 ? nextGradient : gradient
    for rows in parts(of: 0..<pass.images, through: run).reversed() {
      var turn = 0
      var dy = Tensor(gradient, rows: rows, of: [layers[run.upperBound - 1].layer.output.count])
      for number in run.reversed() {
        let layer = layers[number].layer
        let x = layer.worksInPlace ? layers[number].output : below(number, input)
        var dx = dy
        if !layer.worksInPlace {
          turn += 1
          let row = [layer.inputs[0].count]
          // What only the next layer reads lies in the same place for all parts.
          dx =
            turn == turns
            ? Tensor(target, rows: rows, of: row)
            : Tensor(nextGradient, rows: 0..<rows.count, of: row)
        }
        timed(number, .backward) {
          layer.backward(
            dy, x: Tensor(x, rows: rows), .whole, into: dx, pass.limited(to: rows))
        }
        dy = dx
      }
    }
    for _ in 0..<turns { turnGradients() }
    for number in run.reversed() { gradientsAreReady?(number) }
  }
}
