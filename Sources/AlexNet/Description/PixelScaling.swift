public import Data

/// How a network's description says that pixels from 0 to 255 become its input, colour by colour:
/// (pixel x scale - mean) / deviation.
///
/// Means and deviations are those of R, G and B, whatever the order in which the network sees the colours.
public struct PixelScaling: Equatable, Sendable {
  /// The order of the colours in the network's input.
  public var channelOrder: Preprocessing.ChannelOrder
  /// What pixels are multiplied by first.
  public var scale: Double
  /// The mean of R, G and B once they are scaled; nil for the mean image of what the network is trained on.
  public var mean: [Double]?
  /// What R, G and B are divided by in the end.
  public var deviation: [Double]

  /// Makes it from its parts.
  public init(
    channelOrder: Preprocessing.ChannelOrder = .rgb, scale: Double = 1, mean: [Double]? = nil,
    deviation: [Double] = [1, 1, 1]
  ) {
    self.channelOrder = channelOrder
    self.scale = scale
    self.mean = mean
    self.deviation = deviation
  }

  /// The mean of R, G and B from 0 to 255, where one is described.
  public var meanColour: [Float]? { mean.map { $0.map { Float($0 / scale) } } }

  /// What R, G and B are multiplied by once a mean from 0 to 255 is subtracted.
  public var factors: [Float] { deviation.map { Float(scale / $0) } }
}

// A JSON object under "preprocessing"; what is left out has its default, and another key is an error.
extension PixelScaling: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case channelOrder, scale, mean, deviation
  }

  /// Reads it from its JSON object.
  public init(from decoder: any Decoder) throws {
    try AnyKey.check(decoder, CodingKeys.allCases.map(\.rawValue), "'preprocessing'")
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      channelOrder: try values.decodeIfPresent(
        Preprocessing.ChannelOrder.self, forKey: .channelOrder) ?? .rgb,
      scale: try values.decodeIfPresent(Double.self, forKey: .scale) ?? 1,
      mean: try values.decodeIfPresent([Double].self, forKey: .mean),
      deviation: try values.decodeIfPresent([Double].self, forKey: .deviation) ?? [1, 1, 1])
  }
}

extension Preprocessing {
  /// How a network reads pictures by its description.
  /// - Parameters:
  ///   - network: The network.
  ///   - classNames: The names of its classes.
  ///   - mean: The mean image, image side x image side x RGB from 0 to 255, where the description has no mean.
  ///   - meanPlace: Which part of the mean image is subtracted from a crop.
  public init(
    for network: NetworkSpecification, classNames: [String], mean: @autoclosure () -> [Float],
    meanPlace: Augmentation.MeanPlace = .cropsOwn
  ) {
    let scaling = network.preprocessing ?? PixelScaling()
    self.init(
      classNames: classNames,
      mean: scaling.meanColour.map { Self.filled(network, $0) } ?? mean(), meanPlace: meanPlace,
      channelOrder: scaling.channelOrder, factors: scaling.factors)
  }

  /// A mean image of one colour.
  public static func filled(_ network: NetworkSpecification, _ colour: [Float]) -> [Float] {
    let pixels = network.imageSide * network.imageSide
    return (0..<pixels).flatMap { _ in colour }
  }
}
