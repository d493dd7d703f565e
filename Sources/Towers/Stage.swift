import ModelParallel

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
  /// An exchange between the replicas of a group: the first stage of layers that are spread over its ranks.
  case batchExchange(BatchExchangeStage)
}

/// An exchange between towers, with the layers whose arithmetic hides its messages.
struct ExchangeStage {
  let exchange: Exchange
  /// The layers that make what is sent, some images at a time, so that these travel while the next are made.
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
