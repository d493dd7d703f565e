public import Failures
import Layers

/// A change to a network that the paper or its authors' code measured, by the name of its option.
public enum NetworkVariant: String, CaseIterable, Sendable {
  /// Every tower reads its own maps in conv3 (code, 150: 41.83 / 19.33 %).
  case noConv3Exchange = "no-conv3-exchange"
  /// No normalisation (code, 148: 42.03 / 19.36 %).
  case noNormalization = "no-normalization"
  /// Pools of 2 x 2 with stride 2, which give maps of the same size (code, 147: 41.06 / 18.51 %).
  case nonOverlappingPooling = "non-overlapping-pooling"
  /// Half the kernels in every layer but the last (code, 145-half).
  case halfWidth = "half-width"
  /// A sixth convolution over pool5 that reads both towers: the paper's CNN*.
  case sixthConvolution = "sixth-convolution"
  /// tanh in place of the rectifier (paper, figure 1).
  case tanh
  /// No dropout.
  case noDropout = "no-dropout"
  /// One tower where the preset has two and all its layers read both.
  case oneTower = "one-tower"

  /// One line for the help text.
  public var help: String {
    switch self {
    case .noConv3Exchange: "conv3 reads its own tower"
    case .noNormalization: "no LRN"
    case .nonOverlappingPooling: "2x2 pools, stride 2"
    case .halfWidth: "half the kernels"
    case .sixthConvolution: "CNN*: conv6 over pool5"
    case .tanh: "tanh for relu"
    case .noDropout: "no dropout"
    case .oneTower: "all kernels in one tower"
    }
  }
}

extension NetworkSpecification {
  /// The network with a change.
  /// - Throws: `Failure` (usage) where the network has nothing to change.
  public func applying(_ variant: NetworkVariant) throws(Failure) -> NetworkSpecification {
    var changed = self
    switch variant {
    case .noConv3Exchange:
      changed.layers = layers.map {
        guard case .convolution(var layer) = $0, layer.name == "conv3" else { return $0 }
        layer.reads = .own
        return .convolution(layer)
      }
    case .noNormalization:
      changed.layers = layers.filter {
        switch $0 {
        case .responseNormalization, .spatialNormalization: false
        default: true
        }
      }
    case .nonOverlappingPooling:
      let window = Window(size: 2, stride: 2, rounding: .down)
      changed.layers = layers.map {
        guard case .maxPooling(var layer) = $0 else { return $0 }
        layer.window = window
        return .maxPooling(layer)
      }
    case .halfWidth:
      changed.layers = layers.enumerated().map { index, layer in
        switch layer {
        case .convolution(var layer):
          layer.kernels /= 2
          return .convolution(layer)
        case .fullyConnected(var layer) where index < layers.count - 1:
          layer.kernels /= 2
          return .fullyConnected(layer)
        default: return layer
        }
      }
    case .sixthConvolution:
      guard let index = layers.firstIndex(where: { $0.name == "pool5" }) else { break }
      changed.layers.insert(
        contentsOf: [
          .convolution(
            ConvolutionSpecification(
              name: "conv6", kernels: 128 * towers, window: Window(size: 3, stride: 1, padding: 1),
              reads: .all, initial: InitialValues(deviation: 0.01, bias: 1))),
          .relu(name: "relu5b"),
        ], at: index + 1)
    case .tanh:
      changed.layers = layers.map {
        guard case .relu(let name) = $0 else { return $0 }
        return .tanh(name: name)
      }
    case .noDropout:
      changed.layers = layers.filter {
        if case .dropout = $0 { false } else { true }
      }
    case .oneTower:
      guard
        layers.allSatisfy({ layer in
          switch layer {
          case .convolution, .fullyConnected: layer.reads == .all
          case .responseNormalization: false
          default: true
          }
        })
      else { break }
      changed.towers = 1
    }
    guard changed != self else {
      throw Failure(
        .usage,
        "--variant \(variant.rawValue) has nothing to change in the network \(quoted(name)).")
    }
    changed.name += "+\(variant.rawValue)"
    return changed
  }
}
