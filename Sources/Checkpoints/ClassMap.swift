import Data
import Networks
package import System

/// Which class of a network stands for which class of a dataset: pairs of names, and equal names besides.
///
/// A network's outputs have the order of the classes that it was trained on. Where a dataset has other names, or the same
/// ones in another order, someone has to say what belongs together.
package struct ClassMap: Codable, Equatable, Sendable {
  /// The dataset's name of a class, by the network's.
  package let pairs: [String: String]

  /// Pairs no names: equal ones belong together, whatever their order.
  package static let byName = ClassMap(pairs: [:])
  /// What an option takes for `byName` in place of a file.
  package static let byNameWord = "by-name"

  /// What an option that takes a map says of it.
  package static let optionHelp =
    "which of the network's classes is which of the dataset's: a text file with a line NETWORK'S-NAME<TAB>DATASET'S-NAME "
    + "for each that has another name, or by-name where only the order differs."

  /// Makes a map of pairs.
  private init(pairs: [String: String]) { self.pairs = pairs }

  /// Understands what an option was given: a file, or `by-name`.
  /// - Throws: `Failure` (inputMissing) if there is no such file, (badData) if it is no list of pairs.
  package init(_ word: String) throws(Failure) {
    self = word == Self.byNameWord ? .byName : try ClassMap(contentsOf: word)
  }

  /// Reads a text file: on each line the network's name, a tabulator, the dataset's.
  /// - Throws: `Failure` (inputMissing) if it cannot be read, (badData) that names the line where it is no pair, or
  ///   pairs a name twice.
  package init(contentsOf path: String) throws(Failure) {
    let bytes = try InputFile.contents(of: path, limit: 64 << 20)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badData, "The pairs of classes in \(quoted(path)) are not text in UTF-8.")
    }
    var pairs: [String: String] = [:]
    var lineOf: [String: Int] = [:]
    // A mark of the order of bytes, as some editors put in front.
    let lines = text.trimmingPrefix("\u{FEFF}").split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() where !line.isEmpty {
      func wrong(_ what: String) -> Failure {
        Failure(.badData, "Line \(number + 1) of \(quoted(path)) \(what).")
      }
      let names = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty else {
        throw wrong(
          "is not the network's name of a class, a tabulator and the dataset's: \(quoted(String(line)))"
        )
      }
      guard pairs[names[0]] == nil else { throw wrong("pairs \(quoted(names[0])) a second time") }
      if let other = lineOf.updateValue(number + 1, forKey: names[1]) {
        throw wrong("pairs \(quoted(names[1])) again, as line \(other) does")
      }
      pairs[names[0]] = names[1]
    }
    self.pairs = pairs
  }

  /// Finds the network's class of each of a dataset's.
  ///
  /// Classes of the network that the dataset has not are left out.
  /// - Parameters:
  ///   - dataset: The dataset's names.
  ///   - network: The network's names.
  /// - Returns: Places in `network`, in the order of `dataset`.
  /// - Throws: `Failure` (usage) that names a class which has none, or two.
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
          "The dataset's class \(quoted(name)) is none of the network's; pair it with one of them: "
            + "\(listed(network, most: 8)).")
      }
      result.append(place)
    }
    return result
  }

  /// Finds the network's classes of those of a dataset that the pairs name.
  /// - Parameters:
  ///   - dataset: The dataset's names.
  ///   - network: The network's names.
  /// - Returns: Places in `network`, by the dataset's names.
  /// - Throws: `Failure` (usage) if a pair names a class that the network or the dataset has not, or has twice.
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
          "The pairs of classes name \(quoted(own)), and the network has no such class. Its classes are "
            + "\(listed(network, most: 8)).")
      }
      guard found.count == 1 else { throw Self.ambiguous(own, place, found[1]) }
      guard known.contains(other) else {
        throw Failure(
          .usage,
          "The pairs of classes name \(quoted(other)), and the dataset has no such class. Its classes are "
            + "\(listed(dataset, most: 8)).")
      }
      places[other] = place
    }
    return places
  }

  /// How two lists of as many names differ, as a clause that names the first class which does; nil if they are equal.
  package static func difference(
    _ names: [String], in first: String, _ others: [String], in second: String
  ) -> String? {
    guard let place = zip(names, others).enumerated().first(where: { $0.element.0 != $0.element.1 })
    else { return nil }
    let clause =
      "class \(place.offset) is \(quoted(place.element.0)) in \(first) and \(quoted(place.element.1)) in \(second)"
    return names.sorted() == others.sorted()
      ? "the classes are the same in another order: " + clause : clause
  }

  private static func ambiguous(_ name: String, _ first: Int, _ second: Int) -> Failure {
    Failure(
      .usage,
      "Classes \(first) and \(second) of the network are both called \(quoted(name)), so which of them is meant "
        + "cannot be told.")
  }
}
