package import Networks

/// A layer of every type, every setting other than its default.
package enum LayerExamples {
  package static let all: [LayerSpecification] = [
    .convolution(
      ConvolutionSpecification(
        name: "example", kernels: 6,
        window: Window(size: 2, stride: 2, padding: 1, rounding: .down), groups: 3,
        reads: .listed([[0]]), initial: InitialValues(deviation: 0.5, bias: 0.25), tensor: "t.0")),
    .fullyConnected(
      FullyConnectedSpecification(
        name: "example", kernels: 7, reads: .own,
        initial: InitialValues(deviation: 0.5, bias: 0.25), tensor: "t.0")),
    .relu(name: "example"), .tanh(name: "example"),
    .responseNormalization(
      ResponseNormalizationSpecification(
        name: "example", size: 3, constant: 1.5, scale: 0.25, exponent: 0.5)),
    .spatialNormalization(
      SpatialNormalizationSpecification(
        name: "example", size: 3, constant: 1.5, scale: 0.25, exponent: 0.5)),
    .maxPooling(
      MaxPoolingSpecification(
        name: "example", window: Window(size: 3, stride: 2, padding: 1, rounding: .down))),
    .averagePooling(
      AveragePoolingSpecification(
        name: "example", window: Window(size: 3, stride: 2, padding: 1, rounding: .down))),
    .dropout(name: "example", probability: 0.25, scalesInTraining: true),
  ]

  /// The same, with a type's other traits where settings change them.
  package static let variations =
    all + [.dropout(name: "example", probability: 0.25)]

  /// A layer's shape as the first of a network of one tower.
  package static func shape(_ layer: LayerSpecification, side: Int = 6) -> LayerShape {
    let network = SmallNetworks.network("one layer", towers: 1, side: side, [layer])
    return network.shapes(ofTower: 0)[0]
  }
}
