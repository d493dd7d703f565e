import Data
import Foundation
package import System

/// The text file that ILSVRC's evaluation server accepts.
///
/// It has one line per image, in the order of the images, with the ILSVRC IDs of the five most
/// probable classes, which count from 1.
package struct ILSVRCSubmission: Sendable {
  /// The ILSVRC ID of each class.
  private let identifiers: [Int]

  /// Assigns ILSVRC IDs to a dataset's classes.
  /// - Parameters:
  ///   - classNames: The classes; those of ILSVRC contain their WordNet ID, `n01440764`.
  ///   - kit: The folder with ILSVRC's development kit, which gives the ILSVRC ID of each WordNet
  ///     ID; without it, classes are numbered in the dataset's order.
  /// - Throws: `Failure` (usage) for too few classes, or for ILSVRC's classes without the kit;
  ///   (badData) if the kit lacks a class.
  package init(classNames: [String], kit: String?) throws(Failure) {
    guard classNames.count >= 5 else {
      throw Failure(
        .usage,
        "ILSVRC's format has five classes a line, and the dataset has \(classNames.count) in all.")
    }
    let wordNetIDs = classNames.map(Self.wordNetID)
    guard let folder = kit else {
      guard wordNetIDs.contains(nil) else {
        throw Failure(
          .usage,
          "The classes are WordNet's; add --devkit FOLDER with ILSVRC's development kit, which "
            + "numbers them."
        )
      }
      identifiers = Array(1...classNames.count)
      return
    }
    guard let found = try DevelopmentKit(lookingIn: folder) else {
      throw Failure(
        .inputMissing,
        "\(quoted(folder)) holds no ILSVRC development kit (ILSVRC2012_devkit_t12.tar.gz, or its "
          + "unpacked folder)."
      )
    }
    let numbers = Dictionary(
      found.synsets.map { ($0.wordNetID, $0.number) }, uniquingKeysWith: { first, _ in first })
    var identifiers: [Int] = []
    for (name, wordNetID) in zip(classNames, wordNetIDs) {
      guard let number = wordNetID.flatMap({ numbers[$0] }) else {
        throw Failure(
          .badData, "The development kit \(quoted(found.path)) has no class \(quoted(name)).")
      }
      identifiers.append(number)
    }
    self.identifiers = identifiers
  }

  /// The WordNet ID in a class's name: the name itself, or the text in brackets at its end.
  static func wordNetID(_ name: String) -> String? {
    let word = name.hasSuffix(")") ? name.dropLast().split(separator: "(").last ?? "" : name[...]
    let digits = word.dropFirst()
    return word.first == "n" && digits.count == 8 && digits.allSatisfy { ("0"..."9").contains($0) }
      ? String(word) : nil
  }

  /// The lines of a submission, as text.
  package func text(_ evaluation: Evaluation) -> String {
    evaluation.best.map { labels in
      labels.map { String(identifiers[$0]) }.joined(separator: " ") + "\n"
    }.joined()
  }

  /// Checks that a text has the format of a submission, and scores it.
  /// - Parameters:
  ///   - text: The lines.
  ///   - labels: The true class of each image.
  ///   - path: The file, for messages.
  /// - Returns: The top-1 and top-5 errors as numbers of images.
  /// - Throws: `Failure` (badData) that names the first wrong line and the error.
  package func check(
    _ text: String, labels: [Int], path: String
  ) throws(Failure) -> (top1Errors: Int, top5Errors: Int) {
    let lines = text.textLines
    let count = lines.last == "" ? lines.count - 1 : lines.count
    guard count == labels.count else {
      throw Failure(
        .badData,
        "\(quoted(path)) has \(counted(count, "line", "lines")), and there are \(labels.count) "
          + "images.")
    }
    let known = Set(identifiers)
    var (top1Errors, top5Errors) = (0, 0)
    for (number, (line, label)) in zip(lines, labels).enumerated() {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      let classes = words.compactMap { Int($0) }.filter(known.contains)
      guard words.count == 5, classes.count == 5, Set(classes).count == 5 else {
        throw Failure(
          .badData,
          "Line \(number + 1) of \(quoted(path)) does not hold five different class numbers from "
            + "\(known.min() ?? 1) to \(known.max() ?? 1): \(quoted(String(line.prefix(80)))).")
      }
      if classes[0] != identifiers[label] { top1Errors += 1 }
      if !classes.contains(identifiers[label]) { top5Errors += 1 }
    }
    return (top1Errors, top5Errors)
  }
}
