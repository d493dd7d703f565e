import JSON
package import System

extension LearningRateSchedule {
  /// Reads a schedule's file: a line `EPOCH RATE` for each rate, the epochs done from which on it
  /// holds, in rising order; `#` begins a comment.
  /// - Throws: `Failure`: inputMissing where it cannot be read, badData where it is no text or a line
  ///   is none of these, with its number.
  package init(contentsOf path: String) throws(Failure) {
    let text = try TextFile.read(path, limit: JSONText.longestByHand)
    guard !text.utf8.contains(0) else {
      throw Failure(.badData, "\(quoted(path)) holds zero bytes; a schedule is plain text.")
    }
    var (epochs, rates): ([Double], [Double]) = ([], [])
    for (number, line) in text.textLines.enumerated() {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard !words.isEmpty else { continue }
      let numbers = words.compactMap { Double($0) }.filter(\.isFinite)
      guard words.count == 2, numbers.count == 2, SettingBounds.tableEpoch.contains(numbers[0]),
        numbers[0] > epochs.last ?? -1, SettingBounds.tableRate.contains(numbers[1])
      else {
        throw Failure(
          .badData,
          "Line \(number + 1) of \(quoted(path)) is \(quoted(String(line))); a schedule has lines "
            + "such as '30 0.001': an epoch up to 1000000, larger than in the line before, and the rate from "
            + "there on.")
      }
      epochs.append(numbers[0])
      rates.append(numbers[1])
    }
    guard epochs.count > 0, epochs[0] > 0 || SettingBounds.learningRate.contains(rates[0]) else {
      throw Failure(
        .badData, "\(quoted(path)) has no rate to begin with; write lines such as '30 0.001'.")
    }
    self = .table(epochs: epochs, rates: rates)
  }
}
