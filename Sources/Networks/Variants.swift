package import System

/// A change to a network that the paper or its authors' code measured, by the name of its option.
///
/// Figures are ten-crop errors on ILSVRC-2012's validation set (top-1 / top-5); the unchanged
/// network (code, 145) has 40.66 / 18.21 %. Several are made in the order of the cases, whatever
/// that of the words: what is added first is changed by what follows, and what finds nothing left
/// to change is refused.
package enum NetworkVariant: String, CaseIterable, Sendable {
  /// A sixth convolution over pool5 that reads both towers: the paper's CNN* (code, 146).
  case sixthConvolution = "sixth-convolution"
  /// One column of 48, 128, 192 and 192 kernels, conv5 and the fully-connected layers as wide as
  /// both towers': the paper's one-GPU net (code, 145-half), in 2010's test set 39.17 / 18.23 %
  /// against 37.47 / 17.00 %.
  case oneColumn = "one-column"
  /// No normalisation of either kind (code, 148: 42.03 / 19.36 %).
  case noNormalization = "no-normalization"
  /// A normalisation over conv5 too (code, 149: no published figure).
  case normOverConv5 = "norm-over-conv5"
  /// Every layer reads both towers; has no published figure.
  case fullExchange = "full-exchange"
  /// Towers that meet in the last layer alone (code, 150: 41.83 / 19.33 %).
  case noExchange = "no-exchange"
  /// Every tower reads its own maps in conv3; has no published figure.
  case noConv3Exchange = "no-conv3-exchange"
  /// Four towers, of which a and b, and c and d, exchange before conv3 (code, 120-4gpu: no
  /// published figure).
  case fourTowersInPairs = "four-towers-in-pairs"
  /// Four towers, each of which reads three of the four in conv3 (code, 153-4gpu: no published
  /// figure).
  case fourTowersOfThree = "four-towers-of-three"
  /// Pools of 2 x 2 with stride 2, sizes rounded up (code, 147: 41.06 / 18.51 %).
  case nonOverlappingPooling = "non-overlapping-pooling"
  /// Half the kernels in every layer but the last; has no published figure.
  case halfWidth = "half-width"
  /// tanh in place of the rectifier (paper, figure 1).
  case tanh
  /// No dropout.
  case noDropout = "no-dropout"
  /// Dropout as later libraries have it: kept neurons scaled up in training, nothing at test.
  case invertedDropout = "inverted-dropout"
  /// One tower where the preset has two and all its layers read both.
  case oneTower = "one-tower"

  /// The variant of a word: its name, or its number among the files of the authors' code.
  package init?(word: String) {
    guard let variant = Self.allCases.first(where: { $0.rawValue == word || $0.number == word })
    else { return nil }
    self = variant
  }

  /// What the authors' code calls the network, `147` for `layers-147.cfg`; nil where it has none.
  package var number: String? {
    switch self {
    case .oneColumn: "145-half"
    case .nonOverlappingPooling: "147"
    case .noNormalization: "148"
    case .normOverConv5: "149"
    case .noExchange: "150"
    case .noConv3Exchange, .fullExchange, .fourTowersInPairs, .fourTowersOfThree, .halfWidth,
      .sixthConvolution, .tanh, .noDropout, .invertedDropout, .oneTower:
      nil
    }
  }

  /// The words that stand for it.
  package var words: String { number.map { "\(rawValue) or \($0)" } ?? rawValue }

  /// One line for the help text.
  package var help: String {
    switch self {
    case .oneColumn: "the paper's one-GPU net: half of conv1 to conv4"
    case .nonOverlappingPooling: "2x2 pools, stride 2"
    case .noNormalization: "no normalisation layers"
    case .normOverConv5: "a normalisation layer after conv5 too"
    case .noExchange: "towers meet only in the last layer, with 160 kernels each in conv2"
    case .noConv3Exchange: "conv3 reads its own tower"
    case .fullExchange: "every layer reads both towers"
    case .fourTowersInPairs: "four towers, which exchange in pairs before conv3"
    case .fourTowersOfThree: "four towers, each reading three of the four in conv3"
    case .halfWidth: "half the kernels"
    case .sixthConvolution: "CNN*: conv6 over pool5"
    case .tanh: "tanh instead of ReLU"
    case .noDropout: "no dropout"
    case .invertedDropout: "dropout that scales up in training"
    case .oneTower: "all kernels in one tower"
    }
  }
}

