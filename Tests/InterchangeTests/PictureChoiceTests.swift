import Checkpoints
import Interchange
import Networks
import System
import TestSupport
import Testing

/// What is known of pictures: options, the network's description, the file, and what is usual.
@Suite struct PictureChoiceTests {
  let folder = TemporaryFolder()

  /// bvlc_alexnet with a data layer.
  func source(
    _ integers: [String: Int] = [:], _ floats: [String: Float] = [:], mean: [Float] = []
  ) throws -> CaffeModel {
    let data = CaffeNetworks.Layer(
      "data", "Data", integers, floats, blobs: mean.isEmpty ? [] : [([mean.count], mean)])
    let layers = [data] + CaffeNetworks.alexNet(poolsFirst: false)
    return try CaffeModel(
      opening: folder.write(CaffeNetworks.model(layers, generation: 2), "n.caffemodel"))
  }

  func choose(
    _ network: NetworkSpecification, _ source: any WeightSource,
    _ choice: PictureChoice = PictureChoice()
  ) throws -> (preprocessing: Preprocessing, statements: [String]) {
    try choice.preprocessing(
      for: network, classNames: (0..<network.classes).map(String.init), of: source)
  }

  let caffe = NetworkSpecification.caffeAlexNet(classes: 5)

  @Test func settingsInTheFileAreUsedAndReported() throws {
    // Caffe keeps B, G, R.
    let source = try source(["crop_size": 227], ["scale": 1], mean: [104, 117, 123])
    #expect(source.pictures.side == 227)
    let (how, statements) = try choose(caffe, source)
    #expect(how.channelOrder == .bgr && how.factors == [1, 1, 1])
    #expect(Array(how.mean.prefix(3)) == [123, 117, 104])
    #expect(statements.count == 1 && statements[0].contains("BGR (the network)"))
    #expect(statements[0].contains("123, 117, 104 (the file)"))
    // The network takes crops of the file's size.
    let other = try self.source(["crop_size": 224])
    let imported = try NetworkImport(
      other, network: { classes throws(Failure) in .caffeAlexNet(classes: classes ?? 1000) },
      preprocessing: { network, _ throws(Failure) in
        Preprocessing(
          classNames: (0..<network.classes).map(String.init),
          mean: Preprocessing.filled(network, [0, 0, 0]))
      })
    #expect(imported.network.inputSide == 224)
  }

  /// Caffe subtracts the values from the channels as they come, whatever colours those are.
  @Test func theMeanInTheFileHasTheOrderOfTheNetworksColours() throws {
    let file = try source(mean: [104, 117, 123])
    let (usual, _) = try choose(caffe, file)
    #expect(usual.channelOrder == .bgr && Array(usual.mean.prefix(3)) == [123, 117, 104])
    var choice = PictureChoice()
    choice.channelOrder = .rgb
    let (other, _) = try choose(caffe, file, choice)
    #expect(other.channelOrder == .rgb && Array(other.mean.prefix(3)) == [104, 117, 123])
    // The same numbers as an option are no contradiction.
    choice.mean = Preprocessing.filled(caffe, [104, 117, 123])
    _ = try choose(caffe, file, choice)
  }

