import AlexNet
import Checkpoints
import Foundation
import Layers
import Networks
import System
import TestSupport
import Testing
import Towers

/// Occlusion maps and Grad-CAM, against PyTorch's numbers and against finite differences in Double.
@Suite struct ExplanationTests {
  /// A classifier of a network with some weights, opened for explanations of a layer.
  private static func classifier(
    _ bench: NetworkBench, layer: String, mean: Float, factor: Double, threads: Int = 1
  ) throws -> Classifier {
    let folder = TemporaryFolder()
    let network = bench.network.specification
    let path = folder.file("network.safetensors")
    try ClassifierTests.write(
      bench, to: path, names: (0..<network.classes).map { "class \($0)" },
      mean: [Float](repeating: mean, count: network.imageSide * network.imageSide * 3)
    ) {
      $0["preprocessing"] =
        "{\"meanPlace\":\"centre\",\"factors\":[\(factor),\(factor),\(factor)]}"
    }
    return try Classifier(
      NetworkFile(opening: path), batchSize: 10, threadsPerTower: threads, gradientAt: layer)
  }

  // MARK: PyTorch

  /// conv1 to conv3 of two towers, of which conv2 reads both, a pool, and fc4 with dropout.
  private static let network: NetworkSpecification = {
    var network = SmallNetworks.network(
      "explained", side: 17, classes: 5,
      [
        SmallNetworks.conv("conv1", 6, Window(size: 3, stride: 2)), .relu(name: "relu1"),
        SmallNetworks.conv("conv2", 8, Window(size: 3, stride: 1, padding: 1), reads: .all),
        .relu(name: "relu2"),
        SmallNetworks.conv("conv3", 6, Window(size: 3, stride: 1, padding: 1)),
        .relu(name: "relu3"), .maxPooling(SmallNetworks.pool("pool3", 2, 2)),
        SmallNetworks.fc("fc4", 10), .relu(name: "relu4"),
        .dropout(name: "drop4", probability: 0.5),
      ])
    network.imageSide = 19
    return network
  }()

  /// Weights and biases 0.5 sin(0.7 i + n) with i their place in PyTorch's order, n the layer's
  /// number, and 10 more for biases.
  private static func bench() throws -> NetworkBench {
    let bench = try NetworkBench(network, images: 1)
    let learning = network.layers.filter(\.hasWeights)
    for (number, layer) in learning.enumerated() {
      for (role, phase) in [(Parameter.Role.weight, number + 1), (.bias, number + 11)] {
        for parameter in bench.parameters(layer, role) {
          let length = parameter.layout.kernelLength
          for kernel in parameter.kernels {
            let values = (0..<length).map {
              Float(0.5 * sin(0.7 * Double(kernel * length + $0) + Double(phase)))
            }
            parameter.layout.setKernel(
              kernel - parameter.kernels.lowerBound, of: parameter.value, from: values)
          }
          parameter.noteChange()
        }
      }
    }
    return bench
  }

  /// Pixels (7 i^2 + 31 i) mod 256 within a white frame of one pixel.
  private static func picture() -> SquarePicture {
    let (side, inner) = (19, 17)
    var pixels = [UInt8](repeating: 255, count: side * side * 3)
    for i in 0..<inner * inner * 3 {
      let (y, x, colour) = (i / (3 * inner), i / 3 % inner, i % 3)
      pixels[((y + 1) * side + x + 1) * 3 + colour] = UInt8((7 * i * i + 31 * i) % 256)
    }
    return SquarePicture(square: pixels, side: side)
  }