extension NetworkSpecification {
  /// The network with several changes, in whatever order they are named.
  /// - Throws: `Failure` (usage) where one leaves another nothing to change.
  package func applying(
    _ variants: [NetworkVariant], recipe: RecipeName
  ) throws(Failure) -> NetworkSpecification {
    guard !variants.contains(.fullExchange) || !variants.contains(.noExchange) else {
      throw Failure(
        .usage,
        "--variant \(NetworkVariant.fullExchange.rawValue) and "
          + "\(NetworkVariant.noExchange.rawValue) exclude each other; leave out one of them.")
    }
    var changed = self
    for variant in NetworkVariant.allCases {
      for _ in 0..<variants.count(where: { $0 == variant }) {
        changed = try changed.applying(variant, recipe: recipe)
      }
    }
    return changed
  }

  /// The network with a change.
  /// - Parameters:
  ///   - variant: The change.
  ///   - recipe: Which source settles the initial values of what is added.
  /// - Returns: The network with the variant's name behind its own.
  /// - Throws: `Failure` (usage) where the network has nothing to change.
  package func applying(
    _ variant: NetworkVariant, recipe: RecipeName
  ) throws(Failure) -> NetworkSpecification {
    var changed = self
    switch variant {
    case .oneColumn: changed = inOneColumn()
    case .nonOverlappingPooling: changed.layers = withoutOverlap()
    case .noNormalization:
      changed.layers = layers.filter { $0.traits.role != .normalization }
    case .normOverConv5: changed.layers = withNormOverConv5()
    case .noExchange: changed.layers = withoutExchange()
    case .noConv3Exchange:
      guard towers > 1 else { break }
      changed.layers = layers.map { $0.name == "conv3" ? $0.reading(.own) : $0 }
    case .fullExchange:
      // The image is the same for all towers.
      let first = layers.firstIndex(where: \.hasWeights)
      changed.layers = layers.enumerated().map { towers > 1 && $0 != first ? $1.reading(.all) : $1 }
    case .fourTowersInPairs: changed = overFourTowers([[0, 1], [0, 1], [2, 3], [2, 3]])
    case .fourTowersOfThree:
      changed = overFourTowers([[0, 1, 2], [1, 2, 3], [0, 2, 3], [0, 1, 3]])
    case .halfWidth:
      changed.layers = layers.enumerated().map { number, layer in
        number < layers.count - 1 ? layer.withKernels { $0 / 2 } : layer
      }
    case .sixthConvolution:
      guard let index = layers.firstIndex(where: { $0.name == "pool5" }),
        let conv5 = layers[..<index].last(where: \.hasWeights)?.weights
      else { break }
      changed.layers.insert(
        contentsOf: [
          .convolution(
            ConvolutionSpecification(
              name: "conv6", kernels: conv5.kernels, window: Window(size: 3, stride: 1, padding: 1),
              reads: .all,
              initial: InitialValues(deviation: recipe == .code2012 ? 0.03 : 0.01, bias: 1))),
          .relu(name: "relu5b"),
        ], at: index + 1)
    case .tanh:
      changed.layers = layers.map {
        guard case .relu(let unit) = $0 else { return $0 }
        return .tanh(name: unit.name)
      }
    case .noDropout:
      changed.layers = layers.filter { $0.traits.role != .dropout }
    case .invertedDropout:
      changed.layers = layers.map {
        guard case .dropout(var dropout) = $0 else { return $0 }
        dropout.scalesInTraining = true
        return .dropout(dropout)
      }
    case .oneTower:
      guard layers.allSatisfy({ !$0.traits.dependsOnTowers }) else { break }
      changed.towers = 1
    }
    guard changed != self else {
      throw Failure(
        .usage,
        "--variant \(variant.rawValue) changes nothing in the network \(quoted(name)).")
    }
    changed.name += "+\(variant.rawValue)"
    return changed
  }

