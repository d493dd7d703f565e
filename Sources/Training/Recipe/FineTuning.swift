public import AlexNet
public import Failures
import Interchange
import Layers
import Safetensors

/// What a run takes from a network that was trained before, and which of its layers learn how fast.
public struct FineTuning: Codable, Equatable, Sendable {
  /// The file that the weights come from; nil where all layers begin with their initial values.
  public var file: String?
  /// Layers that begin with their initial values none the less.
  public var reset: [String]
  /// What the learning rate of a layer is multiplied by; 0 where it does not change at all, 1 where it is not named.
  public var learningRateFactors: [String: Double]

  /// Makes it from its parts.
  public init(
    file: String? = nil, reset: [String] = [], learningRateFactors: [String: Double] = [:]
  ) {
    self.file = file
    self.reset = reset
    self.learningRateFactors = learningRateFactors
  }

  /// The layers' factors in their order, as messages show them.
  var text: String {
    learningRateFactors.isEmpty
      ? "all the same"
      : learningRateFactors.sorted { $0.key < $1.key }.map { "\($0.key)=\(plain($0.value))" }
        .joined(separator: ",")
  }

  /// The layers with weights that a word means: the one of that name, or those whose names are the word and a number,
  /// as `conv` is for conv1 to conv5.
  /// - Throws: `Failure` (usage) where there is none.
  public static func layers(
    _ word: String, of network: NetworkSpecification, option: String
  ) throws(Failure) -> [String] {
    var names: [String] = []
    for tensor in network.tensors where names.last != tensor.layer { names.append(tensor.layer) }
    if names.contains(word) { return [word] }
    let found = names.filter { name in
      let rest = name.dropFirst(word.count)
      return name.hasPrefix(word) && !rest.isEmpty && rest.allSatisfy { $0.isASCII && $0.isNumber }
    }
    guard !word.isEmpty, !found.isEmpty else {
      throw Failure(
        .usage,
        "--\(option) names the layer \(quoted(word)), and the network \(quoted(network.name)) has the layers "
          + "\(names.joined(separator: ", ")).")
    }
    return found
  }

  /// The layers that do not change at all.
  var frozenLayers: Set<String> { Set(learningRateFactors.filter { $0.value == 0 }.keys) }

  /// The factors by the names of the tensors, as the update rule asks for them.
  func factors(in network: NetworkSpecification) -> [String: Double] {
    var factors: [String: Double] = [:]
    for tensor in network.tensors { factors[tensor.name] = learningRateFactors[tensor.layer] }
    return factors
  }

  /// Reads the weights of all layers but those that are reset; each rank keeps the kernels of its own towers.
  /// - Returns: How the network that the weights are of reads pictures; nil where `file` is.
  /// - Throws: `Failure` (badData) where a tensor is missing, of another shape or not finite.
  func load(
    into network: Network, classNames: [String]
  ) throws(Failure) -> Preprocessing? {
    guard let file else { return nil }
    let source = try WeightFile.open(file)
    let weights = NetworkWeights(source)
    var tensors: [String: NetworkTensor] = [:]
    for tensor in network.specification.tensors { tensors[tensor.name] = tensor }
    for parameter in network.parameters {
      guard let tensor = tensors[parameter.name], !reset.contains(tensor.layer) else { continue }
      let values: [Float]
      do throws(Failure) {
        values = try weights.read(tensor)
      } catch {
        throw Failure(
          error.exitCode,
          error.message + " --reset \(tensor.layer) lets that layer begin with its initial values.")
      }
      guard values.allSatisfy(\.isFinite) else {
        throw Failure(
          .badData,
          "\(quoted(tensor.name)) in \(quoted(file)) holds numbers that are not finite; nothing can be learnt from them."
        )
      }
      let length = parameter.layout.kernelLength
      values.withUnsafeBufferPointer { values in
        guard let start = values.baseAddress else { return }
        for kernel in 0..<parameter.layout.kernels {
          parameter.layout.setKernel(
            kernel, of: parameter.value,
            from: start + (parameter.kernels.lowerBound + kernel) * length)
        }
      }
      parameter.noteChange()
    }
    return try Self.preprocessing(source, network.specification, classNames)
  }

  /// The network of a file that says itself what it holds.
  /// - Throws: `Failure` (badData) where it is damaged.
  public static func network(
    in path: String
  ) throws(Failure) -> NetworkSpecification? {
    guard let source = try WeightFile.open(path) as? SafetensorsWeights, source.isCheckpoint else {
      return nil
    }
    return try NetworkFile(source.file).network
  }

  private static func preprocessing(
    _ source: any WeightSource, _ network: NetworkSpecification, _ classNames: [String]
  ) throws(Failure) -> Preprocessing {
    guard let weights = source as? SafetensorsWeights, weights.isCheckpoint else {
      return .published(for: network, classNames: classNames, mean: nil)
    }
    let file = try NetworkFile(weights.file)
    guard file.network.imageSide == network.imageSide else {
      throw Failure(
        .badData,
        "The network in \(quoted(source.path)) reads pictures of \(file.network.imageSide) pixels, and "
          + "\(quoted(network.name)) of \(network.imageSide).")
    }
    var preprocessing = file.preprocessing
    preprocessing.classNames = classNames
    return preprocessing
  }
}
