package import Checkpoints
import Images
package import Networks
package import System

/// How an imported network reads pictures.
///
/// Options come first, then the network's description, then the file, then the usual values. The
/// file must not contradict the options or the description.
package struct PictureChoice {
  /// The mean image given by options, image side x image side x RGB from 0 to 255.
  package var mean: [Float]?
  /// The channel order given by options.
  package var channelOrder: ChannelOrder?
  /// The factor by which pixels are multiplied first, if given by options.
  package var scale: Double?
  /// The numbers by which R, G and B are finally divided, if given by options.
  package var deviation: [Double]?

  /// No options.
  package init() {}

  /// ImageNet's mean colour in R, G and B, from torchvision.
  private static let usualColour: [Float] = [0.485, 0.456, 0.406].map { 255 * $0 }
  /// The same from Caffe's imagenet_mean.binaryproto.
  private static let usualColourOfCaffe: [Float] = [122.678_914_34, 116.668_767_62, 104.006_987_93]

  /// Decides how a network reads pictures.
  /// - Parameters:
  ///   - network: The network.
  ///   - classNames: The names of its classes.
  ///   - source: The file with its weights.
  ///   - imageInFile: The mean image in the file, if it has one.
  /// - Returns: The preprocessing, and sentences that say what it is and where each setting comes
  ///   from.
  /// - Throws: `Failure` (usage) if the file contradicts the options or the description, or if a
  ///   setting that the file does not give needs an option.
  package func preprocessing(
    for network: NetworkSpecification, classNames: [String], of source: any WeightSource,
    imageInFile: [Float]? = nil
  ) throws(Failure) -> (preprocessing: Preprocessing, statements: [String]) {
    let said = source.pictures
    let described = network.preprocessing
    func differ(_ what: String, _ chosen: String, _ found: String, _ option: String) -> Failure {
      Failure(
        .usage,
        "\(quoted(source.path)) says that its pictures have \(what) \(found), but \(chosen) is set "
          + "by the options or the network \(quoted(network.name)); give --\(option), or leave it "
          + "out if the file is right."
      )
    }

    let order: ChannelOrder
    let orderFrom: String
    let chosenOrder = channelOrder ?? described?.channelOrder
    if let chosenOrder {
      order = chosenOrder
      orderFrom = channelOrder != nil ? "--channel-order" : "the network"
    } else if source is CaffeModel {
      throw Failure(
        .usage,
        "Caffe's own tools train on B, G, R, and neither \(quoted(source.path)) nor the network "
          + "\(quoted(network.name)) says the order of the colours; give --channel-order BGR or "
          + "RGB."
      )
    } else {
      (order, orderFrom) = (.rgb, "the default; the file does not say")
    }

    let factors: [Float]
    let factorsFrom: String
    let isAsked = scale != nil || deviation != nil
    var chosen = described
    if isAsked {
      chosen = chosen ?? PixelScaling()
      if let scale { chosen?.scale = scale }
      if let deviation { chosen?.deviation = deviation }
    }
    if let chosen { try Self.checkDeviation(chosen, network) }
    if let known = chosen?.factors {
      if let found = said.factors,
        !zip(found, known).allSatisfy({ abs($0 - $1) <= 1e-4 * abs($0) })
      {
        throw differ("the scale", Self.list(known), Self.list(found), "scale")
      }
      (factors, factorsFrom) = (known, isAsked ? "--scale, --deviation" : "the network")
    } else if let found = said.factors {
      (factors, factorsFrom) = (found, "the file")
    } else {
      (factors, factorsFrom) = ([1, 1, 1], "the default; the file does not say")
    }

    let meanInFile: [Float]? = said.meanColour.map { order == .bgr ? $0.reversed() : $0 }
    let image: [Float]
    let meanFrom: String
    let known = mean ?? described?.meanColour.map { Preprocessing.filled(network, $0) }
    if let known {
      if let found = meanInFile {
        let colour = Self.average(known)
        // A mean colour of an image is rounded when it is written in text.
        guard zip(colour, found).allSatisfy({ abs($0 - $1) <= 1 }) else {
          throw differ("the mean R, G, B", Self.list(colour), Self.list(found), "mean")
        }
      }
      (image, meanFrom) = (known, mean != nil ? "--mean" : "the network")
    } else if let imageInFile {
      (image, meanFrom) = (imageInFile, "the file")
    } else if let found = meanInFile {
      (image, meanFrom) = (Preprocessing.filled(network, found), "the file")
    } else {
      let colour = order == .bgr ? Self.usualColourOfCaffe : Self.usualColour
      (image, meanFrom) = (
        Preprocessing.filled(network, colour), "ImageNet's, the default; the file does not say"
      )
    }
    // Caffe's tools squeeze non-square pictures, whatever the network is.
    let isCaffes =
      source is CaffeModel
      || ["caffe-alexnet", "caffenet"].contains(network.name.prefix { $0 != "+" })
    var statements = [
      "Pictures: \(isCaffes ? "squeezed to a square" : "the middle square"), crops of "
        + "\(network.inputSide) of \(network.imageSide) pixels from 0 to 255, \(order.rawValue) "
        + "(\(orderFrom)), less the mean R, G, B \(Self.list(Self.average(image))) (\(meanFrom)), "
        + "times \(Self.list(factors)) (\(factorsFrom))."
    ]
    if let file = said.meanFile, mean == nil {
      statements.append(
        "Warning: the network was trained with the mean image \(quoted(file)) subtracted, which "
          + "\(quoted(source.path)) does not hold; give it to 'alexnet import' with --mean.")
    }
    if said.areWhole, said.side == nil, network.inputSide != network.imageSide {
      statements.append(
        "Warning: the data layer of \(quoted(source.path)) cuts no crops, so its network read "
          + "whole pictures; if they had \(network.inputSide) pixels a side, give it to 'alexnet "
          + "import' with --image-side \(network.inputSide).")
    }
    if let mean, let turned = Self.usualColourTurned(Self.average(mean)) {
      statements.append(
        "Warning: --mean is in R, G, B, and this one is ImageNet's mean colour in B, G, R; if that "
          + "is meant, turn it round: \(turned.map { plain($0) }.joined(separator: ",")).")
    }
    return (
      Preprocessing(
        classNames: classNames, mean: image, channelOrder: order, factors: factors,
        resizing: isCaffes ? .squeeze : .crop), statements
    )
  }

  /// A colour in R, G, B that is ImageNet's mean when it is turned round; nil for any other.
  private static func usualColourTurned(_ colour: [Float]) -> [Float]? {
    let turned: [Float] = colour.reversed()
    return [usualColour, usualColourOfCaffe].contains { usual in
      zip(turned, usual).allSatisfy { abs($0 - $1) <= 1 }
    } ? turned : nil
  }

  /// Refuses deviations of less than a grey level: those of pixels from 0 to 1, where pixels were
  /// not scaled.
  private static func checkDeviation(
    _ scaling: PixelScaling, _ network: NetworkSpecification
  ) throws(Failure) {
    guard scaling.deviation != PixelScaling().deviation,
      scaling.deviation.contains(where: { $0 < scaling.scale })
    else { return }
    let deviations = scaling.deviation.map { plain($0) }.joined(separator: ", ")
    throw Failure(
      .usage,
      "The deviations of R, G, B for the network \(quoted(network.name)) are \(deviations), but "
        + "its pixels are from 0 to \(plain(255 * scaling.scale)); deviations of pixels from 0 to "
        + "1 need --scale 0.00392156862745098 too, or that \"scale\" in the description.")
  }

  private static func average(_ image: [Float]) -> [Float] {
    var sums = [0.0, 0.0, 0.0]
    for (place, value) in image.enumerated() { sums[place % 3] += Double(value) }
    return sums.map { Float($0 / Double(max(1, image.count / 3))) }
  }

  /// Numbers as text; a single number if all are equal.
  private static func list(_ numbers: [Float]) -> String {
    let texts = numbers.map { plain((Double($0) * 1e5).rounded() / 1e5) }
    return texts.allSatisfy { $0 == texts[0] } && texts[0] == "1"
      ? "1" : texts.joined(separator: ", ")
  }
}
