/// Whether a layer's output may take the place of its input in memory, which a layer below may
/// still need.
package enum InPlaceRule: Sendable {
  /// It may not: the backward pass needs the input.
  case never
  /// It may: what it leaves is what was there, or zero where it lets no gradient through.
  case keepsNumbers
  /// It may where no layer below takes its gradient from the numbers that it changes.
  case changesNumbers
}

extension LayerSpecification {
  /// Of layers in a row, the first of which is given what others made: whether each one's output
  /// takes the place of its input in memory.
  package static func takePlaces(_ layers: some Sequence<LayerSpecification>) -> [Bool] {
    // Whether a layer takes its gradient from the numbers that lie in the place now.
    var (isFirst, isNeeded) = (true, false)
    return layers.map { layer in
      let traits = layer.traits
      let takesPlace =
        switch traits.inPlace {
        case .never: false
        case .keepsNumbers: !isFirst
        case .changesNumbers: !isFirst && !isNeeded
        }
      if traits.needsItsOutput { isNeeded = true } else if !takesPlace { isNeeded = false }
      isFirst = false
      return takesPlace
    }
  }

  /// Of layers in a row: whether no layer takes a gradient from the numbers of each one's output, so
  /// that its memory is free once the layer above has read it.
  package static func areFreeAfterForward(_ layers: some Sequence<LayerSpecification>) -> [Bool] {
    let layers = Array(layers)
    let takePlaces = takePlaces(layers)
    return layers.indices.map { number in
      let above = number + 1
      guard above < layers.count, !takePlaces[number], !takePlaces[above] else { return false }
      return layers[above].reads == .own && !layers[above].traits.needsItsInput
        && !layers[number].traits.needsItsOutput
    }
  }
}
