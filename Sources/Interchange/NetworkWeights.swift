import Layers
package import Networks
package import System

/// Matches the tensors in a file of any format to those of a network.
///
/// If the file describes its layers, they must be the network's, and their order decides which
/// weights belong to which layer. Otherwise the names decide (`TensorNames`).
package struct NetworkWeights {
  /// The file.
  package let source: any WeightSource
  /// Notes for the user on how the tensors were matched.
  package let notes: [String]

  private let network: NetworkSpecification
  private let found: [String: WeightTensor]
  private let described: [String: FileLayer]?
  /// Names of the file that are known not to matter.
  private let idle: Set<String>

  /// Finds a network's weights in a file.
  /// - Parameters:
  ///   - source: The file.
  ///   - network: The network; its number of classes may differ from the file's.
  ///   - names: The file's names for some of the network's layers.
  ///   - prefix: The prefix of the tensors' names; nil for the one that most of them have.
  ///   - reset: Layers that use nothing from the file.
  /// - Throws: `Failure` (badData) if the file describes other layers, or its names are ambiguous.
  package init(
    _ source: any WeightSource, of network: NetworkSpecification,
    named names: [String: String] = [:],
    prefix: String? = nil, but reset: Set<String> = []
  ) throws(Failure) {
    self.source = source
    self.network = network
    if let sides = source.pictures.oblong {
      throw Failure(
        .badData,
        "\(quoted(source.path)) takes crops of \(sides[0])x\(sides[1]) pixels, but networks here "
          + "take square crops."
      )
    }
    for (layer, name) in names.sorted(by: { $0.key < $1.key })
    where !network.tensors.contains(where: { $0.layer == layer }) {
      let layers = network.layers.filter(\.hasWeights).map(\.name)
      throw Failure(
        .usage,
        "--layer \(layer)=\(name): the network \(quoted(network.name)) has no layer "
          + "\(quoted(layer)) with weights; it has \(layers.joined(separator: ", ")).")
    }
    guard let layers = source.layers else {
      let tensors = try TensorNames(source, network.tensors, named: names, prefix: prefix)
      (found, notes, described) = (tensors.found, tensors.notes, nil)
      // A layer that the user gives another of the file's layers replaces the one of its name, and
      // what is not below a prefix that was given is not meant.
      let replaced = network.tensors.filter { names[$0.layer] != nil }
        .flatMap { [$0.name.lowercased(), $0.layerName.lowercased()] }
      idle = tensors.copies.union(
        source.tensors.map(\.name).filter { name in
          prefix.map { !$0.isEmpty && !UnusedTensors.names($0, name) } ?? false
            || replaced.contains {
              name.lowercased() == $0 || name.lowercased().hasSuffix("." + $0)
            }
        })
      return
    }
    guard prefix == nil else {
      throw Failure(
        .usage,
        "\(quoted(source.path)) describes its layers, and their order assigns the weights; leave "
          + "out --prefix."
      )
    }
    let pairs = try LayerComparison(source, layers, with: network, but: reset).layers
    var found: [String: WeightTensor] = [:]
    var notes: [String] = []
    for tensor in network.tensors {
      guard let layer = pairs[tensor.layer] else { continue }
      let isWeight = tensor.name.hasSuffix(".weight")
      found[tensor.name] = isWeight ? layer.weights : layer.biases
      if isWeight, let given = names[tensor.layer], given != layer.name {
        throw Failure(
          .usage,
          "--layer \(tensor.layer)=\(given): in \(quoted(source.path)) the layer in that place is "
            + "\(quoted(layer.name)).")
      }
    }
    // If the other layers have our names, a different name for the last layer deserves a note.
    if let last = network.layers.last?.name, let layer = pairs[last], layer.name != last,
      pairs.contains(where: { $0.key == $0.value.name })
    {
      notes.append(
        "The layer \(quoted(layer.name)) of the file is the network's last, \(quoted(last)).")
    }
    (self.found, self.notes, described, idle) = (found, notes, pairs, [])
  }

  /// The number of classes in the file's last layer; nil if it has none.
  package var classes: Int? {
    guard let bias = network.tensors.last else { return nil }
    if let shape = found[bias.name]?.shape { return shape.reduce(1, *) }
    guard let layer = described?[bias.layer], let shape = layer.weights?.shape else { return nil }
    return layer.layout.isTransposed ? shape.last : shape.first
  }

  /// Checks that the file's last layer has an output for each of several classes.
  /// - Throws: `Failure` (badData) that names it if not, as after a sigmoid.
  package func checkClasses() throws(Failure) {
    guard let classes, classes < 2, let last = network.tensors.last else { return }
    let name = found[last.name]?.name ?? described?[last.layer]?.name ?? last.name
    throw Failure(
      .badData,
      "\(quoted(source.path)) has \(counted(classes, "output", "outputs")) by its "
        + "\(quoted(name)), but networks here end in a softmax over two classes or more. For the "
        + "probabilities of a sigmoid, save the last layer with two outputs: its weights and bias "
        + "after a row of zeros (PyTorch: torch.cat([torch.zeros_like(w), w])).")
  }

  /// The file's tensor for one of the network's; nil if there is none.
  package func find(_ tensor: NetworkTensor) -> WeightTensor? { found[tensor.name] }

  /// Reads one of the network's tensors.
  /// - Parameters:
  ///   - tensor: The tensor.
  ///   - rows: The number of kernels in the file, if it differs from the network's.
  /// - Returns: Its numbers.
  /// - Throws: `Failure` (badData) if it is missing or has another shape.
  package func read(_ tensor: NetworkTensor, rows: Int? = nil) throws(Failure) -> [Float] {
    let needed = [rows ?? tensor.shape[0]] + tensor.shape.dropFirst()
    guard let found = find(tensor) else {
      // A layer with weights but without biases has zero biases.
      if let layer = described?[tensor.layer], layer.weights != nil, tensor.shape.count == 1 {
        return [Float](repeating: 0, count: needed[0])
      }
      throw missing(tensor)
    }
    let layout =
      tensor.shape.count == 1
      ? FileLayer.Layout() : described?[tensor.layer]?.layout ?? FileLayer.Layout()
    let shape = layout.isTransposed ? found.shape.reversed() : found.shape
    // Caffe's older files have leading ones; with a window over whole maps, each kernel makes one
    // neuron.
    let window = tensor.inputs.map { [needed[0]] + $0 }
    guard Self.isSame(shape, needed) || window.map({ Self.isSame(shape, $0) }) == true else {
      throw Failure(
        .badData,
        "\(quoted(found.name)) in \(quoted(source.path)) has the shape \(found.shape), but layer "
          + "\(quoted(tensor.layer)) needs \(layout.isTransposed ? needed.reversed() : needed)."
          + (isForGrey(found.shape, needed) ? Self.greyRemedy : "")
      )
    }
    let values = try source.read(found)
    guard layout.isTransposed || layout.hasMapsLast, let inputs = tensor.inputs else {
      return values
    }
    return Self.ordered(values, neurons: needed[0], inputs: inputs, layout)
  }

  /// Checks that all numbers of a tensor are finite: with others, a network computes nothing.
  /// - Throws: `Failure` (badData) that says how many are not, and how many were too large for 32
  ///   bits.
  package func checkFinite(_ tensor: NetworkTensor, _ values: [Float]) throws(Failure) {
    let count = values.count { !$0.isFinite }
    guard count > 0 else { return }
    let name = find(tensor)?.name ?? tensor.name
    // Looked at only here, since it takes a second reading.
    let large =
      try find(tensor).map { found throws(Failure) in try source.countTooLarge(found) } ?? 0
    let what = "\(quoted(name)) in \(quoted(source.path)) holds "
    let lost = count - min(count, large)
    guard lost > 0 else {
      throw Failure(
        .badData,
        what
          + "\(count) of \(values.count) numbers in 64 bits that are too large for the 32 bits of "
          + "weights here (\(Float.greatestFiniteMagnitude) at most). Scale the network's weights "
          + "before saving, or check how they were made.")
    }
    throw Failure(
      .badData,
      what + "\(lost) of \(values.count) numbers that are NaN or infinite"
        + (large > 0 ? ", and \(large) in 64 bits that are too large for 32 bits" : "")
        + "; such a network predicts nothing. Use a file from before its training went wrong.")
  }

  /// Whether a file's first weights are those for grey pictures.
  private func isForGrey(_ found: [Int], _ needed: [Int]) -> Bool {
    guard needed == network.tensors.first?.shape, needed.count == 4, needed[1] == 3 else {
      return false
    }
    var grey = needed
    grey[1] = 1
    return found == grey
  }

  /// A grey picture's pixel is that sum of the colours, so the weights for it can be taken apart.
  private static let greyRemedy =
    " Its network reads grey pictures, and networks here read colours; save these weights once for "
    + "each colour, times its share in grey (PyTorch: w * torch.tensor([0.299, 0.587, 0.114])"
    + ".view(1, 3, 1, 1)), and give its mean for each of R, G, B."

  private static func isSame(_ found: [Int], _ needed: [Int]) -> Bool {
    found.drop(while: { $0 == 1 }) == needed.drop(while: { $0 == 1 })
  }

  /// The weights of a fully-connected layer as neurons x maps x rows x columns.
  private static func ordered(
    _ values: [Float], neurons: Int, inputs: [Int], _ layout: FileLayer.Layout
  ) -> [Float] {
    let (maps, pixels) = (inputs[0], inputs[1] * inputs[2])
    let count = maps * pixels
    return [Float](unsafeUninitializedCapacity: values.count) { result, length in
      for neuron in 0..<neurons {
        for map in 0..<maps {
          for pixel in 0..<pixels {
            let input = layout.hasMapsLast ? pixel * maps + map : map * pixels + pixel
            let place = layout.isTransposed ? input * neurons + neuron : neuron * count + input
            result[neuron * count + map * pixels + pixel] = values[place]
          }
        }
      }
      length = values.count
    }
  }

  private func missing(_ tensor: NetworkTensor) -> Failure {
    let text =
      "\(quoted(source.path)) holds no tensor \(quoted(tensor.name)) or "
      + "\(quoted(tensor.layerName)) for layer \(quoted(tensor.layer))"
    let wanted = [tensor.name, tensor.layerName]
    let unreadable = source.unreadable.filter { file, _ in
      wanted.contains { TensorNames.matches($0, file) }
    }
    // Of several the one with the fewest words around it.
    if let (name, reason) = unreadable.min(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) })
    {
      return Failure(
        .badData, "\(quoted(name)) in \(quoted(source.path)) cannot be read: \(reason).")
    }
    if source.path.wholeMatch(of: #/.*-[0-9]+-of-[0-9]+\.safetensors/#) != nil {
      return Failure(
        .badData,
        text + "; it is one of several parts of a network. " + WeightFile.joining)
    }
    let made = source.tensors.map(\.name).filter { file in
      wanted.contains { name in Self.origins(name).contains { TensorNames.matches($0, file) } }
    }
    guard made.isEmpty else {
      return Failure(
        .badData,
        text
          + "; it would have to be computed from \(listed(made)). Remove the weight or spectral "
          + "normalisation or the pruning before saving (PyTorch: remove_parametrizations and "
          + "remove_weight_norm of torch.nn.utils, prune.remove).")
    }
    // The last layer may have any number of classes.
    let rows = tensor.layer == network.layers.last?.name ? 1 : 0
    let weights = network.tensors.first { $0.layer == tensor.layer } ?? tensor
    let fitting = unusedTensors.filter { candidate in
      candidate.name.hasSuffix(".weight") && candidate.shape.count == weights.shape.count
        && candidate.shape.dropFirst(rows).elementsEqual(weights.shape.dropFirst(rows))
    }
    guard let first = fitting.first else {
      let names = source.tensors.map(\.name)
      return Failure(
        .badData, text + "; it holds \(names.isEmpty ? "none" : listed(names, most: 8)).")
    }
    let name = first.name.dropLast(".weight".count)
    return Failure(
      .badData,
      text
        + "; \(listed(fitting.map(\.name), most: 8)) of shape \(first.shape) is unused and would "
        + "fit. "
        + "If that is the layer under another name, give: alexnet import --layer "
        + "\(tensor.layer)=\(name).")
  }

  /// The names of what PyTorch computes a tensor from in training, instead of keeping the tensor.
  private static func origins(_ name: String) -> [String] {
    guard let dot = name.lastIndex(of: ".") else { return [] }
    let (layer, part) = (name[..<dot], name[dot...].dropFirst())
    let whole = "\(layer).parametrizations.\(part).original"
    return ["_g", "_v", "_orig"].map { name + $0 } + ["", "0", "1"].map { whole + $0 }
  }

  private var unusedTensors: [WeightTensor] {
    let used = Set(found.values.map(\.name))
    return source.tensors.filter { !used.contains($0.name) }
  }

  /// Checks that the file holds nothing that its own network computes with and this one does not:
  /// layers that are missing here, a batch normalisation, another part of a layer.
  ///
  /// Layers that the file describes were compared before. Where a tensor is missing, reading it says
  /// so, which tells more.
  /// - Parameters:
  ///   - leftOut: Names, or words that names begin with, of tensors that the user leaves out.
  ///   - reset: Layers that use nothing from the file; the file may have others in their place.
  ///   - remedy: How the user says that tensors of a layer do not matter.
  /// - Returns: The other tensors that the network does not use, which do not matter.
  /// - Throws: `Failure` (badData) that names tensors that do matter, (usage) if a word in `leftOut`
  ///   names none that is unused.
  package func checkUnused(
    leavingOut leftOut: [String] = [], but reset: Set<String> = [],
    remedy: (_ layer: String) -> String
  ) throws(Failure) -> [String] {
    guard described == nil else {
      guard let word = leftOut.first else { return [] }
      throw Failure(
        .usage,
        "\(quoted(source.path)) describes its layers, and all are compared; leave out --leave-out "
          + "\(word).")
    }
    let used = Set(found.values.map(\.name))
    let unused = unusedTensors.map(\.name)
    // Whole numbers may be weights too, of a network that was quantised.
    let others = source.unreadable.keys.filter { !used.contains($0) }.sorted()
    for word in leftOut {
      guard !used.contains(where: { UnusedTensors.names(word, $0) }) else {
        throw Failure(
          .usage,
          "--leave-out \(word): the network \(quoted(network.name)) uses these tensors of "
            + "\(quoted(source.path)).")
      }
      guard (unused + others).contains(where: { UnusedTensors.names(word, $0) }) else {
        throw Failure(
          .usage,
          "--leave-out \(word): no tensor of \(quoted(source.path)) has a name that begins so.")
      }
    }
    let isWhole = network.tensors.allSatisfy {
      reset.contains($0.layer) || found[$0.name] != nil
    }
    let sorted = UnusedTensors(unused + others, beside: Array(used)) { name in
      idle.contains(name) || name.hasPrefix("velocity.")
        || leftOut.contains { UnusedTensors.names($0, name) }
        // Where layers start anew, plain ones of the file may have been in their place.
        || !reset.isEmpty && (name.hasSuffix(".weight") || name.hasSuffix(".bias"))
          && !name.lowercased().contains("lora_") && !isNormalized(name)
    }
    if isWhole, let failure = sorted.refusal(source.path, network, remedy: remedy) { throw failure }
    return sorted.idle.filter { !others.contains($0) }
  }

  /// Whether a tensor belongs to a layer with statistics, a batch normalisation.
  private func isNormalized(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: ".") else { return false }
    return source.tensors.contains {
      $0.name == name[..<dot] + ".running_mean" || $0.name == name[..<dot] + ".moving_mean"
    }
  }
}
