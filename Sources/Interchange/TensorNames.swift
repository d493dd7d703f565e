import Networks
import System

/// Finds a network's tensors in a file by their names only.
///
/// A tensor may have PyTorch's name (`features.0.weight`) or the layer's (`conv1.weight`). Wrappers
/// put words in front of the names or between their parts (`module.`, `_orig_mod.`, `model.`,
/// `features.module.`). So a name matches a tensor if it contains the parts of the tensor's name in
/// the same order, with the last part last and no number in between. The words in front must be the
/// same for all tensors of the network.
struct TensorNames {
  /// The file's tensors by the network's names.
  let found: [String: WeightTensor]
  /// Notes for the user.
  let notes: [String]
  /// The names in copies of the network under other words in front (`ema.`), which do not matter.
  let copies: Set<String>

  /// Finds tensors.
  /// - Parameters:
  ///   - source: The file.
  ///   - needed: The network's tensors.
  ///   - names: The file's names for some of the layers.
  ///   - prefix: The words in front; nil for those with the most matches.
  /// - Throws: `Failure` (badData) if the names are ambiguous.
  init(
    _ source: any WeightSource, _ needed: [NetworkTensor], named names: [String: String],
    prefix: String?
  ) throws(Failure) {
    let files = source.tensors.map { (tensor: $0, parts: Self.parts($0.name)) }
    /// The matches for each tensor, by the words in front.
    var byFront: [String: [String: [(tensor: WeightTensor, between: Int)]]] = [:]
    /// Those that the user names in full, with any words in front.
    var given: [String: WeightTensor] = [:]
    for tensor in needed {
      var wanted = [tensor.name, tensor.layerName]
      if let name = names[tensor.layer] {
        wanted = [name + (tensor.name.hasSuffix(".weight") ? ".weight" : ".bias")]
        let parts = Self.parts(wanted[0])
        given[tensor.name] = files.first { $0.parts == parts }?.tensor
      }
      for parts in Set(wanted).map(Self.parts) {
        for file in files where file.parts.last == parts.last {
          guard let (front, between) = Self.fit(parts, in: file.parts) else { continue }
          byFront[front, default: [:]][tensor.name, default: []].append((file.tensor, between))
        }
      }
    }
    let all = byFront
    if let prefix {
      let words = Self.parts(prefix).filter { !$0.isEmpty }.joined(separator: ".")
      byFront = byFront.filter { $0.key == words }
    }
    // The words in front with the most matches; none if that matches as many.
    let counts = byFront.mapValues { tensors in tensors.keys.count { given[$0] == nil } }
    let most = counts.values.max() ?? 0
    let fronts = counts.filter { $0.value == most }.keys.sorted()
    guard let front = fronts.first else {
      (found, notes, copies) = (given, [], [])
      return
    }
    guard front.isEmpty || fronts.count == 1 else {
      throw Failure(
        .badData,
        "\(quoted(source.path)) holds the network's tensors several times, under "
          + fronts.map { quoted($0 + ".") }.joined(separator: ", ")
          + "; say with 'alexnet import --prefix' which are meant.")
    }
    var found: [String: WeightTensor] = [:]
    for (name, candidates) in byFront[front] ?? [:] {
      let least = candidates.map(\.between).min() ?? 0
      let best = candidates.filter { $0.between == least }
      guard best.count == 1 else {
        throw Failure(
          .badData,
          "\(quoted(source.path)) holds "
            + "\(best.map { quoted($0.tensor.name) }.joined(separator: " and ")), and each may be "
            + "\(quoted(name)); save a file with the one that is meant.")
      }
      found[name] = best[0].tensor
    }
    self.found = found.merging(given) { own, _ in own }
    // Part of a network under other words may belong to the file's own.
    copies = Set(
      all.filter { other, tensors in
        other != front
          && found.allSatisfy { name, tensor in
            tensors[name]?.contains { $0.tensor.shape == tensor.shape } == true
          }
      }.flatMap { $0.value.values.flatMap { $0.map(\.tensor.name) } })
    notes =
      front.isEmpty
      ? []
      : [
        "The tensors' names in \(quoted(source.path)) are read without their prefix "
          + "\(quoted(front + "."))."
      ]
  }

  /// The parts of a name, in lower case.
  private static func parts(_ name: String) -> [String] {
    name.lowercased().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
  }

  /// Whether a file's name may be a name, with words in front of it or between its parts.
  static func matches(_ name: String, _ file: String) -> Bool {
    let (name, file) = (parts(name), parts(file))
    return name.last == file.last && fit(name, in: file) != nil
  }

  /// The words in front of a name's parts, and how many words are between them.
  ///
  /// Nil if parts are missing, or a number is between them.
  private static func fit(_ parts: [String], in file: [String]) -> (front: String, between: Int)? {
    guard file.count >= parts.count else { return nil }
    // From the end, so that the part in front is as long as possible.
    var (rest, extra, between) = (parts[...], [String](), 0)
    for part in file.reversed() {
      if part == rest.last {
        rest.removeLast()
      } else {
        if !rest.isEmpty {
          guard Int(part) == nil else { return nil }
          between += 1
        }
        extra.append(part)
      }
    }
    guard rest.isEmpty else { return nil }
    return (extra.suffix(extra.count - between).reversed().joined(separator: "."), between)
  }
}