  /// The same kernels over four towers that read some of the others in conv3.
  private func overFourTowers(_ reads: [[Int]]) -> NetworkSpecification {
    guard towers == 2, layers.contains(where: { $0.name == "conv3" && $0.reads == .all }),
      hasAlexNetsConvolutions
    else { return self }
    var changed = self
    changed.towers = 4
    changed.layers = layers.map { $0.name == "conv3" ? $0.reading(.listed(reads)) : $0 }
    return changed
  }

  /// The first of two towers, conv5 and the fully-connected layers with the kernels of both.
  private func inOneColumn() -> NetworkSpecification {
    guard towers == 2, let conv5 = layers.firstIndex(where: { $0.name == "conv5" }) else {
      return self
    }
    var changed = self
    changed.towers = 1
    changed.layers = layers.enumerated().map { number, layer in
      number < conv5 ? layer.withKernels { $0 / 2 } : layer
    }
    return changed
  }

  /// Whether conv2 and conv4 are those of AlexNet.
  private var hasAlexNetsConvolutions: Bool {
    [("conv2", 5, 2), ("conv4", 3, 1)].allSatisfy { name, size, padding in
      layers.contains {
        guard case .convolution(let layer) = $0 else { return false }
        return layer.name == name && layer.window.size == size && layer.window.padding == padding
      }
    }
  }

  /// Pools that do not overlap: sizes are rounded up, and where that makes AlexNet's maps a pixel
  /// larger, less padding in conv2 and none in conv4 make up for it (55, 28, 26, 13, 13, 11, 11,
  /// 6).
  private func withoutOverlap() -> [LayerSpecification] {
    layers.map { layer in
      switch layer {
      case .maxPooling(var pool):
        pool.window = Window(size: 2, stride: 2)
        return .maxPooling(pool)
      case .convolution(var convolution)
      where hasAlexNetsConvolutions && ["conv2", "conv4"].contains(convolution.name):
        convolution.window.padding -= 1
        return .convolution(convolution)
      default: return layer
      }
    }
  }

  /// conv5's rectified maps normalised as those of the last norm before.
  private func withNormOverConv5() -> [LayerSpecification] {
    guard let conv5 = layers.firstIndex(where: { $0.name == "conv5" }),
      !layers.contains(where: { $0.name == "norm5" })
    else { return layers }
    let norms = layers[..<conv5].compactMap { layer -> ResponseNormalizationSpecification? in
      if case .responseNormalization(let norm) = layer { norm } else { nil }
    }
    guard var norm = norms.last else { return layers }
    norm.name = "norm5"
    var changed = layers
    var place = conv5 + 1
    if place < layers.count, layers[place].traits.role == .activation { place += 1 }
    changed.insert(.responseNormalization(norm), at: place)
    return changed
  }

  /// Two columns that meet in the last layer: conv2 a quarter wider, and each with hidden
  /// fully-connected layers as wide as both had.
  private func withoutExchange() -> [LayerSpecification] {
    guard towers > 1, layers.dropLast().contains(where: { $0.reads != .own }) else { return layers }
    return layers.enumerated().map { number, layer in
      guard number < layers.count - 1 else { return layer }
      let alone = layer.reading(.own)
      if layer.weights?.isFullyConnected == true { return alone.withKernels { $0 * towers } }
      return layer.name == "conv2" && hasAlexNetsConvolutions
        ? alone.withKernels { $0 * 5 / 4 } : alone
    }
  }
}

extension LayerSpecification {
  /// The layer with other towers to read; layers without weights read their own.
  fileprivate func reading(_ reads: Reads) -> LayerSpecification {
    guard var layer = weights else { return self }
    layer.reads = reads
    return layer.specification
  }

  /// The layer with another number of kernels, where it has any.
  fileprivate func withKernels(_ change: (Int) -> Int) -> LayerSpecification {
    guard var layer = weights else { return self }
    layer.kernels = change(layer.kernels)
    return layer.specification
  }
}
