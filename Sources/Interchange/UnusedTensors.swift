import Checkpoints
import Networks
import System

/// What the tensors that a network does not use say about the file: whether they take part in what
/// its own network computes, in which case the weights alone give another network.
///
/// Names decide, since nothing else is in the file: weights, biases, factors and statistics of
/// layers that the network does not have, what scales pictures and logits around them, and anything
/// that belongs to one of its layers. Counters, an optimiser's state, a copy of the whole network
/// and the mean image of a file of ours do not matter.
struct UnusedTensors {
  /// The names that take part, in the order of the file.
  let needed: [String]
  /// The other names.
  let idle: [String]

  /// What the names of the network's own tensors begin with, each layer's.
  private let layers: [String]

  /// Sorts tensors.
  /// - Parameters:
  ///   - names: The names of those that are not used.
  ///   - used: The names of the file's tensors that are.
  ///   - isExempt: Whether a name does not matter for another reason.
  init(_ names: [String], beside used: [String], isExempt: (String) -> Bool) {
    let layers = used.compactMap { name -> String? in
      let layer = Self.parts(name).dropLast().joined(separator: ".")
      return layer.isEmpty ? nil : layer + "."
    }
    var (needed, idle): ([String], [String]) = ([], [])
    for name in names {
      if !isExempt(name) && Self.takesPart(name, layers) {
        needed.append(name)
      } else {
        idle.append(name)
      }
    }
    (self.needed, self.idle, self.layers) = (needed, idle, layers)
  }

  /// What a layer computes with, by the last part of its name, in the words of PyTorch, Keras, Caffe
  /// and MXNet.
  private static let numbers: Set<String> = [
    "weight", "weights", "kernel", "bias", "biases", "gamma", "beta", "scale", "scales", "shift",
    "running_mean", "running_var", "moving_mean", "moving_var", "moving_variance", "alpha",
    "zero_point", "zero_points",
  ]
  /// The same where it ends a part: `bn1_gamma`.
  private static let endings = [
    "_weight", "_bias", "_gamma", "_beta", "_running_mean", "_running_var", "_moving_mean",
    "_moving_var", "_moving_variance",
  ]
  /// The same where it begins one: `weight_g`, `weight_orig`, `bias_mask`.
  private static let beginnings = ["weight_", "bias_"]
  /// What modules around the layers compute with: means and deviations of pictures, and factors of
  /// logits.
  private static let ofPictures: Set<String> = [
    "mean", "std", "new_mean", "new_std", "pixel_mean", "pixel_std",
  ]
  private static let ofLogits: Set<String> = ["temperature", "logit_scale"]
  /// Only training needs these, wherever they are in a name.
  private static let training: Set<String> = [
    "optim", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "square_avg", "grad", "gradient",
    "velocity",
    "slots", "ema", "exponentialmovingaverage",
    "num_batches_tracked", "iterations", "iteration", "step", "steps", "global_step", "epoch",
  ]

  /// TensorFlow and Keras name an optimiser's numbers after it: `conv1/weights/Adam_1`.
  private static let optimisers: Set<Substring> = [
    "sgd", "adam", "adamw", "adamax", "nadam", "amsgrad", "rmsprop", "adagrad", "adadelta",
    "adafactor", "ftrl", "lamb", "lars", "lion",
  ]

  private static func isForTraining(_ part: String) -> Bool {
    training.contains(part) || part.contains("momentum") || part.hasPrefix("optimi")
      || part.split(separator: "_").first.map(optimisers.contains) == true
  }

  private static func takesPart(_ name: String, _ layers: [String]) -> Bool {
    let parts = parts(name)
    guard let last = parts.last, name != NetworkFile.meanName,
      !parts.contains(where: isForTraining)
    else { return false }
    return [numbers, ofPictures, ofLogits].contains { $0.contains(last) }
      || endings.contains(where: last.hasSuffix) || beginnings.contains(where: last.hasPrefix)
      || parts.contains { $0.hasPrefix("lora_") || $0 == "parametrizations" }
      || layers.contains(where: parts.joined(separator: ".").hasPrefix)
  }

  /// The parts of a name, in lower case; TensorFlow and Keras separate them by `/`.
  private static func parts(_ name: String) -> [String] {
    name.lowercased().split(whereSeparator: { $0 == "." || $0 == "/" }).map(String.init)
  }

  /// Whether a word of the user's is a name, or one that names begin with: `aux`, `aux.`,
  /// `aux.weight`.
  static func names(_ word: String, _ name: String) -> Bool {
    let (word, name) = (parts(word), parts(name))
    return !word.isEmpty && name.starts(with: word)
  }

  /// The refusal of the tensors that take part.
  /// - Parameters:
  ///   - path: The file.
  ///   - network: The network.
  ///   - remedy: How the user says that they do not matter, for the first of them.
  /// - Returns: The refusal; nil if there are none.
  func refusal(
    _ path: String, _ network: NetworkSpecification, remedy: (String) -> String
  ) -> Failure? {
    guard let first = needed.first else { return nil }
    // The layer's name; the whole one if the layer is the network's too.
    let place = first.lastIndex { $0 == "." || $0 == "/" }
    let isOurs = layers.contains(Self.parts(first).dropLast().joined(separator: ".") + ".")
    let layer = isOurs ? first : place.map { String(first[..<$0]) } ?? first
    return Failure(
      .badData,
      "\(quoted(path)) holds \(listed(needed, most: 8)), with which its own network computes, but "
        + "the network \(quoted(network.name)) does not use "
        + (needed.count == 1 ? "it" : "them") + ". " + hint
        + "Choose the network of the file, or describe it in a JSON file for --network "
        + "(Docs/Architecture.md). " + remedy(layer))
  }

  /// What can be done about familiar ones, with a space behind it.
  private var hint: String {
    let names = needed.map { $0.lowercased() }
    let ends = Set(needed.compactMap { Self.parts($0).last })
    if names.contains(where: { $0.contains("lora_") }) {
      return "Merge LoRA's matrices into the weights before saving (PEFT: merge_and_unload()). "
    }
    if names.contains(where: { $0.contains("running_") || $0.contains("moving_") }) {
      return "Fold a batch normalisation into the layer before it before saving (PyTorch: "
        + "torch.nn.utils.fusion.fuse_conv_bn_eval). "
    }
    if !ends.isDisjoint(with: Self.ofPictures) {
      return "If pictures are scaled by them, give the same with --mean, from 0 to 255, and "
        + "--deviation, and then leave them out. "
    }
    return ends.isDisjoint(with: Self.ofLogits)
      ? "" : "Scale the weights and biases of the last layer instead, before saving. "
  }
}
