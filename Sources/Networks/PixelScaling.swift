/// The order in which a network's first kernels see the colours.
package enum ChannelOrder: String, Codable, Sendable, CaseIterable {
  /// Red, green, blue: this program, PyTorch.
  case rgb = "RGB"
  /// Blue, green, red: Caffe.
  case bgr = "BGR"
}

/// How a network's description says that pixels from 0 to 255 become its input, colour by colour:
/// (pixel x scale - mean) / deviation.
///
/// Means and deviations are those of R, G and B, whatever the order in which the network sees the
/// colours.
package struct PixelScaling: Equatable, Sendable {
  /// The order of the colours in the network's input.
  package var channelOrder: ChannelOrder
  /// What pixels are multiplied by first.
  package var scale: Double
  /// The mean of R, G and B once they are scaled; nil for the mean image of what the network is
  /// trained on.
  package var mean: [Double]?
  /// What R, G and B are divided by in the end.
  package var deviation: [Double]

  /// Makes it from its parts.
  package init(
    channelOrder: ChannelOrder = .rgb, scale: Double = 1, mean: [Double]? = nil,
    deviation: [Double] = [1, 1, 1]
  ) {
    self.channelOrder = channelOrder
    self.scale = scale
    self.mean = mean
    self.deviation = deviation
  }

  /// The mean of R, G and B from 0 to 255, where one is described.
  package var meanColour: [Float]? { mean.map { $0.map { Float($0 / scale) } } }

  /// What R, G and B are multiplied by once a mean from 0 to 255 is subtracted.
  package var factors: [Float] { deviation.map { Float(scale / $0) } }
}

// A JSON object under "preprocessing"; what is left out has its default, and another key is an
// error.
extension PixelScaling: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case channelOrder, scale, mean, deviation
  }

  /// Reads it from its JSON object.
  package init(from decoder: any Decoder) throws {
    try AnyKey.check(decoder, CodingKeys.allCases.map(\.rawValue), "'preprocessing'")
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      channelOrder: try values.decodeIfPresent(
        ChannelOrder.self, forKey: .channelOrder) ?? .rgb,
      scale: try values.decodeIfPresent(Double.self, forKey: .scale) ?? 1,
      mean: try values.decodeIfPresent([Double].self, forKey: .mean),
      deviation: try values.decodeIfPresent([Double].self, forKey: .deviation) ?? [1, 1, 1])
  }
}