  /// PyTorch 2 in double precision: `a.retain_grad()` behind the third rectifier,
  /// `y[0, 3].backward()`, and the sum over a tower's maps of the gradient's mean times the map.
  private static let torch = (
    probabilities: [0.0888468792, 0.1417522335, 0.2269991597, 0.2873455776, 0.2550561499],
    towers: [
      [
        0.0189446, 0.0415274, 0.0484802, 0.0329674, 0.011025, 0.000138181, 0, 0, 0.00218118,
        -2.82721e-05, 0, 0, 0, 0, 0.0119029, 0.0241525, 0, 0, 0, 0.0269301, 0.0253079, 0.0111238,
        0.00240319, 0, 0.0655947, 0.0738271, 0.0357435, 0, 0, 0, 0, 0.00258191, -0.00102422, 0, 0,
        0, 0.00146187, 0.00138784, 0, 0, 0, 0.00151857, 0.0298301, 0.0148084, 0, 0, 0, 0.00507722,
        0.00249806, 0.00131028, 0, 0, 0.00972698, 0.00585496, 0.000680129, 0, 0, 0, 0, 0.00217368,
        0, 0, 0, 0,
      ],
      [
        -0.00266555, -0.0040399, -0.00341986, -0.00117226, 0.000243112, 0.00123179, 0, 0,
        0.000672897, 0.00329766, 0, 0, 0, 0, 0, -0.00270421, 0, 0, 0, -0.00604944, -0.00315548,
        -0.000685039, 0.000454223, 0, -0.006883, -0.00439376, 0.000384577, 0.00193329, 0, 0, 0,
        -0.00200814, 0.00580512, 0, 0, 0, 0, 0, 0, 0, 0, 0, -0.000597227, -0.0017763, 0, 0, 0, 0,
        -0.0005521, 0.000336605, 0, 0, -0.00139534, -0.000849958, -0.000715497, -9.6603e-05, 0, 0,
        0, -0.000521083, 0, 0, 0, 0,
      ],
    ],
    /// A square of 5 pixels at 0, 4, 8 and 12 of both sides set to 0.
    hidden: [
      0.313761, 0.297454, 0.283208, 0.309173, 0.21984, 0.359406, 0.260797, 0.228797, 0.306787,
      0.299956, 0.371574, 0.278842, 0.313832, 0.275619, 0.250046, 0.254304,
    ]
  )

  @Test(arguments: [1, 2]) func bothMapsEqualPyTorchs(threads: Int) throws {
    let layer = try Self.network.explainedLayer()
    #expect(layer == "relu3")
    let classifier = try Self.classifier(
      Self.bench(), layer: layer, mean: 120, factor: 0.01, threads: threads)
    // Twice: nothing may remain of the picture before.
    for _ in 0..<2 {
      let explanation = try classifier.explain(Self.picture(), layer: layer, square: 5, stride: 4)
      #expect(explanation.label == 3)
      #expect(relativeError(explanation.prediction.probabilities, Self.torch.probabilities) < 1e-5)
      for (tower, expected) in Self.torch.towers.enumerated() {
        let map = explanation.gradCAM.towers[tower]
        #expect((map.height, map.width) == (8, 8))
        #expect(relativeError(map.values, expected) < 2e-5, "tower \(tower)")
      }
      let whole = zip(Self.torch.towers[0], Self.torch.towers[1]).map { max(0, $0 + $1) }
      #expect(relativeError(explanation.gradCAM.whole.values, whole) < 2e-5)
      #expect(explanation.occlusion.places == [0, 4, 8, 12])
      #expect(relativeError(explanation.occlusion.probabilities, Self.torch.hidden) < 1e-5)
      #expect(explanation.occlusion.lowest == 4)
      #expect(explanation.crop.side == 17 && explanation.crop.pixels[0..<3] == [0, 38, 90])
    }
  }

  // MARK: Finite differences

