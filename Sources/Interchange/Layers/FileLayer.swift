import Layers
import Networks

/// A layer as a file of weights describes it, to be compared with a network's.
package struct FileLayer: Equatable, Sendable {
  /// What a layer computes.
  package enum Kind: Equatable, Sendable {
    /// A convolution, its kernels and maps in groups.
    case convolution(FileWindow, groups: Int)
    /// A fully-connected layer.
    case fullyConnected
    /// max(0, x).
    case relu
    /// tanh x.
    case tanh
    /// A norm across maps; how many maps each part has, where parts are normalised apart.
    case responseNormalization(FileNorm, parts: [Int])
    /// A norm over neighbouring pixels of a map.
    case spatialNormalization(FileNorm)
    /// The largest number of each window.
    case maxPooling(FileWindow)
    /// The mean of the pixels of each window that exist.
    case averagePooling(FileWindow)
    /// A dropout that multiplies by a number at test.
    case scaling(Double)
    /// What no network here has, by the file's word for it.
    case other(String)
    /// A layer of which something cannot be read: a clause that names it, says why, and what to do.
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
  /// How the weights lie.
  package var layout: Layout

  /// How a layer's weights lie in a file.
  package struct Layout: Equatable, Sendable {
    /// Whether a fully-connected layer's weights are inputs x neurons.
    package var isTransposed = false
    /// Whether the inputs of a fully-connected layer are rows x columns x maps.
    package var hasMapsLast = false

    /// The network's own layout: neurons x inputs, which are maps x rows x columns.
    package init() {}
  }

  /// Makes a layer from its parts.
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

/// A window that slides over maps, as a file describes it.
package struct FileWindow: Equatable, Sendable {
  /// Its height and width; nil if it covers whole maps.
  package var size: Int?
  /// The pixels from one place to the next.
  package var stride: Int
  /// Pixels beyond the left and upper edge.
  package var padding: Int
  /// Pixels beyond the right and lower edge.
  package var paddingAfter: Int
  /// Whether a last window that does not fit counts.
  package var roundsUp: Bool

  /// Makes a window from its parts.
  package init(
    size: Int?, stride: Int = 1, padding: Int = 0, paddingAfter: Int? = nil, roundsUp: Bool = false
  ) {
    self.size = size
    self.stride = stride
    self.padding = padding
    self.paddingAfter = paddingAfter ?? padding
    self.roundsUp = roundsUp
  }

  /// How many places it has along an edge; 0 where it fits nowhere.
  func places(over length: Int) -> Int {
    let size = size ?? length
    let room = length + padding + paddingAfter - size
    guard stride > 0, size > 0, room >= 0 else { return 0 }
    let places = (room + (roundsUp ? stride - 1 : 0)) / stride + 1
    // A window that would begin beyond the maps and the padding in front of them is left out.
    return roundsUp && (places - 1) * stride >= length + padding ? places - 1 : places
  }

  /// Whether it changes nothing: a pixel at a time.
  var isIdentity: Bool { size == 1 && stride == 1 && padding == 0 && paddingAfter == 0 }
}

/// The numbers of a norm: y = x (constant + scale * sum of squares)^-exponent.
package struct FileNorm: Equatable, Sendable {
  /// Maps, or pixels along each axis, that the sum runs over.
  package var size: Int
  /// The factor of the sum.
  package var scale: Double
  /// The exponent.
  package var exponent: Double
  /// What the sum is added to.
  package var constant: Double

  /// Makes a norm from its numbers.
  package init(size: Int, scale: Double, exponent: Double, constant: Double) {
    self.size = size
    self.scale = scale
    self.exponent = exponent
    self.constant = constant
  }

  init(_ norm: NormalizationSpecification) {
    self.init(
      size: norm.size, scale: norm.scale, exponent: norm.exponent, constant: norm.constant)
  }

  /// Whether two norms are the same but for the rounding of 32-bit numbers.
  func isNear(_ other: FileNorm) -> Bool {
    size == other.size
      && zip(
        [scale, exponent, constant], [other.scale, other.exponent, other.constant]
      ).allSatisfy { abs($0 - $1) <= 1e-5 * max(abs($0), abs($1)) }
  }
}

/// What a file of weights says of the pictures that its network reads.
package struct FilePictures: Equatable, Sendable {
  /// The height and width of what goes in.
  package var side: Int?
  /// The height and width of what goes in, where they differ.
  package var oblong: [Int]?
  /// What pixels less their mean are multiplied by.
  package var factors: [Float]?
  /// The mean of R, G and B, from 0 to 255.
  package var meanColour: [Float]?
  /// The mean image that was subtracted, a file somewhere.
  package var meanFile: String?

  /// A file that says nothing.
  package init() {}

  /// Takes note of the height and width of what goes in, if they are sizes.
  mutating func note(sides: [Int]) {
    guard sides.count == 2, sides.allSatisfy({ (1...8192).contains($0) }) else { return }
    if sides[0] == sides[1] { side = sides[0] } else { oblong = sides }
  }
}
