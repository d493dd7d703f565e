import Kernels
import Networks

/// How Winograd's algorithm is laid out for one convolution: tiles, rounds, and the memory that
/// they take.
struct WinogradPlan {
  /// What the algorithm reads in each slice: the inputs, or their squares where the stride is
  /// rearranged away.
  let slices: [MapShape]
  /// What it makes.
  let output: MapShape
  /// Pixels (or squares) along each axis of a kernel.
  let kernelSize: Int
  /// How a stride becomes one of 1; nil where it is.
  let rearrangement: StrideRearrangement?
  /// The tiles of an image.
  let grid: TileGrid
  /// Images that are transformed together.
  let round: Int

  /// Plans a convolution with the tile that costs least.
  ///
  /// Nil where the algorithm does not fit: kernels of sizes that there are no tiles for, groups, or
  /// maps that do not fill whole vectors.
  init?(inputs: [MapShape], output: MapShape, window: Window, groups: Int) {
    let isStrided = window.stride > 1
    let squares = window.stride * window.stride
    let kernelSize = (window.size + window.stride - 1) / window.stride
    let maps = (inputs.map(\.maps).max() ?? 0) * squares
    guard groups == 1, !isStrided || (inputs.count == 1 && window.padding == 0),
      output.maps % 16 == 0, inputs.allSatisfy({ $0.maps * squares % 16 == 0 }),
      let tile = WinogradCoefficients.available(kernelSize: kernelSize)
        .min(by: { Self.cost($0, maps, output) < Self.cost($1, maps, output) })
    else { return nil }
    let rearrangement =
      isStrided ? StrideRearrangement(input: inputs[0], output: output, window: window) : nil
    self.rearrangement = rearrangement
    slices = rearrangement.map { [$0.rearranged] } ?? inputs
    self.output = output
    self.kernelSize = kernelSize
    grid = TileGrid(
      height: slices[0].height, width: slices[0].width, outputHeight: output.height,
      outputWidth: output.width, padding: isStrided ? 0 : window.padding, size: tile.size,
      outputs: tile.outputs)
    // As many tiles as are about as large as the transformed kernels, each of which is read once a
    // round: fewer would fetch the kernels too often, more would push the tiles out of the cache.
    let tiles = 3 * maps * output.maps / (2 * (maps + output.maps))
    round = max(1, (tiles + grid.tiles - 1) / grid.tiles)
  }

  /// Whether it is faster than the patches even for a few images.
  ///
  /// Every pass reads the transformed kernels, which are many times the kernels' size: each of their
  /// numbers costs as much as 37 multiplications (measured, where they are transformed anew in every
  /// step). One image of a layer with many maps and few tiles does not pay for that. Where they stay
  /// as they are it would, but patches round ten times less: a single picture's probabilities are
  /// compared with other programs'.
  func isWorthwhile(images: Int) -> Bool {
    guard images < 8 else { return true }
    let kernels = widest * output.maps
    let tiles = images * Self.cost((grid.size, grid.outputs), widest, output)
    let patches = images * output.pixels * kernelSize * kernelSize * kernels
    return tiles + 37 * grid.points * kernels < patches
  }

  /// The work on an image, in multiplications: the products of each point, and the transforms of a
  /// number to and from points, which cost about as much as 4 n products (measured: they wait for
  /// memory).
  private static func cost(
    _ tile: (size: Int, outputs: Int), _ maps: Int, _ output: MapShape
  ) -> Int {
    let down = (output.height + tile.outputs - 1) / tile.outputs
    let across = (output.width + tile.outputs - 1) / tile.outputs
    let numbers = down * across * tile.size * tile.size
    return numbers * (maps * output.maps + 4 * tile.size * (maps + output.maps))
  }

  /// A kernel's weights that read a slice.
  func kernelShape(_ slice: Int) -> KernelShape {
    KernelShape(size: grid.size, pixels: kernelSize, maps: slices[slice].maps)
  }

  /// Numbers of the transformed kernels of a slice.
  func kernelCount(_ slice: Int) -> Int { grid.points * output.maps * slices[slice].maps }
  /// Numbers of all kernels in squares.
  var rearrangedKernelCount: Int {
    rearrangement == nil ? 0 : kernelSize * kernelSize * slices[0].maps * output.maps
  }
  /// Numbers of a round's transformed inputs.
  var inputCount: Int { grid.points * round * grid.tiles * widest }
  /// Numbers of a round's products.
  var outputCount: Int { grid.points * round * grid.tiles * output.maps }
  /// Numbers of one image in squares.
  var squareCount: Int { rearrangement == nil ? 0 : slices[0].count }

  private var widest: Int { slices.map(\.maps).max() ?? 0 }

  /// Numbers that a thread needs while it computes.
  func scratchCount(isTrained: Bool) -> Int {
    // Before a pass, a slice's kernels lie here with their maps as rows.
    max(inputCount, kernelSize * kernelSize * widest * output.maps) + outputCount + squareCount
      + (isTrained ? output.maps + (slices.indices.map(kernelCount).max() ?? 0) : 0)
  }

  /// The memory for training: the layer's own, and what layers use one after the other.
  func memory(threads: Int) -> WorkspaceBytes {
    let kernels = slices.indices.reduce(0) { $0 + kernelCount($1) }
    let float = MemoryLayout<Float>.stride
    return WorkspaceBytes(
      own: float * (kernels + rearrangedKernelCount),
      threads: float * threads * scratchCount(isTrained: true))
  }
}
