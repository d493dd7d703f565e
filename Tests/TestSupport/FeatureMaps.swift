import Layers
package import Networks

/// Feature maps of a batch in Double: image x map x row x column, the other way round than under
/// test.
package struct FeatureMaps: Sendable {
  /// Images.
  package let images: Int
  /// Maps of an image.
  package let maps: Int
  /// Rows of a map.
  package let height: Int
  /// Columns of a map.
  package let width: Int
  /// The numbers, the columns fastest.
  package var values: [Double]

  /// Makes maps of zeros.
  package init(images: Int, maps: Int, height: Int, width: Int) {
    self.images = images
    self.maps = maps
    self.height = height
    self.width = width
    values = [Double](repeating: 0, count: images * maps * height * width)
  }

  /// Makes maps of zeros as large as others.
  package init(like other: FeatureMaps) {
    self.init(images: other.images, maps: other.maps, height: other.height, width: other.width)
  }

  /// Takes the maps of one or more slices (towers), side by side, from images x height x width x
  /// maps.
  package init(images: Int, _ slices: [(shape: MapShape, values: [Float])]) {
    let (height, width) = slices.first.map { ($0.shape.height, $0.shape.width) } ?? (0, 0)
    self.init(
      images: images, maps: slices.reduce(0) { $0 + $1.shape.maps }, height: height, width: width)
    var first = 0
    for (shape, numbers) in slices {
      for image in 0..<images {
        for row in 0..<height {
          for column in 0..<width {
            for map in 0..<shape.maps {
              let place = ((image * height + row) * width + column) * shape.maps + map
              self[image, first + map, row, column] = Double(numbers[place])
            }
          }
        }
      }
      first += shape.maps
    }
  }

  /// Where a map begins.
  package func start(_ image: Int, _ map: Int) -> Int { (image * maps + map) * height * width }

  /// One pixel of one map.
  package subscript(_ image: Int, _ map: Int, _ row: Int, _ column: Int) -> Double {
    get { values[start(image, map) + row * width + column] }
    set { values[start(image, map) + row * width + column] = newValue }
  }

  /// Some of the maps in the order of the code under test, images x height x width x maps.
  package func interleaved(maps range: Range<Int>? = nil) -> [Double] {
    let range = range ?? 0..<maps
    var result: [Double] = []
    result.reserveCapacity(images * height * width * range.count)
    for image in 0..<images {
      for row in 0..<height {
        for column in 0..<width {
          for map in range { result.append(self[image, map, row, column]) }
        }
      }
    }
    return result
  }

  /// Each number by itself.
  package func mapped(_ transform: (Double) -> Double) -> FeatureMaps {
    var result = self
    result.values = values.map(transform)
    return result
  }

  /// Each number with the one at the same place of other maps.
  package func combined(
    _ other: FeatureMaps, _ transform: (Double, Double) -> Double
  ) -> FeatureMaps {
    var result = self
    result.values = zip(values, other.values).map(transform)
    return result
  }
}
