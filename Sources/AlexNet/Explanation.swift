import Layers
package import Networks
package import System
import Tensors
import Towers

/// How probable a class is where a grey square hides a part of the picture (Zeiler and Fergus,
/// "Visualizing and understanding convolutional networks", 2014, section 4.2).
package struct OcclusionMap: Sendable, Equatable {
  /// The height and width of the crop that the network sees.
  package let side: Int
  /// The height and width of the square.
  package let square: Int
  /// Its left edges from left to right, which are its upper edges from the top too.
  package let places: [Int]
  /// The class's probability where nothing is hidden.
  package let whole: Double
  /// The class's probability with the square at each place, row by row.
  package let probabilities: [Double]

  package init(side: Int, square: Int, places: [Int], whole: Double, probabilities: [Double]) {
    precondition(
      probabilities.count == places.count * places.count, "Each place has a probability.")
    (self.side, self.square, self.places) = (side, square, places)
    (self.whole, self.probabilities) = (whole, probabilities)
  }

  /// The places of a square along a side: every `stride` pixels, and at the far edge.
  static func places(side: Int, square: Int, stride: Int) -> [Int] {
    let last = side - square
    return Array(Swift.stride(from: 0, to: last, by: stride)) + [last]
  }

  /// The place of the square with the lowest probability: its number in `probabilities`.
  package var lowest: Int {
    probabilities.indices.min { probabilities[$0] < probabilities[$1] } ?? 0
  }

  /// How far the probability falls, for each pixel of the crop the mean over the squares that hide
  /// it; below 0 where it rises.
  package var falls: HeatMap {
    var (sums, counts) = (
      [Double](repeating: 0, count: side * side), [Double](repeating: 0, count: side * side)
    )
    for (number, probability) in probabilities.enumerated() {
      let (top, left) = (places[number / places.count], places[number % places.count])
      for y in top..<top + square {
        for pixel in y * side + left..<y * side + left + square {
          sums[pixel] += whole - probability
          counts[pixel] += 1
        }
      }
    }
    // Where the stride is longer than the square, pixels between its places are never hidden.
    return HeatMap(height: side, width: side, zip(sums, counts).map { $0 / max(1, $1) })
  }
}

/// Where a layer's maps speak for a class (Selvaraju et al., "Grad-CAM", 2017).
///
/// With A_k the maps of the layer and y the class's score before the softmax, a_k is the mean of
/// dy/dA_k over the map's pixels, and the map is the sum over k of a_k A_k, where it is above 0.
package struct GradCAM: Sendable, Equatable {
  /// The layer.
  package let layer: String
  /// The sum over the maps of each tower, negative numbers too: together they are the whole.
  package let towers: [HeatMap]

  package init(layer: String, towers: [HeatMap]) { (self.layer, self.towers) = (layer, towers) }

  /// What all towers' maps say for the class.
  package var whole: HeatMap {
    towers.dropFirst().reduce(towers[0], +).mapped { max(0, $0) }
  }

  /// What one tower's maps say for it, by themselves.
  package func ofTower(_ tower: Int) -> HeatMap { towers[tower].mapped { max(0, $0) } }
}

/// Why a network gives a class to a picture.
package struct Explanation: Sendable {
  /// What the network says of the picture's middle crop.
  package let prediction: Prediction
  /// The class that is explained.
  package let label: Int
  /// The crop as it is seen: RGB, rows from the top, as many as the occlusion map's side.
  package let crop: SquarePicture
  /// What happens where parts of it are hidden.
  package let occlusion: OcclusionMap
  /// What the maps of a layer say.
  package let gradCAM: GradCAM
}

extension NetworkSpecification {
  /// The layer whose output is at the end of a pass where a layer wrote its own: a rectifier works
  /// in its convolution's place.
  package func standing(for layer: Int) -> Int {
    layer + layers[(layer + 1)...].prefix { $0.traits.worksInPlace }.count
  }

  /// The layer whose maps show best where the network looked: what stands for the last convolution.
  /// - Throws: `Failure` (usage) where no convolution has more than one pixel.
  package func explainedLayer() throws(Failure) -> String {
    let last = layers.lastIndex { if case .convolution = $0 { true } else { false } }
    guard let last else {
      throw Failure(
        .usage, "The network \(quoted(name)) has no convolution whose maps could be drawn.")
    }
    return try explainedLayer(layers[last].name)
  }

