/// The inner loops of the layers, compiled for one instruction set.
///
/// Every target `Kernels...` is the same source compiled for another processor; each fills this table with its
/// own functions, and `KernelSet.best` is the one for the processor that the program runs on.
package struct KernelSet: Sendable {
  /// What the functions were compiled for, `AVX-512`.
  package let name: String

  /// v = B^T x B for each tile of an image, pixels x maps; the other arguments are the coefficients of B and
  /// room for a tile of all maps.
  package let tilesFromInput:
    @Sendable (
      TileGrid, _ x: UnsafePointer<Float>, _ coefficients: UnsafePointer<Float>,
      _ border: UnsafeMutablePointer<Float>, TileStorage
    ) -> Void
  /// y += A^T m A for each tile of an image, or y = ...; then the biases are added where there are any.
  package let outputFromTiles:
    @Sendable (
      TileGrid, TileStorage, _ coefficients: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
      _ accumulates: Bool, _ y: UnsafeMutablePointer<Float>
    ) -> Void
  /// m = A dy A^T for each tile of an image.
  package let tilesFromOutput:
    @Sendable (
      TileGrid, _ dy: UnsafePointer<Float>, _ coefficients: UnsafePointer<Float>,
      _ border: UnsafeMutablePointer<Float>, TileStorage
    ) -> Void
  /// dx += B v B^T for each tile of an image.
  package let inputFromTiles:
    @Sendable (
      TileGrid, TileStorage, _ coefficients: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>
    ) -> Void
  /// u = G g G^T for each map of one kernel; the points lie `stride` floats apart.
  package let pointsFromKernel:
    @Sendable (
      KernelShape, _ kernel: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
      _ points: UnsafeMutablePointer<Float>, _ stride: Int
    ) -> Void
  /// The transpose of `pointsFromKernel`.
  package let kernelFromPoints:
    @Sendable (
      KernelShape, _ points: UnsafePointer<Float>, _ stride: Int, _ g: UnsafePointer<Float>,
      _ kernel: UnsafeMutablePointer<Float>
    ) -> Void

  /// y = x d^-exponent for each pixel.
  package let normalize:
    @Sendable (
      NormalizationShape, _ x: UnsafePointer<Float>, _ pixels: Int, _ y: UnsafeMutablePointer<Float>
    ) -> Void
  /// The gradient of `normalize` by x; dx is not dy.
  package let normalizationGradient:
    @Sendable (
      NormalizationShape, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ pixels: Int,
      _ dx: UnsafeMutablePointer<Float>
    ) -> Void
  /// y = max(0, x); y may be x.
  package let rectify:
    @Sendable (_ x: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<Float>) -> Void
  /// dx = dy where y > 0 and 0 elsewhere; dx may be dy.
  package let rectifierGradient:
    @Sendable (
      _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ count: Int,
      _ dx: UnsafeMutablePointer<Float>
    ) -> Void
  /// The largest number of each window of an image, and which pixel of the window it is.
  package let maximum:
    @Sendable (
      PoolGrid, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
      _ winner: UnsafeMutablePointer<UInt8>
    ) -> Void
  /// The gradient of `maximum` by x.
  package let maximumGradient:
    @Sendable (
      PoolGrid, _ dy: UnsafePointer<Float>, _ winner: UnsafePointer<UInt8>,
      _ dx: UnsafeMutablePointer<Float>
    ) -> Void

  /// Makes a table.
  package init(
    name: String,
    tilesFromInput:
      @escaping @Sendable (
        TileGrid, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
        TileStorage
      ) -> Void,
    outputFromTiles:
      @escaping @Sendable (
        TileGrid, TileStorage, UnsafePointer<Float>, UnsafePointer<Float>?, Bool,
        UnsafeMutablePointer<Float>
      ) -> Void,
    tilesFromOutput:
      @escaping @Sendable (
        TileGrid, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
        TileStorage
      ) -> Void,
    inputFromTiles:
      @escaping @Sendable (
        TileGrid, TileStorage, UnsafePointer<Float>, UnsafeMutablePointer<Float>
      ) -> Void,
    pointsFromKernel:
      @escaping @Sendable (
        KernelShape, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
      ) -> Void,
    kernelFromPoints:
      @escaping @Sendable (
        KernelShape, UnsafePointer<Float>, Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>
      ) -> Void,
    normalize:
      @escaping @Sendable (
        NormalizationShape, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>
      ) -> Void,
    normalizationGradient:
      @escaping @Sendable (
        NormalizationShape, UnsafePointer<Float>, UnsafePointer<Float>, Int,
        UnsafeMutablePointer<Float>
      ) -> Void,
    rectify: @escaping @Sendable (UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void,
    rectifierGradient:
      @escaping @Sendable (
        UnsafePointer<Float>, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>
      ) -> Void,
    maximum:
      @escaping @Sendable (
        PoolGrid, UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<UInt8>
      ) -> Void,
    maximumGradient:
      @escaping @Sendable (
        PoolGrid, UnsafePointer<Float>, UnsafePointer<UInt8>, UnsafeMutablePointer<Float>
      ) -> Void
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
  }
}
