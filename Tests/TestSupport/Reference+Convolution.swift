extension Reference {
  /// How a convolution's kernels move, and in how many groups.
  package struct Kernels: Sendable {
    /// Kernels.
    package var count: Int
    /// Pixels along each axis of a kernel.
    package var size: Int
    /// Pixels between places.
    package var stride: Int
    /// Zeros to the left and at the top.
    package var padding: Int
    /// Groups of kernels and maps.
    package var groups: Int
    /// Rows of places.
    package var rows: Int
    /// Columns of places.
    package var columns: Int

    /// Kernels over maps of some height and width.
    package init(
      count: Int, size: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1, height: Int,
      width: Int, roundsUp: Bool = true
    ) {
      self.count = count
      self.size = size
      self.stride = stride
      self.padding = padding
      self.groups = groups
      rows = Reference.places(
        length: height, size: size, stride: stride, padding: padding, roundsUp: roundsUp)
      columns = Reference.places(
        length: width, size: size, stride: stride, padding: padding, roundsUp: roundsUp)
    }

    /// Calls `body` for every run of output pixels of a row under one weight: where the weight, the
    /// output and the input (which goes on by `stride`) are, and how many pixels there are.
    @inline(__always)
    fileprivate func forEachRun(
      over x: FeatureMaps,
      _ body: (_ weight: Int, _ output: Int, _ input: Int, _ count: Int) -> Void
    ) {
      let (maps, kernels) = (x.maps / groups, count / groups)
      for image in 0..<x.images {
        for kernel in 0..<count {
          for map in 0..<maps {
            let source = x.start(image, kernel / kernels * maps + map)
            for r in 0..<size {
              for s in 0..<size {
                let weight = ((kernel * maps + map) * size + r) * size + s
                let first = max(0, (padding - s + stride - 1) / stride)
                let room = x.width - 1 + padding - s
                let end = room < 0 ? 0 : min(columns, room / stride + 1)
                guard first < end else { continue }
                for row in 0..<rows {
                  let y = row * stride - padding + r
                  guard y >= 0 && y < x.height else { continue }
                  body(
                    weight, ((image * count + kernel) * rows + row) * columns + first,
                    source + y * x.width + first * stride - padding + s, end - first)
                }
              }
            }
          }
        }
      }
    }
  }

  /// y = b + w * x, with weights in the order kernel x map x row x column.
  package static func convolution(
    _ x: FeatureMaps, weights: [Double], biases: [Double], _ kernels: Kernels
  ) -> FeatureMaps {
    var y = FeatureMaps(
      images: x.images, maps: kernels.count, height: kernels.rows, width: kernels.columns)
    let area = kernels.rows * kernels.columns
    for i in y.values.indices { y.values[i] = biases[i / area % kernels.count] }
    y.values.withUnsafeMutableBufferPointer { y in
      weights.withUnsafeBufferPointer { w in
        x.values.withUnsafeBufferPointer { values in
          kernels.forEachRun(over: x) { weight, output, input, count in
            let factor = w[weight]
            if kernels.stride == 1 {
              for i in 0..<count { y[output + i] += factor * values[input + i] }
            } else {
              for i in 0..<count { y[output + i] += factor * values[input + i * kernels.stride] }
            }
          }
        }
      }
    }
    return y
  }

  /// The gradient by x.
  package static func convolutionInputGradient(
    _ dy: FeatureMaps, weights: [Double], x: FeatureMaps, _ kernels: Kernels
  ) -> FeatureMaps {
    var dx = FeatureMaps(like: x)
    dx.values.withUnsafeMutableBufferPointer { dx in
      weights.withUnsafeBufferPointer { w in
        dy.values.withUnsafeBufferPointer { dy in
          kernels.forEachRun(over: x) { weight, output, input, count in
            let factor = w[weight]
            if kernels.stride == 1 {
              for i in 0..<count { dx[input + i] += factor * dy[output + i] }
            } else {
              for i in 0..<count { dx[input + i * kernels.stride] += factor * dy[output + i] }
            }
          }
        }
      }
    }
    return dx
  }

  /// The gradients by the weights and the biases.
  package static func convolutionParameterGradient(
    _ dy: FeatureMaps, x: FeatureMaps, _ kernels: Kernels
  ) -> (weights: [Double], biases: [Double]) {
    let length = kernels.size * kernels.size * x.maps / kernels.groups
    var weights = [Double](repeating: 0, count: kernels.count * length)
    var biases = [Double](repeating: 0, count: kernels.count)
    let area = kernels.rows * kernels.columns
    for (i, gradient) in dy.values.enumerated() { biases[i / area % kernels.count] += gradient }
    weights.withUnsafeMutableBufferPointer { w in
      dy.values.withUnsafeBufferPointer { dy in
        x.values.withUnsafeBufferPointer { values in
          kernels.forEachRun(over: x) { weight, output, input, count in
            var sum = 0.0
            for i in 0..<count { sum += dy[output + i] * values[input + i * kernels.stride] }
            w[weight] += sum
          }
        }
      }
    }
    return (weights, biases)
  }

  /// y = b + w x over all numbers of an image, in the order map x row x column.
  package static func fullyConnected(
    _ x: FeatureMaps, weights: [Double], biases: [Double]
  ) -> FeatureMaps {
    let length = x.maps * x.height * x.width
    var y = FeatureMaps(images: x.images, maps: biases.count, height: 1, width: 1)
    for image in 0..<x.images {
      for kernel in 0..<biases.count {
        var sum = biases[kernel]
        for i in 0..<length { sum += weights[kernel * length + i] * x.values[image * length + i] }
        y[image, kernel, 0, 0] = sum
      }
    }
    return y
  }

  /// The gradient by x.
  package static func fullyConnectedInputGradient(
    _ dy: FeatureMaps, weights: [Double], x: FeatureMaps
  ) -> FeatureMaps {
    let length = x.maps * x.height * x.width
    var dx = FeatureMaps(like: x)
    for image in 0..<x.images {
      for kernel in 0..<dy.maps {
        let gradient = dy[image, kernel, 0, 0]
        for i in 0..<length {
          dx.values[image * length + i] += weights[kernel * length + i] * gradient
        }
      }
    }
    return dx
  }

  /// The gradients by the weights and the biases.
  package static func fullyConnectedParameterGradient(
    _ dy: FeatureMaps, x: FeatureMaps
  ) -> (weights: [Double], biases: [Double]) {
    let length = x.maps * x.height * x.width
    var weights = [Double](repeating: 0, count: dy.maps * length)
    var biases = [Double](repeating: 0, count: dy.maps)
    for image in 0..<x.images {
      for kernel in 0..<dy.maps {
        let gradient = dy[image, kernel, 0, 0]
        biases[kernel] += gradient
        for i in 0..<length {
          weights[kernel * length + i] += gradient * x.values[image * length + i]
        }
      }
    }
    return (weights, biases)
  }
}
