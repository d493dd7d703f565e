/// The inner loops of the layers, compiled for one instruction set.
///
/// Every target `Kernels...` is the same source compiled for another processor; each fills this
/// table with its own functions, and `KernelSet.best` is the one for the processor that the program
/// runs on.
package struct KernelSet: Sendable {
  /// What the functions were compiled for, `AVX-512`.
  package let name: String

  /// v = B^T x B for each tile of an image, pixels x maps, with the coefficients of B.
  package let tilesFromInput: TilesFromInput
  /// y += A^T m A for each tile of an image, or y = ...; then the biases are added where there are
  /// any.
  package let outputFromTiles: OutputFromTiles
  /// m = A dy A^T for each tile of an image.
  package let tilesFromOutput: TilesFromOutput
  /// dx += B v B^T for each tile of an image.
  package let inputFromTiles: InputFromTiles
  /// u = G g G^T for each map of one kernel; the points lie `stride` floats apart.
  package let pointsFromKernel: PointsFromKernel
  /// The transpose of `pointsFromKernel`.
  package let kernelFromPoints: KernelFromPoints
  /// y = x d^-exponent for each pixel.
  package let normalize: Normalize
  /// The gradient of `normalize` by x; dx is not dy.
  package let normalizationGradient: NormalizationGradient
  /// y = max(0, x); y may be x.
  package let rectify: Rectify
  /// dx = dy where y > 0 and 0 elsewhere; dx may be dy.
  package let rectifierGradient: RectifierGradient
  /// The largest number of each window of an image, and which pixel of the window it is.
  package let maximum: Maximum
  /// The gradient of `maximum` by x.
  package let maximumGradient: MaximumGradient

  /// y = w x + b for one image with its padding; the weights are a window's floats x kernels.
  package let directForward: DirectForward
  /// dw += the gradient of `directForward` by the weights.
  package let directWeightGradient: DirectWeightGradient

  /// y = w x, or y += w x, for rows of `length` floats and some vectors x, one after the other; their
  /// results lie `stride` floats apart.
  package let rowProducts: RowProducts
  /// The same for one vector and rows of blocks of 32 numbers of 16 bits; the i-th of a block's first
  /// sixteen is the lower half of its i-th 32 bits, the i-th of the others the upper one.
  package let narrowProducts: NarrowProducts
  /// The floats of such blocks.
  package let widen: Widen
  /// Numbers rounded to 16 bits, to the nearest, ties to even.
  package let narrow: Narrow
  /// The same for two rows, the first in the lower halves of 32 bits, the second in the upper ones;
  /// zeros where there is no second.
  package let narrowPairs: NarrowPairs

  // MARK: What the functions take

  package typealias TilesFromInput =
    @Sendable (
      TileGrid, _ x: UnsafePointer<Float>, _ coefficients: UnsafePointer<Float>, TileStorage
    ) -> Void
  package typealias OutputFromTiles =
    @Sendable (
      TileGrid, TileStorage, _ coefficients: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
      _ accumulates: Bool, _ y: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias TilesFromOutput =
    @Sendable (
      TileGrid, _ dy: UnsafePointer<Float>, _ coefficients: UnsafePointer<Float>, TileStorage
    ) -> Void
  package typealias InputFromTiles =
    @Sendable (
      TileGrid, TileStorage, _ coefficients: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias PointsFromKernel =
    @Sendable (
      KernelShape, _ kernel: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
      _ points: UnsafeMutablePointer<Float>, _ stride: Int
    ) -> Void
  package typealias KernelFromPoints =
    @Sendable (
      KernelShape, _ points: UnsafePointer<Float>, _ stride: Int, _ g: UnsafePointer<Float>,
      _ kernel: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias Normalize =
    @Sendable (
      NormalizationShape, _ x: UnsafePointer<Float>, _ pixels: Int, _ y: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias NormalizationGradient =
    @Sendable (
      NormalizationShape, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ pixels: Int,
      _ dx: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias Rectify =
    @Sendable (_ x: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<Float>) -> Void
  package typealias RectifierGradient =
    @Sendable (
      _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ count: Int,
      _ dx: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias Maximum =
    @Sendable (
      PoolGrid, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
      _ winner: UnsafeMutablePointer<UInt8>
    ) -> Void
  package typealias MaximumGradient =
    @Sendable (
      PoolGrid, _ dy: UnsafePointer<Float>, _ winner: UnsafePointer<UInt8>,
      _ dx: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias DirectForward =
    @Sendable (
      DirectGrid, _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
      _ bias: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias DirectWeightGradient =
    @Sendable (
      DirectGrid, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
      _ gradient: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias RowProducts =
    @Sendable (
      _ weights: UnsafePointer<Float>, _ rows: Int, _ length: Int, _ x: UnsafePointer<Float>,
      _ vectors: Int, _ accumulates: Bool, _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) -> Void
  package typealias NarrowProducts =
    @Sendable (
      _ weights: UnsafePointer<UInt32>, _ rows: Int, _ blocks: Int, _ x: UnsafePointer<Float>,
      _ accumulates: Bool, _ y: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias Widen =
    @Sendable (
      _ weights: UnsafePointer<UInt32>, _ blocks: Int, _ y: UnsafeMutablePointer<Float>
    ) -> Void
  package typealias Narrow =
    @Sendable (_ x: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<UInt16>) -> Void
  package typealias NarrowPairs =
    @Sendable (
      _ low: UnsafePointer<Float>, _ high: UnsafePointer<Float>?, _ count: Int,
      _ y: UnsafeMutablePointer<UInt32>
    ) -> Void

  /// Makes a table.
  package init(
    name: String,
    tilesFromInput: @escaping TilesFromInput,
    outputFromTiles: @escaping OutputFromTiles,
    tilesFromOutput: @escaping TilesFromOutput,
    inputFromTiles: @escaping InputFromTiles,
    pointsFromKernel: @escaping PointsFromKernel,
    kernelFromPoints: @escaping KernelFromPoints,
    normalize: @escaping Normalize,
    normalizationGradient: @escaping NormalizationGradient,
    rectify: @escaping Rectify,
    rectifierGradient: @escaping RectifierGradient,
    maximum: @escaping Maximum,
    maximumGradient: @escaping MaximumGradient,
    directForward: @escaping DirectForward,
    directWeightGradient: @escaping DirectWeightGradient,
    rowProducts: @escaping RowProducts,
    narrowProducts: @escaping NarrowProducts,
    widen: @escaping Widen,
    narrow: @escaping Narrow,
    narrowPairs: @escaping NarrowPairs
  ) {
    self.name = name
    self.tilesFromInput = tilesFromInput
    self.outputFromTiles = outputFromTiles
    self.tilesFromOutput = tilesFromOutput
    self.inputFromTiles = inputFromTiles
    self.pointsFromKernel = pointsFromKernel
    self.kernelFromPoints = kernelFromPoints
    self.normalize = normalize
    self.normalizationGradient = normalizationGradient
    self.rectify = rectify
    self.rectifierGradient = rectifierGradient
    self.maximum = maximum
    self.maximumGradient = maximumGradient
    self.directForward = directForward
    self.directWeightGradient = directWeightGradient
    self.rowProducts = rowProducts
    self.narrowProducts = narrowProducts
    self.widen = widen
    self.narrow = narrow
    self.narrowPairs = narrowPairs
  }
}
