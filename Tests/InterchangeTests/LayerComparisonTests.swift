import Interchange
import Layers
import Networks
import System
import TestSupport
import Testing

/// Layers that a file describes against those of the network that was chosen.
@Suite struct LayerComparisonTests {
  let folder = TemporaryFolder()

  /// What a file of Caffe is refused with for a preset; nil where it is taken.
  func complaint(
    _ layers: [CaffeNetworks.Layer], generation: Int = 2, _ network: NetworkSpecification
  ) throws -> String? {
    let path = try folder.write(
      CaffeNetworks.model(layers, generation: generation), "n.caffemodel")
    do {
      _ = try NetworkWeights(CaffeModel(opening: path), of: network)
      return nil
    } catch {
      #expect(error.exitCode == .badData)
      return error.message
    }
  }

  @Test(arguments: 0...2, [false, true])
  func caffesTwoNetworksAreDistinguishedInEachFormat(_ generation: Int, poolsFirst: Bool) throws {
    let layers = CaffeNetworks.alexNet(poolsFirst: poolsFirst)
    let both = [NetworkSpecification.caffeAlexNet(classes: 9), .caffeNet(classes: 9)]
    let (right, wrong) = (both[poolsFirst ? 1 : 0], both[poolsFirst ? 0 : 1])
    #expect(try complaint(layers, generation: generation, right) == nil)
    let message = try #require(try complaint(layers, generation: generation, wrong))
    #expect(message.contains("its layer '\(poolsFirst ? "pool1" : "norm1")'"))
    #expect(message.contains("the network's '\(poolsFirst ? "norm1" : "pool1")'"))
    #expect(message.contains("those of --network \(right.name)."))
    for other in [
      NetworkSpecification.alexNet(classes: 9, recipe: .paper), .torchvisionAlexNet(classes: 9),
    ] {
      #expect(
        try complaint(layers, generation: generation, other)?.contains("'conv1'") == true)
    }
  }

  /// One setting of a layer changed.
  static let changes: [(layer: String, integers: [String: Int], floats: [String: Float])] = [
    ("conv1", ["stride": 3], [:]), ("conv1", ["kernel_size": 7], [:]), ("conv1", ["pad": 2], [:]),
    ("conv2", ["pad": 1], [:]), ("conv2", ["group": 1], [:]), ("conv3", ["group": 2], [:]),
    ("norm1", ["local_size": 3], [:]), ("norm1", [:], ["alpha": 2e-4]),
    ("norm1", [:], ["beta": 0.5]), ("norm2", [:], ["k": 2]), ("pool1", ["kernel_size": 2], [:]),
    ("pool2", ["stride": 1], [:]), ("pool5", ["pool": 1], [:]), ("pool5", ["pool": 2], [:]),
  ]

  @Test(arguments: changes.indices, 0...2) func everySettingIsCompared(
    _ change: Int, _ generation: Int
  ) throws {
    let (name, integers, floats) = Self.changes[change]
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    let place = try #require(layers.firstIndex { $0.name == name })
    layers[place].integers.merge(integers) { $1 }
    layers[place].floats.merge(floats) { $1 }
    let message = try complaint(layers, generation: generation, .caffeAlexNet(classes: 9))
    #expect(message?.contains("its layer '\(name)'") == true)
  }

  /// A map's side of 2^32 - 1: its square is no Int.
  @Test func aNormOfImpossibleSizeIsRefused() throws {
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    let place = try #require(layers.firstIndex { $0.name == "norm1" })
    layers[place].integers.merge(["local_size": 4_294_967_295, "norm_region": 1]) { $1 }
    let message = try complaint(layers, .caffeAlexNet(classes: 9))
    #expect(message?.contains("its layer 'norm1'") == true, "\(message ?? "")")
  }

  @Test func numbersAreShownWithoutRoundingErrors() throws {
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    let place = try #require(layers.firstIndex { $0.name == "norm1" })
    layers[place].floats["alpha"] = 5e-4
    let message = try complaint(layers, .caffeAlexNet(classes: 9))
    #expect(message?.contains("alpha 0.0001 a square, beta 0.75, k 1,") == true, "\(message ?? "")")
    #expect(message?.contains("alpha 2e-05 a square") == true, "\(message ?? "")")
  }

  @Test func unsupportedLayersAreNamed() throws {
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    layers[1].floats["negative_slope"] = 0.1
    let leaky = try complaint(layers, .caffeAlexNet(classes: 9))
    #expect(leaky?.contains("'relu1' is a 'leaky ReLU'") == true)
    layers = CaffeNetworks.alexNet(poolsFirst: false)
    layers.insert(CaffeNetworks.Layer("bn1", "BatchNorm"), at: 1)
    #expect(try complaint(layers, .caffeAlexNet(classes: 9))?.contains("'BatchNorm'") == true)
    layers = CaffeNetworks.alexNet(poolsFirst: false)
    let drop = try #require(layers.firstIndex { $0.name == "drop6" })
    layers[drop].integers["scale_train"] = 0
    #expect(try complaint(layers, .caffeAlexNet(classes: 9))?.contains("'drop6'") == true)
    layers = CaffeNetworks.alexNet(poolsFirst: false).filter { $0.name != "relu7" }
    #expect(try complaint(layers, .caffeAlexNet(classes: 9))?.contains("'relu7'") == true)
  }

  /// The networks of 2013 have layers that pad in front of convolutions that do not.
  @Test func paddingLayersOf2013AddToTheNextConvolution() throws {
    var layers = CaffeNetworks.alexNet(poolsFirst: true)
    for name in ["conv2", "conv3", "conv4", "conv5"] {
      let place = try #require(layers.firstIndex { $0.name == name })
      let pad = try #require(layers[place].integers["pad"])
      layers[place].integers["pad"] = nil
      layers.insert(CaffeNetworks.Layer("pad\(name)", "Padding", ["pad": pad]), at: place)
    }
    #expect(try complaint(layers, generation: 0, .caffeNet(classes: 9)) == nil)
    #expect(try complaint(layers, generation: 0, .caffeAlexNet(classes: 9)) != nil)
  }

  @Test func theLastLayerMayHaveAnotherNameIfTheFileDescribesItsLayers() throws {
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    let place = try #require(layers.firstIndex { $0.name == "fc8" })
    layers[place].name = "fc8_flickr"
    layers[place].blobs = [([20, 4096], [Float](repeating: 0, count: 20 * 4096))]
    let path = try folder.write(CaffeNetworks.model(layers, generation: 2), "n.caffemodel")
    let network = NetworkSpecification.caffeAlexNet(classes: 1000)
    let weights = try NetworkWeights(CaffeModel(opening: path), of: network)
    #expect(weights.classes == 20)
    #expect(
      weights.notes.contains {
        $0.contains("'fc8_flickr' of the file is the network's last, 'fc8'")
      })
  }

  /// fc6 as a window over all of its input, as in networks that are convolutions throughout.
  @Test func aConvolutionOverWholeMapsIsAFullyConnectedLayer() throws {
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    for (name, size) in [("fc6", 6), ("fc7", 1), ("fc8", 1)] {
      let place = try #require(layers.firstIndex { $0.name == name })
      layers[place].type = "Convolution"
      layers[place].integers = ["kernel_size": size]
    }
    #expect(try complaint(layers, .caffeAlexNet(classes: 9)) == nil)
    let place = try #require(layers.firstIndex { $0.name == "fc6" })
    layers[place].integers = ["kernel_size": 5]
    #expect(try complaint(layers, .caffeAlexNet(classes: 9))?.contains("'fc6'") == true)
    // By names alone the shape tells: neurons x maps x rows x columns.
    let network = SmallFiles.network()
    let path = try SmallFiles.foreign(network, folder) { tensor in
      tensor.name == "head.weight" ? ("head.weight", [5, 4, 2, 2]) : (tensor.name, tensor.shape)
    }
    let head = try #require(network.tensors.first { $0.name == "head.weight" })
    #expect(head.shape == [5, 16])
    let weights = try NetworkWeights(WeightFile.open(path), of: network)
    #expect(try weights.read(head) == SmallFiles.values(head))
  }
}