  /// The layer whose maps are drawn where one is named.
  /// - Throws: `Failure` (usage) where there is none, or it has no maps.
  package func explainedLayer(_ name: String) throws(Failure) -> String {
    let number = try place(ofLayer: name)
    guard shapes(ofTower: 0)[number].output.pixels > 1 else {
      throw Failure(
        .usage, "Layer \(quoted(name)) has no maps to draw: its output has one pixel.")
    }
    return layers[standing(for: number)].name
  }
}

extension Classifier {
  /// Explains the class of a picture's middle crop; the network must have been opened with
  /// `gradientAt`, which names the layer of the maps.
  /// - Parameters:
  ///   - picture: A square of `imageSide` pixels.
  ///   - label: The class; nil for the most probable one.
  ///   - layer: The layer of `gradientAt`.
  ///   - square: The side of the square that hides parts, at most that of the crop.
  ///   - stride: How far it moves.
  /// - Returns: What the network looked at.
  /// - Throws: `Failure` (usage) if the picture has another size.
  package func explain(
    _ picture: SquarePicture, label: Int? = nil, layer: String, square: Int, stride: Int
  ) throws(Failure) -> Explanation {
    let side = network.specification.inputSide
    precondition((1...side).contains(square) && stride > 0, "The square must fit into the crop.")
    try forward([picture], crops: .centre)
    let prediction = prediction(ofCrops: 0..<1)
    let label = label ?? prediction.best(1)[0]
    guard prediction.probabilities[label].isFinite else {
      throw Failure(.diverged, "The network's outputs are not numbers; its weights are not usable.")
    }
    let gradCAM = try gradCAM(label: label, layer: layer)
    let place = Crops.centre.places(side: imageSide, inputSide: side)[0]
    let row = imageSide * 3
    let pixels = (0..<side).flatMap { y in
      let start = (place.y + y) * row + place.x * 3
      return picture.pixels[start..<start + side * 3]
    }
    return Explanation(
      prediction: prediction, label: label, crop: SquarePicture(square: pixels, side: side),
      occlusion: try occlusion(
        label: label, whole: prediction.probabilities[label], square: square, stride: stride),
      gradCAM: gradCAM)
  }

  /// Slides a square over the first crop of the last pass, many places in a batch.
  ///
  /// What is hidden becomes the mean picture, which is 0 in the network's input: grey, as far as
  /// the pictures that it has learnt from are grey in the mean.
  private func occlusion(
    label: Int, whole: Double, square: Int, stride: Int
  ) throws(Failure) -> OcclusionMap {
    let side = network.specification.inputSide
    let length = side * side * 3
    let crop = Array(input.elements[..<length])
    let places = OcclusionMap.places(side: side, square: square, stride: stride)
    let count = places.count * places.count
    var probabilities: [Double] = []
    while probabilities.count < count {
      let first = probabilities.count
      let part = min(batchSize, count - first)
      team.split(part) { range, _ in
        for number in range {
          let target = input.pointer + number * length
          crop.withUnsafeBufferPointer { target.update(from: $0.start, count: length) }
          let (row, column) = (first + number).quotientAndRemainder(dividingBy: places.count)
          for y in places[row]..<places[row] + square {
            (target + (y * side + places[column]) * 3).update(repeating: 0, count: square * 3)
          }
        }
      }
      try run(crops: part)
      for crop in 0..<part {
        probabilities.append(prediction(ofCrops: crop..<crop + 1).probabilities[label])
      }
    }
    return OcclusionMap(
      side: side, square: square, places: places, whole: whole, probabilities: probabilities)
  }

  /// The map of the first crop of the last pass.
  private func gradCAM(label: Int, layer: String) throws(Failure) -> GradCAM {
    let specification = network.specification
    for (tower, gradient) in network.lossGradient.enumerated() {
      let classes = evenSplit(specification.classes, part: tower, of: specification.towers)
      for place in classes {
        gradient.pointer[place - classes.lowerBound] = place == label ? 1 : 0
      }
    }
    do {
      try network.backward(input, Pass(images: 1, isTraining: false))
    } catch { throw Self.sent(error) }
    let towers = network.outputs(of: layer).enumerated().map { tower, output in
      let (shape, maps) = (output.shape, output.tensor.pointer)
      let gradient = network.lastGradient[tower].pointer
      var means = [Double](repeating: 0, count: shape.maps)
      for place in 0..<shape.count { means[place % shape.maps] += Double(gradient[place]) }
      return HeatMap(
        height: shape.height, width: shape.width,
        (0..<shape.pixels).map { pixel in
          means.indices.reduce(0) { sum, map in
            sum + means[map] / Double(shape.pixels) * Double(maps[pixel * shape.maps + map])
          }
        })
    }
    return GradCAM(layer: layer, towers: towers)
  }
}
