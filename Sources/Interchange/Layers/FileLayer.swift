import Layers
import Networks

/// A layer as described by a file of weights, to be compared with a network's layer.
package struct FileLayer: Equatable, Sendable {
  /// What a layer computes.
  package enum Kind: Equatable, Sendable {
    /// A convolution with groups.
    case convolution(FileWindow, groups: Int)
    /// A fully-connected layer.
    case fullyConnected
    /// What has no settings, by its type in a description.
    case plain(_ type: String)
    /// A normalisation across maps; if parts are normalised separately, how many maps each part
    /// has.
    case responseNormalization(FileNorm, parts: [Int])
    /// A normalisation over neighbouring pixels of a map.
    case spatialNormalization(FileNorm)
    /// The largest number of each window.
    case maxPooling(FileWindow)
    /// The mean over the existing pixels of each window.
    case averagePooling(FileWindow)
    /// A dropout that multiplies by this factor at test.
    case scaling(Double)
    /// A layer that no network here has, by its name in the file.
    case other(String)
    /// A layer that does not read the one before it and nothing else, by its type and by what it
    /// reads.
    case branch(type: String, reads: [String])
    /// A layer that cannot be read: a clause that names it, the reason, and what to do.
    case unreadable(String)
  }

  /// The layer's name in the file.
  package let name: String
  /// What it computes.
  package let kind: Kind
  /// Its weights; nil if it has none.
  package var weights: WeightTensor?
  /// Its biases; nil if it has none, which counts as zeros.
  package var biases: WeightTensor?
  /// The memory layout of the weights.
  package var layout: Layout

  /// The memory layout of a layer's weights in a file.
  package struct Layout: Equatable, Sendable {
    /// Whether a fully-connected layer's weights are inputs x neurons.
    package var isTransposed = false
    /// Whether the inputs of a fully-connected layer are rows x columns x maps.
    package var hasMapsLast = false

    /// The network's own layout: neurons x inputs, which are maps x rows x columns.
    package init() {}
  }

  package init(
    name: String, kind: Kind, weights: WeightTensor? = nil, biases: WeightTensor? = nil,
    layout: Layout = Layout()
  ) {
    self.name = name
    self.kind = kind
    self.weights = weights
    self.biases = biases
    self.layout = layout
  }
}

/// A window that slides over feature maps, as described by a file.
package struct FileWindow: Equatable, Sendable {
  /// Its height and width; nil if it covers whole maps.
  package var size: Int?
  /// The stride in pixels.
  package var stride: Int
  /// Padding on the left and top, in pixels.
  package var padding: Int
  /// Padding on the right and bottom, in pixels.
  package var paddingAfter: Int
  /// Whether a last window that only partly fits counts.
  package var roundsUp: Bool

  package init(
    size: Int?, stride: Int = 1, padding: Int = 0, paddingAfter: Int? = nil, roundsUp: Bool = false
  ) {
    self.size = size
    self.stride = stride
    self.padding = padding
    self.paddingAfter = paddingAfter ?? padding
    self.roundsUp = roundsUp
  }

  /// The number of positions along an edge; 0 if the window fits nowhere.
  func places(over length: Int) -> Int {
    let size = size ?? length
    let room = length + padding + paddingAfter - size
    guard stride > 0, size > 0, room >= 0 else { return 0 }
    let places = (room + (roundsUp ? stride - 1 : 0)) / stride + 1
    // A window that would start beyond the maps and the padding before them is left out.
    return roundsUp && (places - 1) * stride >= length + padding ? places - 1 : places
  }

  /// Whether it changes nothing: a window of one pixel.
  var isIdentity: Bool { size == 1 && stride == 1 && padding == 0 && paddingAfter == 0 }
}

/// The parameters of a normalisation: y = x (constant + scale * sum of squares)^-exponent.
package struct FileNorm: Equatable, Sendable {
  /// The number of maps, or of pixels along each axis, in the sum.
  package var size: Int
  /// The factor of the sum.
  package var scale: Double
  /// The exponent.
  package var exponent: Double
  /// The constant to which the sum is added.
  package var constant: Double

  package init(size: Int, scale: Double, exponent: Double, constant: Double) {
    self.size = size
    self.scale = scale
    self.exponent = exponent
    self.constant = constant
  }

  init(_ norm: some NormalizationTraits) {
    self.init(
      size: norm.size, scale: norm.scale, exponent: norm.exponent, constant: norm.constant)
  }

  /// Whether two normalisations are equal except for the rounding of 32-bit numbers.
  func isNear(_ other: FileNorm) -> Bool {
    size == other.size
      && zip(
        [scale, exponent, constant], [other.scale, other.exponent, other.constant]
      ).allSatisfy { abs($0 - $1) <= 1e-5 * max(abs($0), abs($1)) }
  }
}
