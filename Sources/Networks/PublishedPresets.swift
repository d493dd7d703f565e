// AlexNets whose trained weights others published. Each is one tower, since its norms, where it has
// any, run across all maps; groups take the place of towers.
extension NetworkSpecification {
  /// Caffe's `bvlc_alexnet`: crops of 227 pixels in B, G, R, LRN with k = 1 and alpha / n across
  /// all 96 or 256 maps, groups in conv2, conv4 and conv5.
  package static func caffeAlexNet(classes: Int) -> NetworkSpecification {
    caffe("caffe-alexnet", classes: classes, poolsFirst: false)
  }

  /// Caffe's `bvlc_reference_caffenet`, called CaffeNet: `bvlc_alexnet` with pools in front of the
  /// norms, and other initial biases.
  package static func caffeNet(classes: Int) -> NetworkSpecification {
    caffe("caffenet", classes: classes, poolsFirst: true)
  }

  private static func caffe(
    _ name: String, classes: Int, poolsFirst: Bool
  ) -> NetworkSpecification {
    /// The initial bias of conv2, conv4, conv5, fc6 and fc7 in each one's train_val.prototxt.
    let bias = poolsFirst ? 1 : 0.1
    func conv(
      _ number: Int, _ kernels: Int, _ size: Int, stride: Int = 1, padding: Int = 0,
      groups: Int = 1, bias: Double, tensor: String
    ) -> LayerSpecification {
      .convolution(
        ConvolutionSpecification(
          name: "conv\(number)", kernels: kernels,
          window: Window(size: size, stride: stride, padding: padding, rounding: .down),
          groups: groups, initial: InitialValues(deviation: 0.01, bias: bias), tensor: tensor))
    }
    func norm(_ number: Int) -> LayerSpecification {
      .responseNormalization(
        ResponseNormalizationSpecification(
          name: "norm\(number)", size: 5, constant: 1, scale: 1e-4 / 5, exponent: 0.75))
    }
    func normAndPool(_ number: Int) -> [LayerSpecification] {
      poolsFirst
        ? [pool(number, rounding: .up), norm(number)]
        : [norm(number), pool(number, rounding: .up)]
    }
    return NetworkSpecification(
      name: name, towers: 1, inputSide: 227, imageSide: 256, classes: classes,
      layers: [
        conv(1, 96, 11, stride: 4, bias: 0, tensor: "features.0"), .relu(name: "relu1"),
      ] + normAndPool(1) + [
        conv(2, 256, 5, padding: 2, groups: 2, bias: bias, tensor: "features.3"),
        .relu(name: "relu2"),
      ] + normAndPool(2) + [
        conv(3, 384, 3, padding: 1, bias: 0, tensor: "features.6"), .relu(name: "relu3"),
        conv(4, 384, 3, padding: 1, groups: 2, bias: bias, tensor: "features.8"),
        .relu(name: "relu4"),
        conv(5, 256, 3, padding: 1, groups: 2, bias: bias, tensor: "features.10"),
        .relu(name: "relu5"), pool(5, rounding: .up),
        connected(6, 4096, 0.005, bias: bias, tensor: "classifier.1"), .relu(name: "relu6"),
        drop(6),
        connected(7, 4096, 0.005, bias: bias, tensor: "classifier.4"), .relu(name: "relu7"),
        drop(7),
        connected(8, classes, 0.01, bias: 0, tensor: "classifier.6"),
      ], preprocessing: PixelScaling(channelOrder: .bgr))
  }

  /// torchvision's `alexnet`, after Krizhevsky's "One weird trick" (2014): 64, 192, 384, 256 and
  /// 256 kernels, no norms, dropout in front of fc6 and fc7.
  package static func torchvisionAlexNet(classes: Int) -> NetworkSpecification {
    // PyTorch draws from a uniform distribution within 1 / sqrt(n) for kernels of n weights.
    func deviation(_ weights: Int) -> Double { (1 / (3 * Double(weights))).squareRoot() }
    func conv(
      _ number: Int, _ kernels: Int, _ size: Int, stride: Int = 1, padding: Int, reads: Int,
      tensor: String
    ) -> LayerSpecification {
      .convolution(
        ConvolutionSpecification(
          name: "conv\(number)", kernels: kernels,
          window: Window(size: size, stride: stride, padding: padding, rounding: .down),
          initial: InitialValues(deviation: deviation(size * size * reads)), tensor: tensor))
    }
    return NetworkSpecification(
      name: "torchvision-alexnet", towers: 1, inputSide: 224, imageSide: 256, classes: classes,
      layers: [
        conv(1, 64, 11, stride: 4, padding: 2, reads: 3, tensor: "features.0"),
        .relu(name: "relu1"), pool(1, rounding: .down),
        conv(2, 192, 5, padding: 2, reads: 64, tensor: "features.3"), .relu(name: "relu2"),
        pool(2, rounding: .down),
        conv(3, 384, 3, padding: 1, reads: 192, tensor: "features.6"), .relu(name: "relu3"),
        conv(4, 256, 3, padding: 1, reads: 384, tensor: "features.8"), .relu(name: "relu4"),
        conv(5, 256, 3, padding: 1, reads: 256, tensor: "features.10"), .relu(name: "relu5"),
        pool(5, rounding: .down),
        drop(6), connected(6, 4096, deviation(9216), bias: 0, tensor: "classifier.1"),
        .relu(name: "relu6"),
        drop(7), connected(7, 4096, deviation(4096), bias: 0, tensor: "classifier.4"),
        .relu(name: "relu7"),
        connected(8, classes, deviation(4096), bias: 0, tensor: "classifier.6"),
      ],
      preprocessing: PixelScaling(
        scale: 1.0 / 255, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]))
  }

  private static func pool(_ number: Int, rounding: Window.Rounding) -> LayerSpecification {
    .maxPooling(
      MaxPoolingSpecification(
        name: "pool\(number)", window: Window(size: 3, stride: 2, rounding: rounding)))
  }

  private static func drop(_ number: Int) -> LayerSpecification {
    .dropout(name: "drop\(number)", probability: 0.5, scalesInTraining: true)
  }

  private static func connected(
    _ number: Int, _ kernels: Int, _ deviation: Double, bias: Double, tensor: String
  ) -> LayerSpecification {
    .fullyConnected(
      FullyConnectedSpecification(
        name: "fc\(number)", kernels: kernels,
        initial: InitialValues(deviation: deviation, bias: bias), tensor: tensor))
  }
}
