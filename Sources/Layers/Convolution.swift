public import Tensors
public import Threads

/// Convolution of feature maps with a tower's kernels.
///
/// y[n,p,q,k] = b[k] + sum over r,s,c of w[k,r,s,c] x[n, p stride + r - padding, q stride + s - padding, c],
/// where pixels outside the map are zero. With `groups` g, kernels and input maps fall into g equal groups
/// and a kernel reads its own group alone. Several shares (the maps of several towers) add up.
///
/// Each image's patches are laid out as the rows of a matrix (im2col) and multiplied with the kernels by
/// BLAS; the images of a batch are spread over the tower's threads.
public final class Convolution: Layer {
  /// The layer's name.
  public let name: String
  /// The maps that the layer reads.
  public let inputs: [MapShape]
  /// The maps that it makes: places x places x kernels.
  public let output: MapShape
  /// The weights, then the biases.
  public var parameters: [Parameter] { [weight, bias] }

  /// Kernels x height x width x maps.
  public let weight: Parameter
  /// One number a kernel.
  public let bias: Parameter

  private let window: Window
  private let groups: Int
  private let team: ThreadTeam
  private let scratch: [Scratch]

  /// What one thread needs for itself.
  private struct Scratch {
    let patches: Tensor
    let weightGradient: Tensor
    let biasSum: Tensor
  }

  /// About half of a core's second-level cache holds a block of patches.
  private static let patchFloats = 96 * 1024

  /// Makes a convolution with weights of zero.
  /// - Parameters:
  ///   - name: The layer's name.
  ///   - inputs: The maps of each share; all of one height and width.
  ///   - window: The kernels' size, stride and padding.
  ///   - groups: How many groups kernels and maps fall into; 1 where there are several shares.
  ///   - weight: The weights, in the layout height = width = size, shares' maps divided by groups.
  ///   - bias: The biases.
  ///   - team: The tower's threads.
  public init(
    name: String, inputs: [MapShape], window: Window, groups: Int = 1, weight: Parameter,
    bias: Parameter, team: ThreadTeam
  ) {
    precondition(!inputs.isEmpty && (groups == 1 || inputs.count == 1), "Groups need one share.")
    precondition(
      inputs.allSatisfy { $0.height == inputs[0].height && $0.width == inputs[0].width },
      "Shares have one height and width.")
    let kernels = weight.layout.kernels
    precondition(kernels % groups == 0 && inputs[0].maps % groups == 0, "Groups are equal.")
    self.name = name
    self.inputs = inputs
    self.window = window
    self.groups = groups
    self.weight = weight
    self.bias = bias
    self.team = team
    output = MapShape(
      height: window.places(over: inputs[0].height), width: window.places(over: inputs[0].width),
      maps: kernels)
    let longest = inputs.map { $0.maps / groups }.max() ?? 0
    let patchLength = window.size * window.size * longest
    let rows = max(1, min(output.height, Self.patchFloats / max(1, output.width * patchLength)))
    let isTrained = weight.gradient.count > 0
    let patchCount = rows * output.width * patchLength
    scratch = (0..<team.count).map { member in
      Scratch(
        patches: Tensor(patchCount),
        weightGradient: Tensor(isTrained && member > 0 ? weight.layout.count : 0),
        biasSum: Tensor(isTrained ? kernels : 0))
    }
  }

  /// Kernel size^2 x maps x kernels / groups for each output pixel.
  public var multiplicationsPerImage: Int {
    output.pixels * weight.layout.count
  }

  private func rowsPerBlock(patchLength: Int) -> Int {
    max(1, min(output.height, scratch[0].patches.count / (output.width * patchLength)))
  }

  /// Adds the share's products to `y`.
  public func forward(_ x: Tensor, _ share: Share, into y: Tensor, _ pass: Pass) {
    let input = inputs[share.index]
    let maps = input.maps / groups
    let patchLength = window.size * window.size * maps
    let kernels = output.maps / groups
    let weights = weight.value.pointer + weight.layout.shareOffset(share.index)
    team.split(pass.images) { images, member in
      let patches = scratch[member].patches.pointer
      for image in images {
        let source = x.pointer + image * input.count
        let target = y.pointer + image * output.count
        forEachBlock(patchLength) { rows in
          let pixels = rows.count * output.width
          let block = target + rows.lowerBound * output.width * output.maps
          for group in 0..<groups {
            gather(source + group * maps, input, maps, rows, into: patches)
            BLAS.multiply(
              rows: pixels, columns: kernels, inner: patchLength,
              patches, stride: patchLength,
              weights + group * kernels * patchLength, .transposed, stride: patchLength,
              beta: share.isFirst ? 0 : 1,
              into: block + group * kernels, stride: output.maps)
          }
          if share.isLast {
            addRow(bias.value.pointer, count: output.maps, toRows: pixels, of: block)
          }
        }
      }
    }
  }

