import Tensors

/// The random choices for one use of a picture.
struct AugmentationDraw: Equatable {
  /// The crop's left and upper edge.
  var x: Int
  var y: Int
  var isMirrored: Bool
  /// The values added to R, G and B, on the scale 0 to 255.
  var shift: SIMD3<Float>
  var divisor: Float
}

/// Draws the random choices of an augmentation.
///
/// They depend only on the seed and the picture's position in the stream, so every rank, any number
/// of threads and a resumed run draw the same.
struct AugmentationDice: Sendable {
  private let augmentation: Augmentation
  private let places: Int
  private let crops: Philox
  private let chunks: Philox
  private let noise: Philox
  // p_i c_i for each component.
  private let components: [SIMD3<Double>]

  init(
    _ augmentation: Augmentation, side: Int, inputSide: Int, colour: ColourComponents, seed: UInt64
  ) {
    self.augmentation = augmentation
    places = side - inputSide + 1
    crops = RandomPurpose.cropAndMirror.generator(seed: seed)
    chunks = RandomPurpose.chunkCropAndMirror.generator(seed: seed)
    noise = RandomPurpose.colourNoise.generator(seed: seed)
    components = zip(colour.eigenvalues, colour.eigenvectors).map { value, vector in
      SIMD3(vector) * (augmentation.colourScale == .eigenvalue ? value : value.squareRoot())
    }
  }

  func draw(_ place: StreamPlace) -> AugmentationDraw {
    // Pictures that share a crop are neighbours in the stream.
    let words =
      augmentation.cropChunk > 1
      ? chunks.block(0, UInt64(place.position / augmentation.cropChunk))
      : crops.block(UInt64(place.uses ?? place.epoch), UInt64(place.index))
    let isRandom = augmentation.crop == .random
    var result = AugmentationDraw(
      x: isRandom ? words[0].below(places) : (places - 1) / 2,
      y: isRandom ? words[1].below(places) : (places - 1) / 2,
      isMirrored: augmentation.mirror && words[2] >> 31 == 1, shift: .zero, divisor: 1)
    // The picture's own epoch decides, not when or by which rank its batch is read.
    if let end = augmentation.colourNoiseEndEpoch, place.epoch + 1 >= end { return result }
    result.divisor = Float(augmentation.divisor)
    guard augmentation.colourNoise > 0 else { return result }
    let normals = noise.normals(UInt64(place.uses ?? place.epoch), UInt64(place.index))
    let alpha = normals * augmentation.colourNoise
    let shift = components[0] * alpha[0] + components[1] * alpha[1] + components[2] * alpha[2]
    result.shift = SIMD3<Float>(shift * 255)
    return result
  }
}
