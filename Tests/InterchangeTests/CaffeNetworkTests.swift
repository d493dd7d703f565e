import Interchange
import Networks
import TestSupport
import Testing

/// What is around the layers of Caffe's networks: losses, softmaxes, sources of data.
extension LayerComparisonTests {
  typealias Layer = CaffeNetworks.Layer

  /// bvlc_alexnet as it is trained, with other layers in place of the softmax.
  func trained(_ ends: [Layer]) -> [Layer] {
    Array(CaffeNetworks.alexNet(poolsFirst: false).dropLast()) + ends
  }

  /// bvlc_alexnet whose first layer reads "data", with its sources.
  func fed(_ sources: [Layer]) -> [Layer] {
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    layers[0].bottoms = ["data"]
    return sources + layers
  }

  @Test(arguments: ["EuclideanLoss", "HingeLoss", "SigmoidCrossEntropyLoss"], 1...2)
  func aNetworkWithoutASoftmaxIsRefused(_ type: String, _ generation: Int) throws {
    let loss = Layer("loss", type, bottoms: ["fc8", "label"])
    let message = try #require(
      try complaint(trained([loss]), generation: generation, .caffeAlexNet(classes: 9)))
    #expect(message.contains("its layer 'loss' (a '\(type)', which is not"), "\(message)")
    #expect(message.contains("Networks here end in a softmax"), "\(message)")
    let turned = Layer("loss", type, bottoms: ["label", "fc8"])
    #expect(
      try complaint(trained([turned]), generation: generation, .caffeAlexNet(classes: 9)) == message
    )
    // Where the last layer starts anew, its loss does not matter.
    let path = try folder.write(
      CaffeNetworks.model(trained([loss]), generation: generation), "n.caffemodel")
    _ = try NetworkWeights(
      CaffeModel(opening: path), of: .caffeAlexNet(classes: 9), but: ["fc8"])
  }

  @Test(arguments: ["SoftmaxWithLoss", "MultinomialLogisticLoss", "InfogainLoss"], 0...2)
  func aLossOfASoftmaxIsNoLayer(_ type: String, _ generation: Int) throws {
    let loss = Layer("loss", type, bottoms: ["fc8", "label"])
    #expect(
      try complaint(trained([loss]), generation: generation, .caffeAlexNet(classes: 9)) == nil)
  }

  @Test func lossesBesideASoftmaxAreNoLayers() throws {
    let softmax = Layer("loss", "SoftmaxWithLoss", bottoms: ["fc8", "label"])
    let hinge = Layer("hinge", "HingeLoss", bottoms: ["fc8", "label"])
    let probabilities = Layer("prob", "Softmax", bottoms: ["fc8"])
    for ends in [
      [softmax, Layer("center", "CenterLoss", bottoms: ["drop7", "label"])], [hinge, softmax],
      [hinge, probabilities], [probabilities, hinge],
      [probabilities, Layer("distance", "EuclideanLoss", bottoms: ["prob", "label"])],
    ] {
      #expect(
        try complaint(trained(ends), .caffeAlexNet(classes: 9)) == nil, "\(ends.map(\.type))")
    }
    // One in the midst of the others.
    var layers = trained([softmax])
    let last = try #require(layers.firstIndex { $0.name == "fc8" })
    layers[last].bottoms = ["drop7"]
    layers.insert(Layer("center", "CenterLoss", bottoms: ["drop7", "label"]), at: last)
    #expect(try complaint(layers, .caffeAlexNet(classes: 9)) == nil)
    layers.insert(Layer("prob7", "Softmax", bottoms: ["drop7"], tops: ["prob7"]), at: last)
    #expect(try complaint(layers, .caffeAlexNet(classes: 9)) == nil)
    layers[layers.count - 1] = Layer("distance", "EuclideanLoss", bottoms: ["fc8", "label"])
    #expect(try complaint(layers, .caffeAlexNet(classes: 9)) != nil)
  }

  @Test func aSoftmaxBeforeOtherLayersIsRefused() throws {
    for top in ["relu7", "soft"] {
      var layers = CaffeNetworks.alexNet(poolsFirst: false)
      let place = try #require(layers.firstIndex { $0.name == "drop7" })
      layers.insert(Layer("soft", "Softmax", tops: [top]), at: place)
      let message = try complaint(layers, .caffeAlexNet(classes: 9))
      #expect(
        message?.contains("'soft' is a 'Softmax before other layers'") == true, "\(message ?? "")")
    }
  }

  @Test(arguments: 1...2) func labelsMayComeFromAnywhere(_ generation: Int) throws {
    let pictures = Layer("pictures", "Data", ["crop_size": 227], tops: ["data"])
    let labels = Layer("labels", "Data", ["crop_size": 100], ["scale": 0.5], tops: ["label"])
    let split = Layer("split", "Split", bottoms: ["label"], tops: ["label_0", "label_1"])
    for sources in [
      [pictures, labels, split], [labels, split, pictures],
      [Layer("both", "Data", ["crop_size": 227], tops: ["label", "data"]), split],
      [Layer("own", "Python", bottoms: [], tops: ["label", "data"]), labels, pictures],
      [Layer("own", "Python", bottoms: [], tops: ["label"]), split, pictures],
    ] {
      let names = "\(sources.map(\.name))"
      #expect(
        try complaint(fed(sources), generation: generation, .caffeAlexNet(classes: 9)) == nil,
        "\(names)")
      let path = try folder.write(
        CaffeNetworks.model(fed(sources), generation: generation), "n.caffemodel")
      let said = try CaffeModel(opening: path).pictures
      #expect(said.side == 227 && said.factors == nil, "\(names)")
    }
    // Pictures that another program's layer makes.
    let own = fed([Layer("own", "Python", bottoms: [], tops: ["data", "label"])])
    #expect(try complaint(own, generation: generation, .caffeAlexNet(classes: 9)) == nil)
    // A second source of pictures is a branch all the same.
    var layers = fed([pictures, Layer("more", "Data")])
    let second = try #require(layers.firstIndex { $0.name == "conv2" })
    layers[second].bottoms = ["more"]
    let message = try complaint(layers, generation: generation, .caffeAlexNet(classes: 9))
    #expect(message?.contains("'Convolution of more'") == true, "\(message ?? "")")
  }

  @Test func picturesAreTheFirstOfSeveralInputs() throws {
    let bytes = CaffeNetworks.model(
      CaffeNetworks.alexNet(poolsFirst: false), generation: 2,
      inputs: [1, 3, 227, 227, 1, 1, 50, 60])
    let said = try CaffeModel(opening: folder.write(bytes, "n.caffemodel")).pictures
    #expect(said.side == 227 && said.oblong == nil)
  }

  @Test(arguments: [
    ("Power", 0, "Save the network without 'new', and give --mean, --scale and --deviation."),
    ("BatchNorm", 1, "Fold 'new' into the layer before it"),
    ("Sigmoid", 1, "No network here has a layer like 'new'; save the network without it"),
  ]) func theRemedyIsThatOfTheLayer(_ type: String, _ place: Int, _ says: String) throws {
    var layers = CaffeNetworks.alexNet(poolsFirst: false)
    layers.insert(Layer("new", type), at: place)
    let message = try #require(try complaint(layers, .caffeAlexNet(classes: 9)))
    #expect(message.contains(says) && !message.contains("JSON"), "\(message)")
    // A description has any setting, but it has not that layer.
    let conv = try #require(layers.firstIndex { $0.name == "conv3" })
    layers[conv].integers["stride"] = 2
    layers.remove(at: place)
    let other = try complaint(layers, .caffeAlexNet(classes: 9))
    #expect(other?.contains("describe them in a JSON file") == true, "\(other ?? "")")
  }
}
