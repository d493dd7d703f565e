package import Kernels

#if AVX512_KERNELS
  private let name = "AVX-512"
#elseif AVX2_KERNELS
  private let name = "AVX2"
#else
  private let name = "baseline"
#endif

/// This target's functions.
package let kernels = KernelSet(
  name: name,
  tilesFromInput: { grid, x, c, v in
    switch grid.size {
    case 6: tilesFromInput(Tile6.self, grid, x, c, v)
    case 7: tilesFromInput(Tile7.self, grid, x, c, v)
    case 8: tilesFromInput(Tile8.self, grid, x, c, v)
    default: tilesFromInput(Tile9.self, grid, x, c, v)
    }
  },
  outputFromTiles: { grid, m, c, bias, accumulates, y in
    // Literal numbers of outputs: the compiler unrolls the loops over them.
    switch (grid.size, grid.outputs) {
    case (6, 2): outputFromTiles(Tile6.self, outputs: 2, grid, m, c, bias, accumulates, y)
    case (6, 4): outputFromTiles(Tile6.self, outputs: 4, grid, m, c, bias, accumulates, y)
    case (7, 3): outputFromTiles(Tile7.self, outputs: 3, grid, m, c, bias, accumulates, y)
    case (7, 5): outputFromTiles(Tile7.self, outputs: 5, grid, m, c, bias, accumulates, y)
    case (8, 4): outputFromTiles(Tile8.self, outputs: 4, grid, m, c, bias, accumulates, y)
    case (8, 6): outputFromTiles(Tile8.self, outputs: 6, grid, m, c, bias, accumulates, y)
    case (9, 7): outputFromTiles(Tile9.self, outputs: 7, grid, m, c, bias, accumulates, y)
    default: preconditionFailure("There are no tiles of \(grid.outputs) outputs in \(grid.size).")
    }
  },
  tilesFromOutput: { grid, dy, c, m in
    switch (grid.size, grid.outputs) {
    case (6, 2): tilesFromOutput(Tile6.self, outputs: 2, grid, dy, c, m)
    case (6, 4): tilesFromOutput(Tile6.self, outputs: 4, grid, dy, c, m)
    case (7, 3): tilesFromOutput(Tile7.self, outputs: 3, grid, dy, c, m)
    case (7, 5): tilesFromOutput(Tile7.self, outputs: 5, grid, dy, c, m)
    case (8, 4): tilesFromOutput(Tile8.self, outputs: 4, grid, dy, c, m)
    case (8, 6): tilesFromOutput(Tile8.self, outputs: 6, grid, dy, c, m)
    case (9, 7): tilesFromOutput(Tile9.self, outputs: 7, grid, dy, c, m)
    default: preconditionFailure("There are no tiles of \(grid.outputs) outputs in \(grid.size).")
    }
  },
  inputFromTiles: { grid, v, c, dx in
    switch grid.size {
    case 6: inputFromTiles(Tile6.self, grid, v, c, dx)
    case 7: inputFromTiles(Tile7.self, grid, v, c, dx)
    case 8: inputFromTiles(Tile8.self, grid, v, c, dx)
    default: inputFromTiles(Tile9.self, grid, v, c, dx)
    }
  },
  pointsFromKernel: { pointsFromKernel($0, $1, $2, into: $3, stride: $4) },
  kernelFromPoints: { kernelFromPoints($0, $1, stride: $2, $3, into: $4) },
  normalize: { normalize($0, $1, pixels: $2, into: $3) },
  normalizationGradient: { normalizationGradient($0, $1, $2, pixels: $3, into: $4) },
  rectify: { rectify($0, count: $1, into: $2) },
  rectifierGradient: { rectifierGradient($0, $1, count: $2, into: $3) },
  maximum: { maximum($0, $1, into: $2, winner: $3) },
  maximumGradient: { maximumGradient($0, $1, winner: $2, into: $3) },
  directForward: { directForward($0, $1, weights: $2, bias: $3, into: $4) },
  directWeightGradient: { directWeightGradient($0, $1, $2, into: $3) },
  rowProducts: {
    rowProducts(
      $0, rows: $1, length: $2, $3, vectors: $4, accumulates: $5, into: $6, stride: $7)
  },
  narrowProducts: { narrowProducts($0, rows: $1, blocks: $2, $3, accumulates: $4, into: $5) },
  widen: { widen($0, blocks: $1, into: $2) },
  narrow: { narrow($0, count: $1, into: $2) },
  narrowPairs: { narrowPairs($0, $1, count: $2, into: $3) })
