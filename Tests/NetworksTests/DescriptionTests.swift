import Checkpoints
import Layers
import Networks
import System
import TestSupport
import Testing

@Suite struct DescriptionTests {
  let folder = TemporaryFolder()

  func network(_ json: String) throws -> NetworkSpecification {
    try NetworkSpecification(contentsOf: folder.write(Array(json.utf8), "network.json"))
  }

  /// A description with these layers between the image and the last layer.
  static func json(
    _ layers: String..., towers: String = "2", inputSide: String = "8", imageSide: String = "8",
    classes: String = "5", last: String = #"{"type": "fullyConnected", "name": "fc", "kernels": 5}"#
  ) -> String {
    """
    {"name": "tiny", "towers": \(towers), "inputSide": \(inputSide), "imageSide": \(imageSide),
     "classes": \(classes), "layers": [\((layers + [last]).joined(separator: ", "))]}
    """
  }

  /// The sentence that a description is refused with.
  func complaint(_ json: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
    let failure = #expect(throws: Failure.self, sourceLocation: sourceLocation) {
      _ = try network(json)
    }
    #expect(failure?.exitCode == .badData, sourceLocation: sourceLocation)
    return failure?.message ?? ""
  }

  static let conv = #"{"type": "convolution", "name": "conv", "kernels": 4, "size": 3}"#

  @Test(arguments: NetworkSpecification.presetNames, RecipeName.allCases)
  func presetsSurviveARoundTripThroughJSON(_ name: String, _ recipe: RecipeName) throws {
    let preset = try #require(NetworkSpecification.preset(name, classes: 11, recipe: recipe))
    #expect(try network(preset.json) == preset)
  }

  @Test(arguments: NetworkVariant.allCases) func variantsSurviveARoundTripThroughJSON(
    _ variant: NetworkVariant
  ) throws {
    let base: NetworkSpecification =
      variant == .oneTower ? .cifarFourLayer(classes: 10) : .alexNet(classes: 10, recipe: .paper)
    let changed = try base.applying(variant, recipe: .paper)
    #expect(try network(changed.json) == changed)
  }

  @Test func missingKeysHaveDefaults() throws {
    let network = try network(
      Self.json(
        Self.conv, #"{"type": "relu", "name": "r"}"#,
        #"{"type": "responseNormalization", "name": "n"}"#,
        #"{"type": "spatialNormalization", "name": "s"}"#,
        #"{"type": "maxPooling", "name": "p", "size": 2}"#, #"{"type": "dropout", "name": "d"}"#))
    #expect(
      network.layers == [
        .convolution(
          ConvolutionSpecification(
            name: "conv", kernels: 4, window: Window(size: 3, stride: 1, padding: 0, rounding: .up),
            groups: 1, reads: .own, initial: InitialValues(deviation: 0.01, bias: 0), tensor: nil)),
        .relu(name: "r"),
        .responseNormalization(
          ResponseNormalizationSpecification(
            name: "n", size: 5, constant: 2, scale: 1e-4, exponent: 0.75)),
        .spatialNormalization(
          SpatialNormalizationSpecification(
            name: "s", size: 5, constant: 1, scale: 1e-4, exponent: 0.75)),
        .maxPooling(MaxPoolingSpecification(name: "p", window: Window(size: 2, stride: 1))),
        .dropout(name: "d", probability: 0.5),
        .fullyConnected(
          FullyConnectedSpecification(
            name: "fc", kernels: 5, reads: .all, initial: InitialValues(deviation: 0.01, bias: 0),
            tensor: nil)),
      ])
  }

  /// A description with something under "preprocessing".
  static func json(preprocessing: String) -> String {
    json(conv).replacing("\"layers\"", with: "\"preprocessing\": \(preprocessing), \"layers\"")
  }

  @Test func pixelsAreScaledAsTheDescriptionSays() throws {
    let all = try network(
      Self.json(
        preprocessing:
          #"{"channelOrder": "BGR", "scale": 0.5, "mean": [60, 50, 40], "deviation": [2, 4, 8]}"#))
    #expect(
      all.preprocessing
        == PixelScaling(
          channelOrder: .bgr, scale: 0.5, mean: [60, 50, 40], deviation: [2, 4, 8]))
    let how = Preprocessing(for: all, classNames: ["a", "b", "c", "d", "e"], mean: [])
    // (pixel x 0.5 - 60) / 2 = (pixel - 120) x 0.25.
    #expect(Array(how.mean.prefix(3)) == [120, 100, 80] && how.mean.count == 8 * 8 * 3)
    #expect(how.factors == [0.25, 0.125, 0.0625] && how.channelOrder == .bgr)
    #expect(try network(all.json) == all)
    // Without a mean, the one of the dataset.
    let some = try network(Self.json(preprocessing: #"{"channelOrder": "BGR"}"#))
    let mean = (0..<8 * 8 * 3).map { Float($0) }
    #expect(Preprocessing(for: some, classNames: [], mean: mean).mean == mean)
    #expect(try network(Self.json(Self.conv)).preprocessing == nil)
  }

  @Test(arguments: [
    (#"{"chanelOrder": "BGR"}"#, "'preprocessing' has no setting 'chanelOrder'"),
    (#"{"channelOrder": "GRB"}"#, "GRB"), (#"{"scale": 0}"#, "'scale'"),
    (#"{"scale": -1}"#, "'scale'"), (#"{"mean": [1, 2]}"#, "'mean'"),
    // Means are those of scaled pixels.
    (#"{"scale": 0.00392156862745098, "mean": [124, 117, 104]}"#, "'mean'"),
    (#"{"deviation": [1, 0, 1]}"#, "'deviation'"), (#"{"deviation": [1]}"#, "'deviation'"),
  ])
  func invalidScalingIsRefused(_ text: String, _ words: String) {
    #expect(complaint(Self.json(preprocessing: text)).contains(words))
  }

  @Test func aMisspeltKeyOfTheNetworkIsNamed() {
    let text = Self.json(Self.conv).replacing(
      "\"towers\"", with: "\"preprocesing\": {}, \"towers\"")
    #expect(complaint(text).contains("no setting 'preprocesing'"))
  }

  @Test func aMissingFileIsNamed() {
    let failure = #expect(throws: Failure.self) {
      _ = try NetworkSpecification(contentsOf: folder.file("missing.json"))
    }
    #expect(failure?.exitCode == .inputMissing)
    #expect(failure?.message.contains("missing.json' cannot be opened") == true)
  }

  @Test(arguments: [
    ("", "is not JSON: line 1, column 0: "), ("[]", "an object in braces is expected"),
    ("{\n  \"name\": \"a\"\n  \"towers\": 2 }", "line 3, column 10: '}' expected near"),
    ("{}", "'name' is missing"), (#"{"name": 1}"#, "a text in quotes is expected at .name"),
  ])
  func invalidDescriptionsAreRefused(_ text: String, _ words: String) {
    #expect(complaint(text).contains(words))
  }

  @Test func aMissingOrMisspeltKeyIsNamedWithItsPath() {
    let noKernels = complaint(Self.json(#"{"type": "convolution", "name": "conv", "size": 3}"#))
    #expect(noKernels.contains("'kernels' is missing at .layers[0]"))
    let noSize = complaint(Self.json(#"{"type": "maxPooling", "name": "p"}"#))
    #expect(noSize.contains("'size' is missing at .layers[0]"))
    let misspelt = complaint(
      Self.json(Self.conv, #"{"type": "dropout", "name": "d", "probabilty": 0.3}"#))
    #expect(misspelt.contains("layer 'd' of type dropout has no setting 'probabilty'"))
    #expect(misspelt.contains(".layers[1]"))
    let unknown = complaint(Self.json(#"{"type": "convolutoin", "name": "c"}"#))
    #expect(unknown.contains("convolutoin") && unknown.contains(".layers[0].type"))
    let reads = complaint(
      Self.json(#"{"type": "convolution", "name": "c", "kernels": 4, "size": 3, "reads": "both"}"#))
    #expect(reads.contains("both") && reads.contains(".layers[0].reads"))
    #expect(reads.contains(#""own", "all", or for each tower the list"#))
    let text = complaint(Self.json(#"{"type": "maxPooling", "name": "p", "size": "3"}"#))
    #expect(text.contains("a whole number is expected at .layers[0].size"))
  }

  @Test(arguments: [
    (json(towers: "0"), "'towers' is 0"), (json(towers: "65"), "'towers' is 65"),
    (json(inputSide: "0", imageSide: "0"), "'inputSide' is 0"),
    (json(inputSide: "-8"), "'inputSide' is -8"), (json(imageSide: "7"), "'imageSide' is 7"),
    (json(classes: "1"), "'classes' is 1"),
    (json(classes: "6"), "its last layer 'fc' has 5 kernels for 6 classes"),
    (json(last: conv), "its last layer is not fully connected"),
    (json(conv, conv), "two layers are called 'conv'"),
    (json(#"{"type": "relu", "name": ""}"#), "the name of a layer is ''"),
    (json(#"{"type": "relu", "name": "r\n1"}"#), #"the name of a layer is 'r\u{a}1'"#),
    (json(#"{"type": "relu", "name": "r\u001b[2J"}"#), #"the name of a layer is 'r\u{1b}[2J'"#),
    (
      json(#"{"type": "relu", "name": "\#(String(repeating: "r", count: 1001))"}"#),
      "1 to 1000 letters"
    ),
    (
      json(conv.replacing("}", with: #", "tensor": "a\nb"}"#)),
      #"the 'tensor' of layer 'conv' is 'a\u{a}b'"#
    ),
    (json(#"{"type": "relu", "name": "a/../../x"}"#), "the name of a layer is 'a/../../x'; take"),
    (json(#"{"type": "relu", "name": "/etc/x"}"#), "in parts between '/'"),
    (json(#"{"type": "relu", "name": ".x"}"#), "without '.' in front"),
    (json(#"{"type": "relu", "name": "a b"}"#), "take letters, digits"),
    (
      json(conv.replacing("}", with: #", "tensor": "../x"}"#)),
      "the 'tensor' of layer 'conv' is '../x'; take letters"
    ),
    (json(conv.replacing("}", with: #", "tensor": "fc"}"#)), "two layers have tensors called 'fc'"),
  ])
  func impossibleNetworksAreRefused(_ text: String, _ words: String) {
    let message = complaint(text)
    #expect(message.hasPrefix("The network 'tiny' cannot be built: "))
    #expect(message.contains(words))
  }

  @Test func aNetworksNameMayNotBeAPathOrHoldControlCharacters() {
    let text = Self.json(Self.conv)
    let paths = ["../evil", "a/b", ".hidden", "", #"a\u001b[2J"#, #"a\r\nalexnet: fake"#]
    for name in paths {
      let message = complaint(text.replacing(#""tiny""#, with: "\"\(name)\""))
      #expect(message.contains("cannot be built: its 'name' is "), "\(message)")
      #expect(!message.unicodeScalars.contains { $0.value < 32 }, "\(message)")
    }
    #expect(throws: Never.self) { try network(text.replacing("tiny", with: "Größe 1.5, b+c")) }
    // As Caffe calls its layers.
    #expect(throws: Never.self) {
      try network(text.replacing(#""conv""#, with: #""conv1/7x7_s2""#))
    }
  }

  @Test func listedTowersMayBeInAnyOrder() throws {
    let reader =
      #"{"type": "convolution", "name": "c2", "kernels": 4, "size": 3, "reads": [[1, 0], [0, 1]]}"#
    let network = try network(Self.json(Self.conv, reader))
    #expect(network.layers[1].reads == .listed([[0, 1], [0, 1]]))
    #expect(try self.network(network.json) == network)
    // A tower that reads less than another has smaller kernels, and all are rows of one tensor.
    let less = complaint(Self.json(Self.conv, reader.replacing("[0, 1]]", with: "[1]]")))
    #expect(
      less.contains("layer 'c2' reads 6x6x2 in tower 1 and 6x6x2 and 6x6x2 in tower 0"), "\(less)")
  }

  /// The settings of one layer, without its name, and what is said about it.
  static let impossible: [(settings: String, words: String)] = [
    (#""type": "convolution", "kernels": 1, "size": 3"#, "has 1 kernels; 2 (one per tower)"),
    (#""type": "convolution", "kernels": -4, "size": 3"#, "has -4 kernels"),
    (#""type": "convolution", "kernels": 4, "size": 0"#, "needs a size from 1"),
    (#""type": "convolution", "kernels": 4, "size": 3, "stride": 0"#, "a stride of 1 or more"),
    (#""type": "convolution", "kernels": 4, "size": 3, "padding": 3"#, "padding below the size"),
    (#""type": "convolution", "kernels": 4, "size": 3, "padding": -1"#, "padding below the size"),
    (#""type": "convolution", "kernels": 4, "size": 9"#, "has no output, since its input is 8x8x3"),
    (#""type": "convolution", "kernels": 4, "size": 3, "groups": 0"#, "has 0 groups"),
    (
      #""type": "convolution", "kernels": 4, "size": 3, "groups": 2"#,
      "cannot have 2 groups of 3 maps"
    ),
    (#""type": "convolution", "kernels": 4, "size": 3, "weightDeviation": -1"#, "finite bias"),
    (#""type": "convolution", "kernels": 4, "size": 3, "weightDeviation": 1e300"#, "0 to 1e6"),
    (#""type": "convolution", "kernels": 4, "size": 3, "bias": 1e300"#, "from -1e6 to 1e6"),
    (#""type": "responseNormalization", "exponent": 1e300"#, "an exponent from -100 to 100"),
    (
      #""type": "convolution", "kernels": 4, "size": 3, "reads": [[0, 1]]"#,
      "has lists for 1 towers, but the network has 2"
    ),
    (
      #""type": "convolution", "kernels": 4, "size": 3, "reads": [[0, 1], [0]]"#,
      "tower 1 reads [0]; list different towers from 0 to 1, in order, the tower itself among them"
    ),
    (
      #""type": "convolution", "kernels": 4, "size": 3, "reads": [[0, 2], [0, 1]]"#,
      "tower 0 reads [0, 2]"
    ),
    (
      #""type": "convolution", "kernels": 4, "size": 3, "reads": [[0, 0], [0, 1]]"#,
      "tower 0 reads [0, 0]"
    ),
    (#""type": "maxPooling", "size": 9"#, "has no output"),
    (#""type": "maxPooling", "size": 16"#, "needs a size from 1 to 15"),
    (#""type": "dropout", "probability": 1"#, "a dropout probability of 1.0"),
    (#""type": "dropout", "probability": -0.1"#, "a dropout probability of -0.1"),
    (#""type": "responseNormalization", "size": 4"#, "needs an odd size"),
    (#""type": "responseNormalization", "constant": 0"#, "needs a positive constant"),
    (#""type": "spatialNormalization", "scale": -1"#, "a scale of 0 or more"),
  ]

  @Test(arguments: impossible) func impossibleLayersAreRefused(_ settings: String, _ words: String)
  {
    let message = complaint(Self.json("{\"name\": \"odd\", \(settings)}"))
    #expect(message.contains("'odd'") && message.contains(words), "\(message)")
  }

  @Test func hugeSizesAreRefusedWithoutOverflow() {
    // A map of one pixel is padded to 4096 x 4096 places, over and over.
    let layers = (0..<4).map {
      #"{"type": "convolution", "name": "c\#($0)", "kernels": 1000000, "size": 4096, "padding": 4095}"#
    }
    let text = Self.json(
      layers.joined(separator: ", "), towers: "64", inputSide: "4096", imageSide: "4096",
      classes: "64", last: #"{"type": "fullyConnected", "name": "fc", "kernels": 64}"#)
    #expect(complaint(text).contains("cannot be built"))
    let reading = text.replacing(#""padding": 4095"#, with: #""padding": 4095, "reads": "all""#)
    #expect(complaint(reading).contains("cannot be built"))
  }
}
