/// How a picture becomes the network's input: the recipes differ here and nowhere else in the data.
///
/// Input = ((crop - mean) + 255 sum_i p_i alpha_i c_i) / divisor, mirrored by a coin, with alpha_i
/// from N(0, noise), and p_i, lambda_i of pixels in [0, 1]; c_i is lambda_i or its root. The shift
/// is drawn once for a picture and its use, and is the same for every pixel (Krizhevsky 2012,
/// section 4.1).
package struct Augmentation: Codable, Equatable, Sendable {
  /// Where the crop is taken.
  package enum Crop: String, Codable, Sendable {
    /// At any of the (side - inputSide + 1)^2 places, each as likely.
    case random
    /// In the middle.
    case centre
  }

  /// Which part of the mean image is subtracted.
  package enum MeanPlace: String, Codable, Sendable {
    /// The part where the crop is, mirrored with it.
    case cropsOwn
    /// The middle, whatever the crop, and never mirrored.
    case centre
  }

  /// What the colour noise is proportional to.
  package enum ColourScale: String, Codable, Sendable {
    /// lambda_i, as the paper says.
    case eigenvalue
    /// The root of lambda_i, as the 2012 code has it.
    case deviation
  }

  /// Where the crop is taken.
  package var crop: Crop
  /// How many consecutive pictures of the stream share one crop and one coin; at least 1.
  package var cropChunk: Int
  /// Whether a coin decides on the mirror image.
  package var mirror: Bool
  /// Which part of the mean image is subtracted.
  package var meanPlace: MeanPlace
  /// The standard deviation of alpha; 0 for no colour noise.
  package var colourNoise: Double
  /// What the colour noise is proportional to.
  package var colourScale: ColourScale
  /// What the result is divided by.
  package var divisor: Double
  /// The epoch, counted from 1, from which on there is neither noise nor division; nil for never.
  package var colourNoiseEndEpoch: Int?

  /// Makes an augmentation of its parts.
  package init(
    crop: Crop, cropChunk: Int = 1, mirror: Bool, meanPlace: MeanPlace = .cropsOwn,
    colourNoise: Double = 0, colourScale: ColourScale = .eigenvalue, divisor: Double = 1,
    colourNoiseEndEpoch: Int? = nil
  ) {
    self.crop = crop
    self.cropChunk = cropChunk
    self.mirror = mirror
    self.meanPlace = meanPlace
    self.colourNoise = colourNoise
    self.colourScale = colourScale
    self.divisor = divisor
    self.colourNoiseEndEpoch = colourNoiseEndEpoch
  }

  /// What the paper says: a crop, a coin and a shift of colour for each picture.
  package static let paper = Augmentation(crop: .random, mirror: true, colourNoise: 0.1)

  /// What the authors' code of 2012 does (convdata_jpeg.py): 32 pictures share a crop and a coin,
  /// the mean's middle is subtracted, the noise goes with the deviations, and all is divided by
  /// 1.1; from epoch 67 on, noise and division are switched off.
  package static let code2012 = Augmentation(
    crop: .random, cropChunk: 32, mirror: true, meanPlace: .centre, colourNoise: 0.1,
    colourScale: .deviation, divisor: 1.1, colourNoiseEndEpoch: 67)

  /// The middle of the picture less the mean: what validation sees.
  package static let none = Augmentation(crop: .centre, mirror: false)

  /// The same without what chance decides.
  ///
  /// The middle crop, no mirror image and no colour noise, and so no division either, which goes with the noise. How the
  /// mean is subtracted stays.
  package var withoutChance: Augmentation {
    Augmentation(crop: .centre, mirror: false, meanPlace: meanPlace)
  }

  /// Whether colours are shifted at all.
  package var hasNoise: Bool { colourNoise > 0 || divisor != 1 }

  /// What happens to a picture, in words.
  package var text: String {
    guard isRandom else { return "centre crops without augmentation" }
    var parts: [String] = []
    if crop == .random { parts.append("random crops") }
    if mirror { parts.append("mirror images") }
    if colourNoise > 0 { parts.append("colour noise") }
    return parts.joined(separator: ", ")
      + (hasNoise ? colourNoiseEndEpoch.map { " (up to epoch \($0 - 1))" } ?? "" : "")
  }

  /// Whether two settings make one batch differ: whether anything is drawn.
  var isRandom: Bool { crop == .random || mirror || colourNoise > 0 }
}