  /// Nothing but smooth functions, so that differences are the gradient: of the last convolution,
  /// and of the one before it, which both towers read.
  @Test(arguments: [1, 2]) func gradCAMAgreesWithFiniteDifferences(convolution: Int) throws {
    let network = SmallNetworks.network(
      "smooth", side: 14, classes: 5,
      [
        SmallNetworks.conv("conv1", 6, Window(size: 4, stride: 2)), .tanh(name: "tanh1"),
        SmallNetworks.conv("conv2", 8, Window(size: 3, stride: 1), reads: .all),
        .tanh(name: "tanh2"), .averagePooling(SmallNetworks.pool("pool2", 2, 1)),
        SmallNetworks.fc("fc3", 9), .tanh(name: "tanh3"),
      ])
    let bench = try NetworkBench(network, images: 1, seed: 9)
    let layer = try network.explainedLayer("conv\(convolution)")
    let classifier = try Self.classifier(bench, layer: layer, mean: 128, factor: 0.02)
    var random = SmallRandom(4)
    let bytes = (0..<14 * 14 * 3).map { _ in UInt8(random.integer(in: 0...255)) }
    let picture = SquarePicture(square: bytes, side: 14)
    let reference = bench.reference()
    let shape = MapShape(height: 14, width: 14, maps: 3)
    let image = FeatureMaps(images: 1, [(shape, bytes.map { (Float($0) - 128) * 0.02 })])
    // What follows the layer, as a network of its own.
    var rest = reference
    rest.specification.layers.removeFirst(2 * convolution)
    let maps = reference.forward(image)[2 * convolution]
    let pixels = maps.height * maps.width
    for label in 0..<network.classes {
      var sums = [[Double]](repeating: [Double](repeating: 0, count: pixels), count: 2)
      for map in 0..<maps.maps {
        var slope = 0.0
        for place in maps.start(0, map)..<maps.start(0, map) + pixels {
          let scores = [1e-5, -1e-5].map { step in
            var moved = maps
            moved.values[place] += step
            return rest.forward(moved).last?[0, label, 0, 0] ?? .nan
          }
          slope += (scores[0] - scores[1]) / 2e-5 / Double(pixels)
        }
        for pixel in 0..<pixels {
          sums[map / (maps.maps / 2)][pixel] += slope * maps.values[maps.start(0, map) + pixel]
        }
      }
      let explanation = try classifier.explain(
        picture, label: label, layer: layer, square: 14, stride: 1)
      for tower in 0..<2 {
        let error = relativeError(explanation.gradCAM.towers[tower].values, sums[tower])
        #expect(error < 1e-4, "class \(label), tower \(tower)")
      }
      // A square that hides everything leaves the picture of nothing.
      let nothing = FeatureMaps(images: 1, maps: 3, height: 14, width: 14)
      let logits = reference.forward(nothing).last?.values ?? []
      let hidden = exp(logits[label]) / logits.reduce(0) { $0 + exp($1) }
      #expect(explanation.occlusion.probabilities.count == 1)
      #expect(abs(explanation.occlusion.probabilities[0] - hidden) < 1e-6)
    }
  }

  // MARK: By hand

  @Test func aFallIsTheMeanOverTheSquaresThatHideAPixel() {
    let map = OcclusionMap(
      side: 3, square: 2, places: [0, 1], whole: 0.5, probabilities: [0.5, 0.1, 0.7, 0.5])
    #expect(map.lowest == 1)
    let falls: [Double] = [0, 0.2, 0.4, -0.1, 0.05, 0.2, -0.2, -0.1, 0]
    #expect(zip(map.falls.values, falls).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test func aMapIsStretchedBetweenTheMiddlesOfItsCells() {
    let map = HeatMap(height: 1, width: 2, [0, 8])
    #expect(map.stretched(over: 4) == [0, 2, 6, 8, 0, 2, 6, 8, 0, 2, 6, 8, 0, 2, 6, 8])
    #expect(map.peak == 8 && map.mapped { -$0 }.peak == 8)
  }

  @Test func layersWithoutMapsAreRefused() throws {
    let alexNet = try #require(
      NetworkSpecification.preset("alexnet", classes: 10, recipe: .paper))
    #expect(try alexNet.explainedLayer() == "relu5")
    #expect(try alexNet.explainedLayer("conv1") == "relu1")
    for (name, sentence) in [("fc6", "has one pixel"), ("conv9", "no layer 'conv9'")] {
      let failure = #expect(throws: Failure.self) { try alexNet.explainedLayer(name) }
      #expect(failure?.exitCode == .usage && failure?.message.contains(sentence) == true)
    }
    let linear = SmallNetworks.network("linear", [])
    let failure = #expect(throws: Failure.self) { try linear.explainedLayer() }
    #expect(failure?.message.contains("has no convolution") == true)
  }
}
