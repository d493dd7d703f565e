import Checkpoints
import Interchange
import Layers
import Networks
import Safetensors
import System
import TestSupport

/// Small networks with weights for tests of files.
enum SmallFiles {
  /// Two towers that meet in c2, every type of layer once.
  static func network(classes: Int = 5) -> NetworkSpecification {
    NetworkSpecification(
      name: "small", towers: 2, inputSide: 14, imageSide: 16, classes: classes,
      layers: [
        .convolution(
          ConvolutionSpecification(
            name: "c1", kernels: 4, window: Window(size: 5, stride: 4), tensor: "features.0")),
        .relu(name: "r1"),
        .responseNormalization(
          ResponseNormalizationSpecification(
            name: "n1", size: 3, constant: 2, scale: 1e-4, exponent: 0.75)),
        .spatialNormalization(
          SpatialNormalizationSpecification(
            name: "s1", size: 3, constant: 1, scale: 1e-3, exponent: 0.75)),
        .convolution(
          ConvolutionSpecification(
            name: "c2", kernels: 6, window: Window(size: 3, stride: 1, padding: 1), reads: .all)),
        .tanh(name: "t2"),
        .convolution(
          ConvolutionSpecification(
            name: "c3", kernels: 4, window: Window(size: 3, stride: 1, padding: 1))),
        .averagePooling(
          AveragePoolingSpecification(name: "p3", window: Window(size: 2, stride: 1))),
        .maxPooling(MaxPoolingSpecification(name: "p4", window: Window(size: 2, stride: 2))),
        .dropout(name: "d4", probability: 0.25),
        .fullyConnected(FullyConnectedSpecification(name: "out", kernels: classes, tensor: "head")),
      ])
  }

  static func preprocessing(_ network: NetworkSpecification) -> Preprocessing {
    Preprocessing(
      classNames: (0..<network.classes).map { "class \($0)" },
      mean: (0..<network.imageSide * network.imageSide * 3).map { Float($0 % 97) })
  }

  /// Numbers for a tensor, others for each name.
  static func values(_ tensor: NetworkTensor) -> [Float] {
    var random = SmallRandom(tensor.name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    return random.uniforms(tensor.shape.reduce(1, *), scale: 0.1)
  }

  /// Writes a checkpoint and returns its path.
  static func checkpoint(
    _ network: NetworkSpecification, _ folder: TemporaryFolder, name: String = "small.safetensors"
  ) throws(Failure) -> String {
    try NetworkExport.writeSafetensors(
      network, preprocessing(network), to: folder.file(name)
    ) { tensor throws(Failure) in values(tensor) }
    return folder.file(name)
  }

  /// Writes the weights alone, as another program does, under other names and shapes, with more
  /// tensors.
  static func foreign(
    _ network: NetworkSpecification, _ folder: TemporaryFolder,
    more: [(name: String, shape: [Int])] = [],
    _ changed: (NetworkTensor) -> (name: String, shape: [Int])?
  ) throws(Failure) -> String {
    let kept = network.tensors.compactMap { tensor in changed(tensor).map { (tensor, $0) } }
    let header = SafetensorsHeader(
      metadata: [:],
      tensors: (kept.map(\.1) + more).map { (name: $0.name, format: .float32, shape: $0.shape) })
    let path = folder.file("foreign.safetensors")
    try SafetensorsWriter.create(path, header)
    let writer = try SafetensorsWriter(opening: path, header)
    for (tensor, (name, _)) in kept {
      try values(tensor).withUnsafeBufferPointer { numbers throws(Failure) in
        try writer.write(writer.entry(name), numbers)
      }
    }
    try writer.finish()
    return path
  }
}