  /// The transposed convolution: each output gradient is spread over the patch that it came from.
  public func inputGradient(_ dy: Tensor, x: Tensor, _ share: Share, into dx: Tensor, _ pass: Pass)
  {
    let input = inputs[share.index]
    let maps = input.maps / groups
    let patchLength = window.size * window.size * maps
    let kernels = output.maps / groups
    let weights = weight.value.pointer + weight.layout.shareOffset(share.index)
    team.split(pass.images) { images, member in
      let patches = scratch[member].patches.pointer
      for image in images {
        let source = dy.pointer + image * output.count
        let target = dx.pointer + image * input.count
        target.update(repeating: 0, count: input.count)
        forEachBlock(patchLength) { rows in
          let block = source + rows.lowerBound * output.width * output.maps
          for group in 0..<groups {
            BLAS.multiply(
              rows: rows.count * output.width, columns: patchLength, inner: kernels,
              block + group * kernels, stride: output.maps,
              weights + group * kernels * patchLength, stride: patchLength,
              into: patches, stride: patchLength)
            scatter(patches, rows, input, maps, to: target + group * maps)
          }
        }
      }
    }
  }

  /// dw = sum over images and pixels of dy times the patch; db = sum of dy, with the first share.
  public func parameterGradient(_ dy: Tensor, x: Tensor, _ share: Share, _ pass: Pass) {
    let input = inputs[share.index]
    let maps = input.maps / groups
    let patchLength = window.size * window.size * maps
    let kernels = output.maps / groups
    let offset = weight.layout.shareOffset(share.index)
    let gradient = weight.gradient.pointer + offset
    let length = weight.layout.kernels * patchLength
    team.split(pass.images) { images, member in
      let patches = scratch[member].patches.pointer
      let sum = member == 0 ? gradient : scratch[member].weightGradient.pointer + offset
      let biasSum = scratch[member].biasSum.pointer
      if share.isFirst { biasSum.update(repeating: 0, count: output.maps) }
      var beta: Float = 0
      for image in images {
        let source = x.pointer + image * input.count
        let outputGradient = dy.pointer + image * output.count
        forEachBlock(patchLength) { rows in
          let pixels = rows.count * output.width
          let block = outputGradient + rows.lowerBound * output.width * output.maps
          for group in 0..<groups {
            gather(source + group * maps, input, maps, rows, into: patches)
            BLAS.multiply(
              rows: kernels, columns: patchLength, inner: pixels,
              block + group * kernels, .transposed, stride: output.maps,
              patches, stride: patchLength, beta: beta,
              into: sum + group * kernels * patchLength, stride: patchLength)
          }
          beta = 1
        }
        if share.isFirst {
          addRows(outputGradient, count: output.maps, rows: output.pixels, to: biasSum)
        }
      }
    }
    // The threads' sums, always in the same order.
    for member in 0..<team.count {
      let images = ThreadTeam.share(of: pass.images, member: member, count: team.count)
      let target = bias.gradient.pointer
      if member == 0 && share.isFirst { target.update(repeating: 0, count: output.maps) }
      if images.isEmpty {
        if member == 0 { gradient.update(repeating: 0, count: length) }
        continue
      }
      if share.isFirst { add(scratch[member].biasSum.pointer, count: output.maps, to: target) }
      if member > 0 {
        let part = scratch[member].weightGradient.pointer + offset
        team.split(length) { range, _ in
          add(part + range.lowerBound, count: range.count, to: gradient + range.lowerBound)
        }
      }
    }
  }

  private func forEachBlock(_ patchLength: Int, _ body: (_ rows: Range<Int>) -> Void) {
    let step = rowsPerBlock(patchLength: patchLength)
    var row = 0
    while row < output.height {
      body(row..<min(output.height, row + step))
      row += step
    }
  }

  /// Lays the patches under some output rows out as matrix rows of height x width x maps.
  private func gather(
    _ source: UnsafePointer<Float>, _ input: MapShape, _ maps: Int, _ rows: Range<Int>,
    into patches: UnsafeMutablePointer<Float>
  ) {
    let (size, pixel) = (window.size, input.maps)
    var patch = patches
    for row in rows {
      for column in 0..<output.width {
        let left = column * window.stride - window.padding
        let inside = window.covered(at: column, of: input.width)
        for offset in 0..<size {
          let y = row * window.stride - window.padding + offset
          if y < 0 || y >= input.height || inside.isEmpty {
            patch.update(repeating: 0, count: size * maps)
          } else {
            let before = inside.lowerBound - left
            let after = left + size - inside.upperBound
            patch.update(repeating: 0, count: before * maps)
            let line = source + (y * input.width + inside.lowerBound) * pixel
            if maps == pixel {
              (patch + before * maps).update(from: line, count: inside.count * maps)
            } else {
              for x in 0..<inside.count {
                (patch + (before + x) * maps).update(from: line + x * pixel, count: maps)
              }
            }
            (patch + (size - after) * maps).update(repeating: 0, count: after * maps)
          }
          patch += size * maps
        }
      }
    }
  }

  /// Adds patches back to the pixels that they were taken from: the adjoint of `gather`.
  private func scatter(
    _ patches: UnsafePointer<Float>, _ rows: Range<Int>, _ input: MapShape, _ maps: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let (size, pixel) = (window.size, input.maps)
    var patch = patches
    for row in rows {
      for column in 0..<output.width {
        let left = column * window.stride - window.padding
        let inside = window.covered(at: column, of: input.width)
        for offset in 0..<size {
          let y = row * window.stride - window.padding + offset
          if y >= 0 && y < input.height && !inside.isEmpty {
            let from = patch + (inside.lowerBound - left) * maps
            let line = target + (y * input.width + inside.lowerBound) * pixel
            if maps == pixel {
              add(from, count: inside.count * maps, to: line)
            } else {
              for x in 0..<inside.count { add(from + x * maps, count: maps, to: line + x * pixel) }
            }
          }
          patch += size * maps
        }
      }
    }
  }
}
