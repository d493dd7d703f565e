import System

/// Which towers' maps a layer reads.
package enum Reads: Equatable, Sendable {
  /// Those of its own tower (the first layer: the image, the same for all towers).
  case own
  /// Those of every tower: the paper's cross-connections.
  case all
  /// Those of some towers: for each tower the ones that it reads, in ascending order and itself
  /// among them.
  case listed([[Int]])

  /// The towers whose maps one of some towers reads, in ascending order.
  package func towers(of tower: Int, among count: Int) -> [Int] {
    switch self {
    case .own: [tower]
    case .all: Array(0..<count)
    case .listed(let lists): lists.indices.contains(tower) ? lists[tower] : [tower]
    }
  }

  /// The towers that read one tower's maps, in ascending order.
  package func readers(of tower: Int, among count: Int) -> [Int] {
    (0..<count).filter { towers(of: $0, among: count).contains(tower) }
  }
}

// "own", "all", or for each tower the list of those that it reads.
extension Reads: Codable {
  /// Reads a word or lists of towers.
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let lists = try? value.decode([[Int]].self) {
      self = .listed(lists.map { $0.sorted() })
      return
    }
    switch try? value.decode(String.self) {
    case "own": self = .own
    case "all": self = .all
    case let word:
      throw DecodingError.dataCorruptedError(
        in: value,
        debugDescription: (word.map { "'reads' is \(quoted($0)); it" } ?? "'reads'")
          + " takes \"own\", \"all\", or for each tower the list of the towers that it reads, such "
          + "as [[0, 1], [0, 1], [2, 3], [2, 3]]")
    }
  }

  /// Writes the word or the lists.
  package func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .own: try value.encode("own")
    case .all: try value.encode("all")
    case .listed(let lists): try value.encode(lists)
    }
  }
}
