import Images
package import System

/// A picture of many training crops with their labels, to look at.
///
/// A crop is shown as the network gets it, with the subtracted mean added back: crop, mirroring and
/// colour shift are those of training with the seed.
package struct ContactSheet {
  /// The pictures.
  package let dataset: Dataset
  /// The part of the dataset.
  package var split = Split.train
  /// How a picture becomes input.
  package var augmentation = Augmentation.paper
  /// The width and height of a crop in pixels; the default is 7/8 of the pictures' side, 224 of
  /// 256.
  package var inputSide: Int
  /// How many crops are shown.
  package var count = 40
  /// How many are shown in a row.
  package var columns = 8
  /// The seed for order, crops, mirroring and colours.
  package var seed: UInt64 = 1

  // The height of a label, and the white space between the crops.
  private static let labelHeight = 18
  private static let gap = 4

  package init(_ dataset: Dataset) {
    self.dataset = dataset
    inputSide = max(1, dataset.side * 7 / 8)
  }

  /// A sentence that names the fonts to install, if no installed font has some letters of the class
  /// names; otherwise nil.
  package var fontNote: String? {
    let packages = TextLine.missingFonts(for: dataset.classNames)
    return packages.isEmpty
      ? nil
      : "Some letters of the classes' names are drawn as boxes; install the Debian "
        + "\(packages.count == 1 ? "package" : "packages") \(packages.joined(separator: " and "))."
  }

  /// Draws the sheet as a PNG file.
  /// - Throws: `Failure`: usage for sizes that do not fit, bad data for a damaged record, cannot
  ///   create.
  package func write(to path: String) throws(Failure) {
    guard (1...dataset.side).contains(inputSide), count > 0, columns > 0 else {
      throw Failure(
        .usage,
        "Crops of \(inputSide)x\(inputSide) do not fit into pictures of "
          + "\(dataset.side)x\(dataset.side)."
      )
    }
    guard dataset.count(split) > 0 else {
      throw Failure(
        .badData,
        "The dataset \(quoted(dataset.path)) has no \(split.rawValue) pictures to draw.")
    }
    // Small crops are enlarged.
    let zoom = max(1, (95 + inputSide) / inputSide)
    let tile = inputSide * zoom
    let cell = (width: tile + Self.gap, height: tile + Self.labelHeight + Self.gap)
    let rows = (count + columns - 1) / columns
    var sheet = Sheet(
      width: min(count, columns) * cell.width + Self.gap, height: rows * cell.height + Self.gap)
    var stream = ImageStream(count: dataset.count(split), order: .shuffled, seed: seed)
    let drawer = CropDrawer(self)
    for number in 0..<count {
      let place = stream.place(number)
      let left = number % columns * cell.width + Self.gap
      let top = number / columns * cell.height + Self.gap
      let pixels = try drawer.draw(place, split)
      for y in 0..<tile {
        for x in 0..<tile {
          let source = (y / zoom * inputSide + x / zoom) * 3
          sheet.set(left + x, top + y, pixels[source..<source + 3])
        }
      }
      let name = dataset.classNames[dataset.label(split, place.index)]
      let text = TextLine.draw(name, width: tile, height: Self.labelHeight - 2)
      for (i, gray) in text.enumerated() {
        sheet.set(left + i % tile, top + tile + 2 + i / tile, [gray, gray, gray])
      }
    }
    try sheet.write(to: path)
  }

  private struct Sheet {
    let width: Int
    let height: Int
    var pixels: [UInt8]

    init(width: Int, height: Int) {
      self.width = width
      self.height = height
      pixels = Array(repeating: 255, count: width * height * 3)
    }

    mutating func set(_ x: Int, _ y: Int, _ colour: ArraySlice<UInt8>) {
      pixels.replaceSubrange((y * width + x) * 3..<(y * width + x) * 3 + 3, with: colour)
    }

    func write(to path: String) throws(Failure) {
      try PNGFile.write(pixels, width: width, height: height, to: path)
    }
  }
}

/// Draws crops as viewable pictures.
private final class CropDrawer {
  private let dataset: Dataset
  private let inputSide: Int
  private let dice: AugmentationDice
  private let kernel: CropKernel
  private let plain: CropKernel
  private let scratch: CropKernel.Scratch

  init(_ sheet: ContactSheet) {
    dataset = sheet.dataset
    inputSide = sheet.inputSide
    dice = AugmentationDice(
      sheet.augmentation, side: dataset.side, inputSide: inputSide, colour: dataset.colour,
      seed: sheet.seed)
    kernel = CropKernel(
      mean: dataset.mean, side: dataset.side, inputSide: inputSide,
      meanPlace: sheet.augmentation.meanPlace)
    plain = CropKernel(
      mean: dataset.mean.map { _ in 0 }, side: dataset.side, inputSide: inputSide,
      meanPlace: .centre)
    scratch = CropKernel.Scratch(inputSide: inputSide)
  }

  deinit { scratch.deallocate() }

  func draw(_ place: StreamPlace, _ split: Split) throws(Failure) -> [UInt8] {
    let decoded = UnsafeMutableBufferPointer<UInt8>.allocate(
      capacity: dataset.side * dataset.side * 3)
    defer { decoded.deallocate() }
    try dataset.decode(split, place.index, into: decoded)
    func apply(_ kernel: CropKernel, _ draw: AugmentationDraw) -> [Float] {
      [Float](unsafeUninitializedCapacity: inputSide * inputSide * 3) { output, count in
        kernel.apply(draw, to: UnsafePointer(decoded.start), into: output.start, scratch)
        count = inputSide * inputSide * 3
      }
    }
    let draw = dice.draw(place)
    var unshifted = draw
    unshifted.shift = .zero
    unshifted.divisor = 1
    let input = apply(kernel, draw)
    let (crop, lessMean) = (apply(plain, unshifted), apply(kernel, unshifted))
    return input.indices.map { i in
      UInt8(max(0, min(255, (input[i] + crop[i] - lessMean[i]).rounded())))
    }
  }
}
