/// How a picture becomes the network's input.
///
/// The recipes differ in data only by these settings.
///
/// Input = ((crop - mean) + 255 sum_i p_i alpha_i c_i) / divisor, mirrored with probability 1/2.
/// alpha_i is drawn from N(0, noise); p_i and lambda_i are those of pixels in [0, 1]; c_i is
/// lambda_i or its square root. The shift is drawn each time a picture is used, and is the same for
/// every pixel (Krizhevsky 2012, section 4.1).
package struct Augmentation: Codable, Equatable, Sendable {
  /// Where the crop is taken.
  package enum Crop: String, Codable, Sendable {
    /// At a random position, all (side - inputSide + 1)^2 equally likely.
    case random
    /// In the middle.
    case centre
  }

  /// Which part of the mean image is subtracted.
  package enum MeanPlace: String, Codable, Sendable {
    /// The part at the crop's position, mirrored with it.
    case cropsOwn
    /// The centre, wherever the crop lies, and never mirrored.
    case centre
  }

  /// What the colour noise is proportional to.
  package enum ColourScale: String, Codable, Sendable {
    /// lambda_i, as the paper says.
    case eigenvalue
    /// The square root of lambda_i, as in the 2012 code.
    case deviation
  }

  /// Where the crop is taken.
  package var crop: Crop
  /// How many consecutive pictures of the stream share one crop and mirror decision; at least 1.
  package var cropChunk: Int
  /// Whether pictures are mirrored at random.
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

  /// As the paper says: a crop, a mirror decision and a colour shift for each picture.
  package static let paper = Augmentation(crop: .random, mirror: true, colourNoise: 0.1)

  /// As the authors' code of 2012 does (convdata_jpeg.py): 32 pictures share a crop and a mirror
  /// decision, the mean's centre is subtracted, the noise is proportional to the deviations, and
  /// the result is divided by 1.1; from epoch 67 on, noise and division are off.
  package static let code2012 = Augmentation(
    crop: .random, cropChunk: 32, mirror: true, meanPlace: .centre, colourNoise: 0.1,
    colourScale: .deviation, divisor: 1.1, colourNoiseEndEpoch: 67)

  /// The centre crop minus the mean, as in validation.
  package static let none = Augmentation(crop: .centre, mirror: false)

  /// What is random, and can be had without the rest.
  package enum Part: String, CaseIterable, Sendable {
    /// Where the crop is taken.
    case crop
    /// Mirror images: mirrored letters are wrong letters.
    case mirror
    /// Colour noise, with the division that belongs to it.
    case colour
  }

  /// The same with some of its random parts; how the mean is subtracted stays.
  package func keeping(_ parts: Set<Part>) -> Augmentation {
    var kept = self
    if !parts.contains(.crop) { kept.crop = .centre }
    kept.mirror = mirror && parts.contains(.mirror)
    if kept.crop == .centre && !kept.mirror { kept.cropChunk = 1 }
    if !parts.contains(.colour) {
      (kept.colourNoise, kept.colourScale, kept.divisor) = (0, .eigenvalue, 1)
      kept.colourNoiseEndEpoch = nil
    }
    return kept
  }

  /// The same without randomness: the centre crop as it is.
  package var withoutChance: Augmentation { keeping([]) }

  /// Whether colours are changed at all.
  package var hasNoise: Bool { colourNoise > 0 || divisor != 1 }

  /// A description in words.
  package var text: String {
    guard isRandom else { return "centre crops without augmentation" }
    var parts: [String] = []
    if crop == .random { parts.append("random crops") }
    if mirror { parts.append("mirror images") }
    if colourNoise > 0 { parts.append("colour noise") }
    return parts.joined(separator: ", ")
      + (hasNoise ? colourNoiseEndEpoch.map { " (up to epoch \($0 - 1))" } ?? "" : "")
  }

  /// Whether anything is drawn at random, so that batches depend on the seed.
  var isRandom: Bool { crop == .random || mirror || colourNoise > 0 }
}
