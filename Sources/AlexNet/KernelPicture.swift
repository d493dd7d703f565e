import Layers
import ModelParallel
import Networks
import System
import Tensors
package import Towers

/// The kernels of the first layer as pictures, one block for each tower, like the paper's figure 3.
///
/// Each kernel is scaled separately: grey stands for 0, and its largest weight, positive or
/// negative, gets the full range: 127.5 + 127.5 w / max |w|.
package struct KernelPicture: Sendable, Equatable {
  /// The width in pixels.
  package let width: Int
  /// The height in pixels.
  package let height: Int
  /// `width * height * 3` RGB values, rows from the top.
  package let pixels: [UInt8]

  /// Draws kernels.
  /// - Parameters:
  ///   - kernels: Their weights in canonical order, kernels x 3 x side x side.
  ///   - side: The height and width of a kernel.
  ///   - towers: The number of towers that they are split over.
  ///   - columns: The number of kernels in a row.
  ///   - background: The shade between the kernels.
  package init(
    _ kernels: [Float], side: Int, towers: Int, columns: Int = 16, background: UInt8 = 255
  ) {
    let length = 3 * side * side
    let count = kernels.count / length
    // Small kernels are enlarged, so that their pixels are visible.
    let zoom = max(1, 33 / side)
    let (tile, gap) = (side * zoom, 3)
    let cell = tile + gap
    let blocks = (0..<towers).map { tower in
      evenSplit(count, part: tower, of: towers)
    }
    let rows = blocks.map { ($0.count + columns - 1) / columns }
    let width = min(columns, blocks.map(\.count).max() ?? 0) * cell + gap
    let height = rows.reduce(0, +) * cell + gap + (towers - 1) * 3 * gap
    var pixels = [UInt8](repeating: background, count: width * height * 3)
    var top = gap
    for (block, blockRows) in zip(blocks, rows) {
      for (place, kernel) in block.enumerated() {
        let weights = kernels[kernel * length..<(kernel + 1) * length]
        let largest = max(weights.reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
        let (left, upper) = (gap + place % columns * cell, top + place / columns * cell)
        for y in 0..<tile {
          for x in 0..<tile {
            for colour in 0..<3 {
              let weight = weights[
                weights.startIndex + (colour * side + y / zoom) * side + x / zoom]
              let shade = 127.5 + 127.5 * weight / largest
              pixels[((upper + y) * width + left + x) * 3 + colour] =
                shade.isFinite ? UInt8(max(0, min(255, shade.rounded()))) : 0
            }
          }
        }
      }
      top += blockRows * cell + 3 * gap
    }
    (self.width, self.height, self.pixels) = (width, height, pixels)
  }
}

/// The first layer's kernels that a process owns.
package struct FirstKernels: Sendable {
  /// The height and width of a kernel.
  package let side: Int
  /// The weights of all kernels in canonical order; zeros for those of other processes.
  package var weights: [Float]
  /// How many times each kernel is counted: 1 for this process's own, otherwise 0.
  package var owners: [Float]

  /// Copies the kernels of a network; nil if the first layer is not a convolution.
  package init?(of network: Network) {
    guard case .convolution(let layer)? = network.specification.layers.first else { return nil }
    side = layer.window.size
    let length = 3 * side * side
    weights = [Float](repeating: 0, count: layer.kernels * length)
    owners = [Float](repeating: 0, count: layer.kernels)
    let name = layer.tensorName + ".weight"
    for parameter in network.parameters where parameter.name == name {
      guard parameter.layout.kernelLength == length else { return nil }
      weights.withUnsafeMutableBufferPointer { weights in
        for row in 0..<parameter.layout.kernels {
          let kernel = parameter.kernels.lowerBound + row
          parameter.layout.getKernel(
            row, of: parameter.value, into: weights.start + kernel * length)
          owners[kernel] = 1
        }
      }
    }
  }

  /// The kernels as a picture, if all of them are here or were summed over the processes.
  package func picture(towers: Int, background: UInt8 = 255) -> KernelPicture {
    let length = 3 * side * side
    let whole = weights.enumerated().map { $1 / max(1, owners[$0 / length]) }
    return KernelPicture(whole, side: side, towers: towers, background: background)
  }
}
