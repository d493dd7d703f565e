package import Data
package import Images
import JSON
package import Networks

/// What a network needs, besides its weights, to read pictures and name their classes.
///
/// Its input is (pixel - mean) x factor for each colour, with pixels from 0 to 255, in the
/// network's channel order.
package struct Preprocessing: Equatable, Sendable {
  /// The classes' names.
  package var classNames: [String]
  /// Whether the names were given by someone; otherwise they are numbers from 0, for a file of
  /// another program without names.
  package var namesClasses = true
  /// The mean image, image side x image side x RGB, from 0 to 255.
  package var mean: [Float]
  /// Which part of the mean image is subtracted from a crop.
  package var meanPlace: Augmentation.MeanPlace
  /// The channel order of the network's input.
  package var channelOrder: ChannelOrder
  /// The factors for R, G and B after the mean is subtracted.
  package var factors: [Float]
  /// How non-square pictures are made square.
  package var resizing: Resizing

  package init(
    classNames: [String], mean: [Float], meanPlace: Augmentation.MeanPlace = .cropsOwn,
    channelOrder: ChannelOrder = .rgb, factors: [Float] = [1, 1, 1], resizing: Resizing = .crop
  ) {
    precondition(factors.count == 3, "Each of the three colours must have a factor.")
    self.classNames = classNames
    self.mean = mean
    self.meanPlace = meanPlace
    self.channelOrder = channelOrder
    self.factors = factors
    self.resizing = resizing
  }

  /// Multiplies and reorders the colours of pixels, rows of RGB minus the mean, in place.
  package func adapt(_ pixels: UnsafeMutablePointer<Float>, count: Int) {
    guard channelOrder != .rgb || factors != [1, 1, 1] else { return }
    let (red, green, blue) = (factors[0], factors[1], factors[2])
    let isReversed = channelOrder == .bgr
    for place in 0..<count {
      let pixel = pixels + 3 * place
      let (r, g, b) = (pixel[0] * red, pixel[1] * green, pixel[2] * blue)
      pixel[0] = isReversed ? b : r
      pixel[1] = g
      pixel[2] = isReversed ? r : b
    }
  }
}

/// The preprocessing in a checkpoint, without class names and mean image.
struct PreprocessingText: Codable {
  var meanPlace: Augmentation.MeanPlace
  var channelOrder: ChannelOrder?
  var factors: [Float]?
  var resizing: Resizing?
  /// Nil for true.
  var namesClasses: Bool?
}

extension Preprocessing {
  /// The strings for a checkpoint's metadata.
  package var metadata: [String: String] {
    let text = PreprocessingText(
      meanPlace: meanPlace, channelOrder: channelOrder, factors: factors,
      resizing: resizing, namesClasses: namesClasses ? nil : false)
    return [
      "classes": JSONText.encode(classNames, isPretty: false),
      "preprocessing": JSONText.encode(text, isPretty: false),
    ]
  }
}

extension Preprocessing {
  /// A network's preprocessing, from its description.
  /// - Parameters:
  ///   - network: The network.
  ///   - classNames: The names of its classes.
  ///   - mean: The mean image, image side x image side x RGB from 0 to 255, if the description has
  ///     no mean.
  ///   - meanPlace: Which part of the mean image is subtracted from a crop.
  package init(
    for network: NetworkSpecification, classNames: [String], mean: @autoclosure () -> [Float],
    meanPlace: Augmentation.MeanPlace = .cropsOwn
  ) {
    let scaling = network.preprocessing ?? PixelScaling()
    self.init(
      classNames: classNames,
      mean: scaling.meanColour.map { Self.filled(network, $0) } ?? mean(), meanPlace: meanPlace,
      channelOrder: scaling.channelOrder, factors: scaling.factors)
  }

  /// A mean image with a single colour.
  package static func filled(_ network: NetworkSpecification, _ colour: [Float]) -> [Float] {
    let pixels = network.imageSide * network.imageSide
    return (0..<pixels).flatMap { _ in colour }
  }
}
