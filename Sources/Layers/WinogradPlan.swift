import Kernels
import Networks

/// How Winograd's algorithm is laid out for one convolution: tiles, rounds, and the memory that
/// they take.
struct WinogradPlan {
  /// What the algorithm reads in each slice: the inputs, or their squares where they are rearranged.
  let slices: [MapShape]
  /// What it makes.
  let output: MapShape
  /// Pixels (or squares) along each axis of a kernel.
  let kernelSize: Int
  /// How a stride becomes one of 1, or maps whole vectors; nil where they are.
  let rearrangement: StrideRearrangement?
  /// The tiles of an image.
  let grid: TileGrid
  /// Images that are transformed together.
  let round: Int

  /// Plans a convolution of at most so many images with the tile that costs least.
  ///
  /// Nil where the algorithm does not fit: kernels of sizes that there are no tiles for, groups, or
  /// maps that do not fill whole vectors; and where patches cost less.
  init?(
    inputs: [MapShape], output: MapShape, window: Window, groups: Int, images: Int, isTrained: Bool
  ) {
    let isStrided = window.stride > 1
    let squares = window.stride * window.stride
    let kernelSize = (window.size + window.stride - 1) / window.stride
    // Fewer than sixteen are convolved directly.
    let isFilledUp =
      !isStrided && inputs.count == 1 && inputs[0].maps > 16 && inputs[0].maps % 16 > 0
    let maps = ((inputs.map(\.maps).max() ?? 0) * squares + 15) / 16 * 16
    /// The work on a few images: of more, each has its tiles, and kernels do not count.
    func cost(_ tile: (size: Int, outputs: Int)) -> Int {
      let work = Self.cost(tile, maps, output)
      guard images < Self.few else { return work }
      let kernelCost = isTrained ? Self.transformingCost : Self.readingCost
      return images * work + kernelCost * tile.size * tile.size * maps * output.maps
    }
    guard groups == 1, !isStrided || (inputs.count == 1 && window.padding == 0),
      output.maps % 16 == 0,
      isFilledUp || inputs.allSatisfy({ $0.maps * squares % 16 == 0 }),
      let tile = WinogradCoefficients.available(kernelSize: kernelSize)
        .min(by: { cost($0) < cost($1) })
    else { return nil }
    if images < Self.few {
      let kernels = maps * output.maps
      let patches = kernelSize * kernelSize * (images * output.pixels + Self.readingCost) * kernels
      guard cost(tile) < patches else { return nil }
    }
    let rearrangement =
      isStrided || isFilledUp
      ? StrideRearrangement(input: inputs[0], output: output, window: window)
      : nil
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

  // Every pass reads the transformed kernels, which are many times the kernels' size. One image of a
  // layer with many maps and few tiles does not always pay for that; then smaller tiles do, of which
  // kernels take less, or patches. Both costs are in multiplications a number, measured.

  /// Fewer images are few.
  private static let few = 8
  /// Reading a transformed kernel's number, where kernels stay as they are.
  private static let readingCost = 12
  /// Transforming it anew in every step, and reading it.
  private static let transformingCost = 37

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
