/// The names of the boundaries between ranks that lie before no layer.
package enum BoundaryName {
  /// The sums over a softmax's parts.
  package static let softmax = "softmax"
  /// The gradients that replicas add up.
  package static let gradients = "gradients"
  /// The gradients of the fully-connected layers that groups of replicas add up.
  package static let groupGradients = "fc gradients"
}

/// What has travelled at one boundary between ranks.
package struct Traffic: Sendable {
  /// The layer that reads, `conv3`, or one of `BoundaryName`.
  package let name: String
  /// Bytes that this rank has sent, both ways.
  package let bytes: Int
  /// Seconds that this rank has spent in starting messages and in waiting for them: what computing
  /// did not hide.
  package let seconds: Double

  /// Makes a row.
  package init(name: String, bytes: Int, seconds: Double) {
    self.name = name
    self.bytes = bytes
    self.seconds = seconds
  }
}

extension Exchange {
  /// What has travelled here so far.
  package var traffic: Traffic {
    Traffic(name: name, bytes: forwardBytes + backwardBytes, seconds: messages.seconds)
  }
}

extension BatchExchange {
  /// What has travelled here so far.
  package var traffic: Traffic { messages.traffic }
}
