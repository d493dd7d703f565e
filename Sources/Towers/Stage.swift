import ModelParallel
import Networks

/// What a section runs in turn.
///
/// AlexNet's list is
///
///     conv1 ... pool1 | conv2 ... pool2 > exchange > conv3 | relu3 ... relu4 | conv5 ... pool5 > exchange > fc6 | ...
enum Stage {
  /// Layers in a row, each of which reads nothing but its own tower's maps.
  case layers(Range<Int>)
  /// An exchange between the towers of a replica.
  case exchange(ExchangeStage)
  /// An exchange between the replicas of a group: the first stage of layers that are spread over
  /// its ranks.
  case batchExchange(BatchExchangeStage)

  /// Cuts a section's layers into stages: in front of each that reads other towers stands an
  /// exchange.
  /// - Parameters:
  ///   - reads: What each layer reads; the first has no exchange between towers.
  ///   - first: The exchange of the batch that the first layer reads; nil for none.
  ///   - isLong: Whether a layer computes for long enough to make its maps in parts.
  ///   - exchange: Makes the exchange that a layer reads.
  /// - Returns: The stages in the order of the layers.
  static func list(
    reads: [Reads], first: BatchExchange?, isLong: (_ layer: Int) -> Bool,
    exchange: (_ reader: Int, _ isMadeInParts: Bool) -> Exchange
  ) -> [Stage] {
    var stages: [Stage] = []
    // The first layer that is in no stage yet.
    var next = 0
    if let first {
      stages.append(.batchExchange(BatchExchangeStage(exchange: first, reader: 0)))
      next = 1
    }
    for reader in reads.indices.dropFirst() where reads[reader] != .own {
      let maker = (next..<reader).last(where: isLong)
      let makers = (maker ?? reader)..<reader
      if next < makers.lowerBound { stages.append(.layers(next..<makers.lowerBound)) }
      stages.append(
        .exchange(
          ExchangeStage(
            exchange: exchange(reader, maker != nil), makers: makers, reader: reader)))
      next = reader + 1
    }
    if next < reads.count { stages.append(.layers(next..<reads.count)) }
    return stages
  }
}

/// An exchange between towers, with the layers whose arithmetic hides its messages.
struct ExchangeStage {
  let exchange: Exchange
  /// The layers that make what is sent, some images at a time, so that these travel while the next
  /// are made.
  ///
  /// From the last convolution on; none where there is no convolution, and so little to compute.
  let makers: Range<Int>
  /// The layer that reads several towers.
  let reader: Int
}

/// An exchange of the batch, with the layer that reads it.
struct BatchExchangeStage {
  let exchange: BatchExchange
  let reader: Int
}
