public import AlexNet
import Images

extension Preprocessing {
  /// How the networks that others published read pictures: Caffe's as its example does, which squeezes them to a square,
  /// torchvision's as its weights say; every other one RGB from 0 to 255 less the mean colour of ImageNet.
  /// - Parameters:
  ///   - network: The network, one of the presets by its name.
  ///   - classNames: The names of its classes.
  ///   - mean: A mean image of the file's or the user's, image side x image side x RGB, where there is one.
  /// - Returns: The preprocessing.
  public static func published(
    for network: NetworkSpecification, classNames: [String], mean: [Float]?
  ) -> Preprocessing {
    // torchvision's mean and deviation of R, G and B, in 0...1.
    let (colour, deviation): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    switch network.name.prefix(while: { $0 != "+" }) {
    case "caffe-alexnet":
      // The mean of imagenet_mean.binaryproto.
      return Preprocessing(
        classNames: classNames,
        mean: mean ?? filled(network, [122.678_914_34, 116.668_767_62, 104.006_987_93]),
        channelOrder: .bgr, resizing: .squeeze)
    case "torchvision-alexnet":
      return Preprocessing(
        classNames: classNames, mean: mean ?? filled(network, colour.map { 255 * $0 }),
        factors: deviation.map { 1 / (255 * $0) })
    default:
      return Preprocessing(
        classNames: classNames, mean: mean ?? filled(network, colour.map { 255 * $0 }))
    }
  }

  /// A mean image of one colour.
  public static func filled(_ network: NetworkSpecification, _ colour: [Float]) -> [Float] {
    let pixels = network.imageSide * network.imageSide
    return (0..<pixels).flatMap { _ in colour }
  }
}
