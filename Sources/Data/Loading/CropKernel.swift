/// Cuts the network's input out of a decoded picture (crop, mirror, mean, colour), as NHWC floats.
///
/// Each row is one loop over contiguous floats. For mirrored pictures the row of bytes is reversed
/// first, and a mirrored copy of the mean is used.
package final class CropKernel: @unchecked Sendable {
  private let side: Int
  private let inputSide: Int
  private let meanPlace: Augmentation.MeanPlace
  private let mean: UnsafeMutablePointer<Float>
  private let mirroredMean: UnsafeMutablePointer<Float>

  /// Makes a kernel for pictures of `side * side` pixels with a mean image of as many.
  package init(
    mean values: [Float], side: Int, inputSide: Int, meanPlace: Augmentation.MeanPlace
  ) {
    precondition(
      values.count == side * side * 3 && inputSide <= side,
      "The mean must fill the picture, and the crop must fit into it.")
    self.side = side
    self.inputSide = inputSide
    self.meanPlace = meanPlace
    mean = .allocate(capacity: values.count)
    mirroredMean = .allocate(capacity: values.count)
    for y in 0..<side {
      for x in 0..<side {
        for channel in 0..<3 {
          let value = values[(y * side + x) * 3 + channel]
          mean[(y * side + x) * 3 + channel] = value
          mirroredMean[(y * side + side - 1 - x) * 3 + channel] = value
        }
      }
    }
  }

  deinit {
    mean.deallocate()
    mirroredMean.deallocate()
  }

  /// Memory that one thread needs for `apply`.
  struct Scratch {
    fileprivate let row: UnsafeMutablePointer<UInt8>
    fileprivate let shift: UnsafeMutablePointer<Float>

    init(inputSide: Int) {
      row = .allocate(capacity: inputSide * 3)
      shift = .allocate(capacity: inputSide * 3)
    }

    func deallocate() {
      row.deallocate()
      shift.deallocate()
    }
  }

  /// Writes the `inputSide * inputSide * 3` floats of a crop minus the mean, without colour shift.
  /// - Parameters:
  ///   - x: The crop's left edge.
  ///   - y: The crop's upper edge.
  ///   - isMirrored: Whether to mirror the crop.
  ///   - pixels: The picture, `side * side * 3` RGB values.
  ///   - output: Memory for the floats.
  package func cut(
    x: Int, y: Int, isMirrored: Bool, from pixels: UnsafeBufferPointer<UInt8>,
    into output: UnsafeMutablePointer<Float>
  ) {
    guard let start = pixels.baseAddress, pixels.count == side * side * 3 else {
      preconditionFailure("The picture must have \(side)x\(side) pixels.")
    }
    let scratch = Scratch(inputSide: inputSide)
    defer { scratch.deallocate() }
    apply(
      AugmentationDraw(x: x, y: y, isMirrored: isMirrored, shift: .zero, divisor: 1), to: start,
      into: output, scratch)
  }

  /// Writes `inputSide * inputSide * 3` floats.
  func apply(
    _ draw: AugmentationDraw, to pixels: UnsafePointer<UInt8>,
    into output: UnsafeMutablePointer<Float>,
    _ scratch: Scratch
  ) {
    let width = inputSide * 3
    let isShifted = draw.shift != .zero || draw.divisor != 1
    if isShifted {
      for x in 0..<inputSide {
        for channel in 0..<3 { scratch.shift[3 * x + channel] = draw.shift[channel] }
      }
    }
    let centre = (side - inputSide) / 2
    for y in 0..<inputSide {
      var row = pixels + ((draw.y + y) * side + draw.x) * 3
      if draw.isMirrored {
        Self.mirror(row, into: scratch.row, count: inputSide)
        row = UnsafePointer(scratch.row)
      }
      let meanRow: UnsafePointer<Float>
      switch (meanPlace, draw.isMirrored) {
      case (.centre, _): meanRow = UnsafePointer(mean + ((centre + y) * side + centre) * 3)
      case (.cropsOwn, false): meanRow = UnsafePointer(mean + ((draw.y + y) * side + draw.x) * 3)
      case (.cropsOwn, true):
        meanRow = UnsafePointer(
          mirroredMean + ((draw.y + y) * side + side - inputSide - draw.x) * 3)
      }
      let outputRow = output + y * width
      if isShifted {
        Self.subtract(
          meanRow, from: row, adding: scratch.shift, dividingBy: draw.divisor, into: outputRow,
          width)
      } else {
        Self.subtract(meanRow, from: row, into: outputRow, width)
      }
    }
  }

  private static func mirror(
    _ row: UnsafePointer<UInt8>, into output: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    for x in 0..<count {
      let from = 3 * (count - 1 - x)
      output[3 * x] = row[from]
      output[3 * x + 1] = row[from + 1]
      output[3 * x + 2] = row[from + 2]
    }
  }

  private static func subtract(
    _ mean: UnsafePointer<Float>, from row: UnsafePointer<UInt8>,
    into output: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for i in 0..<count { output[i] = Float(row[i]) - mean[i] }
  }

  private static func subtract(
    _ mean: UnsafePointer<Float>, from row: UnsafePointer<UInt8>,
    adding shift: UnsafePointer<Float>,
    dividingBy divisor: Float, into output: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for i in 0..<count { output[i] = (Float(row[i]) - mean[i] + shift[i]) / divisor }
  }
}
