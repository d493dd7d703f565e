import Data
import Networks
package import System

/// Matches a network's classes to a dataset's: pairs of different names; equal names match anyway.
///
/// A network's outputs have the order of the classes that it was trained on. If a dataset has other
/// names, or the same names in another order, the user must say which classes match.
package struct ClassMap: Codable, Equatable, Sendable {
  /// The dataset's name of a class, by the network's.
  package let pairs: [String: String]

  /// A map without pairs: equal names match, whatever their order.
  package static let byName = ClassMap(pairs: [:])
  /// The option's value for `byName`, instead of a file.
  package static let byNameWord = "by-name"

  /// The help text of an option that takes a map.
  package static let optionHelp =
    "how the network's classes map to the dataset's: a text file with a line "
    + "NETWORK'S-NAME<TAB>DATASET'S-NAME for each class whose name differs, or by-name if only the "
    + "order differs."

  private init(pairs: [String: String]) { self.pairs = pairs }

  /// Reads the value of an option: a file, or `by-name`.
  /// - Throws: `Failure` (inputMissing) if there is no such file, (badData) if it is a folder or not
  ///   a list of pairs.
  package init(_ word: String) throws(Failure) {
    self = word == Self.byNameWord ? .byName : try ClassMap(contentsOf: word)
  }

  /// Reads a text file; each line has the network's name, a tab and the dataset's name.
  /// - Throws: `Failure` (inputMissing) if it cannot be read, (badData) that names a line that is
  ///   not a pair, or pairs a name twice.
  package init(contentsOf path: String) throws(Failure) {
    let bytes = try RegularFile.contents(of: path, limit: 64 << 20)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badData, "The class map \(quoted(path)) is not UTF-8 text.")
    }
    var pairs: [String: String] = [:]
    var lineOf: [String: Int] = [:]
    // Some editors put a byte-order mark in front.
    let lines = text.trimmingPrefix("\u{FEFF}").split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() where !line.isEmpty {
      func wrong(_ what: String) -> Failure {
        Failure(.badData, "Line \(number + 1) of \(quoted(path)) \(what).")
      }
      let names = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty else {
        throw wrong(
          "is not the network's name of a class, a tab and the dataset's name: "
            + "\(quoted(String(line)))"
        )
      }
      guard pairs[names[0]] == nil else { throw wrong("maps \(quoted(names[0])) a second time") }
      if let other = lineOf.updateValue(number + 1, forKey: names[1]) {
        throw wrong("maps \(quoted(names[1])) again, as line \(other) does")
      }
      pairs[names[0]] = names[1]
    }
    self.pairs = pairs
  }

  /// Finds the network's class for each of a dataset's classes.
  ///
  /// Classes of the network that the dataset does not have are left out.
  /// - Parameters:
  ///   - dataset: The dataset's names.
  ///   - network: The network's names.
  /// - Returns: Indices into `network`, in the order of `dataset`.
  /// - Throws: `Failure` (usage) that names a class without a match, or with two.
  package func places(of dataset: [String], in network: [String]) throws(Failure) -> [Int] {
    var places = try pairedPlaces(of: dataset, in: network)
    let known = Set(dataset).subtracting(pairs.values)
    for (place, name) in network.enumerated() where pairs[name] == nil && known.contains(name) {
      if let first = places.updateValue(place, forKey: name) {
        throw Self.ambiguous(name, first, place)
      }
    }
    var result: [Int] = []
    for name in dataset {
      guard let place = places[name] else {
        throw Failure(
          .usage,
          "The dataset's class \(quoted(name)) is not one of the network's classes; map it to one "
            + "of them: \(listed(network, most: 8)).")
      }
      result.append(place)
    }
    return result
  }

  /// Finds the network's classes for those classes of a dataset that the pairs name.
  /// - Parameters:
  ///   - dataset: The dataset's names.
  ///   - network: The network's names.
  /// - Returns: Indices into `network`, by the dataset's names.
  /// - Throws: `Failure` (usage) if the network or the dataset does not have a class that a pair
  ///   names, or has it twice.
  package func pairedPlaces(
    of dataset: [String], in network: [String]
  ) throws(Failure) -> [String: Int] {
    let known = Set(dataset)
    var places: [String: Int] = [:]
    for (own, other) in pairs.sorted(by: { $0.key < $1.key }) {
      let found = network.indices.filter { network[$0] == own }
      guard let place = found.first else {
        throw Failure(
          .usage,
          "The class map names \(quoted(own)), but the network has no such class. Its classes are "
            + "\(listed(network, most: 8)).")
      }
      guard found.count == 1 else { throw Self.ambiguous(own, place, found[1]) }
      guard known.contains(other) else {
        throw Failure(
          .usage,
          "The class map names \(quoted(other)), but the dataset has no such class. Its classes "
            + "are \(listed(dataset, most: 8)).")
      }
      places[other] = place
    }
    return places
  }

  /// How two lists of equal length differ, as a clause that names the first class that does; nil if
  /// they are equal.
  package static func difference(
    _ names: [String], in first: String, _ others: [String], in second: String
  ) -> String? {
    guard let place = zip(names, others).enumerated().first(where: { $0.element.0 != $0.element.1 })
    else { return nil }
    let clause =
      "class \(place.offset) is \(quoted(place.element.0)) in \(first) and "
      + "\(quoted(place.element.1)) in \(second)"
    return names.sorted() == others.sorted()
      ? "the classes are the same in another order: " + clause : clause
  }

  private static func ambiguous(_ name: String, _ first: Int, _ second: Int) -> Failure {
    Failure(
      .usage,
      "Classes \(first) and \(second) of the network are both called \(quoted(name)), so it is "
        + "unclear which one is meant.")
  }
}