  @Test func contradictionsWithTheFileAreRefused() throws {
    let scaled = #expect(throws: Failure.self) {
      _ = try choose(caffe, try source([:], ["scale": 0.00390625]))
    }
    #expect(scaled?.exitCode == .usage && scaled?.message.contains("--scale") == true)
    var choice = PictureChoice()
    choice.scale = 0.00390625
    let (how, _) = try choose(caffe, try source([:], ["scale": 0.00390625]), choice)
    #expect(how.factors == [0.00390625, 0.00390625, 0.00390625])
    choice = PictureChoice()
    choice.mean = Preprocessing.filled(caffe, [104, 117, 123])
    let mean = #expect(throws: Failure.self) {
      _ = try choose(caffe, try source(mean: [104, 117, 123]), choice)
    }
    #expect(mean?.message.contains("104, 117, 123") == true)
    #expect(mean?.message.contains("123, 117, 104") == true)
  }

  @Test func unknownSettingsUseReportedDefaultsOrNeedAnOption() throws {
    let usual = try choose(caffe, try source())
    #expect(usual.statements[0].contains("ImageNet's, the default; the file does not say"))
    #expect(abs(usual.preprocessing.mean[2] - 104.00699) < 1e-4)
    // Caffe's order of colours is not guessed for a network that is described by hand.
    var described = caffe
    described.preprocessing = nil
    let asked = #expect(throws: Failure.self) { _ = try choose(described, try source()) }
    #expect(asked?.message.contains("--channel-order BGR or RGB") == true)
    var choice = PictureChoice()
    choice.channelOrder = .rgb
    #expect(try choose(described, try source(), choice).preprocessing.channelOrder == .rgb)
    // An option goes before the network's description.
    #expect(try choose(caffe, try source(), choice).preprocessing.channelOrder == .rgb)
  }

  /// Caffe's tools squeeze the pictures of any network.
  @Test func picturesOfCaffesFilesAreSqueezedWhateverTheNetwork() throws {
    var own = caffe
    own.name = "own"
    let file = try source(["crop_size": 227])
    #expect(try choose(own, file).statements[0].contains("Pictures: squeezed to a square"))
  }

  @Test func aDataLayerWithoutCropsIsSaid() throws {
    let file = try source()
    let statements = try choose(caffe, file).statements
    #expect(
      statements.last?.contains("cuts no crops") == true
        && statements.last?.contains("with --image-side 227.") == true, "\(statements)")
    var whole = caffe
    whole.imageSide = 227
    #expect(try choose(whole, file).statements.count == 1)
    #expect(try choose(caffe, source(["crop_size": 227])).statements.count == 1)
  }

  /// Caffe's users know ImageNet's mean colour as 104, 117, 123.
  @Test func imageNetsMeanInTheOtherOrderIsSaid() throws {
    let file = try source(["crop_size": 227])
    for (colour, isSaid) in [
      ([104, 117, 123], true), ([103.939, 116.779, 123.68], true), ([123, 117, 104], false),
      ([100, 117, 123], false), ([117, 117, 117], false),
    ] as [([Float], Bool)] {
      var choice = PictureChoice()
      choice.mean = Preprocessing.filled(caffe, colour)
      let statements = try choose(caffe, file, choice).statements
      #expect(statements.count == (isSaid ? 2 : 1), "\(colour): \(statements)")
      #expect((statements.last?.contains("turn it round: 123") == true) == isSaid, "\(colour)")
    }
  }

  /// torchvision's deviations are those of pixels from 0 to 1.
  @Test func deviationsOfScaledPixelsNeedAScale() throws {
    let file = try source()
    var choice = PictureChoice()
    choice.deviation = [0.229, 0.224, 0.225]
    let refused = #expect(throws: Failure.self) { _ = try choose(caffe, file, choice) }
    #expect(refused?.exitCode == .usage)
    #expect(
      refused?.message.contains("0.229, 0.224, 0.225") == true
        && refused?.message.contains("--scale 0.00392156862745098") == true,
      "\(refused?.message ?? "")")
    choice.scale = 1 / 255
    _ = try choose(caffe, file, choice)
    choice = PictureChoice()
    choice.deviation = [58.4, 57.1, 57.4]
    _ = try choose(caffe, file, choice)
    // Pixels that are made larger, and divided by nothing.
    choice = PictureChoice()
    choice.scale = 2
    _ = try choose(caffe, file, choice)
  }

  @Test func theScalingOfADescriptionEqualsTorchvisions() throws {
    let network = NetworkSpecification.torchvisionAlexNet(classes: 5)
    let how = Preprocessing(
      for: network, classNames: ["a", "b", "c", "d", "e"], mean: [])
    // ToTensor and Normalize of a pixel 200, 100, 50, worked by hand: (200 / 255 - 0.485) / 0.229
    // and so on.
    var pixel: [Float] = zip([200, 100, 50], how.mean).map { $0 - $1 }
    pixel.withUnsafeMutableBufferPointer { how.adapt($0.baseAddress!, count: 1) }
    for (here, there) in zip(pixel, [1.307_046_8, -0.285_014, -0.932_984_7] as [Float]) {
      #expect(abs(here - there) < 1e-5)
    }
  }
}
