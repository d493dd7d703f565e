import System

/// Recognises which part of a dataset the name of a folder, shard or list entry means.
enum SplitName {
  private static let meanings: [String: Split] = [
    "train": .train, "training": .train, "trn": .train, "trainset": .train, "trainingset": .train,
    "traindata": .train, "trainingdata": .train, "trainval": .train,
    "val": .validation, "valid": .validation, "validation": .validation, "validate": .validation,
    "vali": .validation, "dev": .validation, "devel": .validation, "development": .validation,
    "eval": .validation, "evaluation": .validation, "valset": .validation, "devset": .validation,
    "validset": .validation, "validationset": .validation,
    "test": .test, "testing": .test, "tst": .test, "tests": .test, "testset": .test,
    "testingset": .test, "testdata": .test,
  ]
  // Words that do not indicate a part.
  private static let neutral: Set<String> = [
    "set", "data", "dataset", "seg", "split", "part", "folder", "dir", "images", "image", "imgs",
    "img", "pictures", "pics", "photos", "samples", "crops", "cropped", "resized", "jpg", "jpeg",
    "png", "px", "full", "all", "the", "my", "new", "final",
  ]

  /// The part, if the name is a word for it, in any case, possibly with neutral words: `Train`,
  /// `seg_train`, `valid`, `testImages`, `train2017`.
  static func split(of name: String) -> Split? {
    let found = words(of: name)
    let meant = found.compactMap { meanings[$0] }
    guard meant.count == 1, found.allSatisfy({ meanings[$0] != nil || neutral.contains($0) }) else {
      return nil
    }
    return meant[0]
  }

  /// The part that the first folder of a path means; nil if it means none.
  static func split(ofPath path: [UInt8]) -> Split? {
    let folders = path.split(separator: UInt8(ascii: "/")).dropLast()
    return folders.first { !$0.elementsEqual(".".utf8) }.flatMap { split(of: readable($0)) }
  }

  /// Whether a folder's name does not indicate a part, `images` for example.
  static func isNeutral(_ name: String) -> Bool {
    let found = words(of: name)
    return !found.isEmpty && found.allSatisfy { neutral.contains($0) }
  }

  /// The part that a word in the name of an archive or of its folder means; training if there is
  /// none.
  ///
  /// Whole words only: "latest" does not mean "test".
  static func split(ofArchive name: String) -> Split {
    let found = words(of: name).compactMap { meanings[$0] }
    return found.contains(.test)
      ? .test : found.contains(.validation) ? .validation : .train
  }

  /// The words of a name in lower case, split at characters that are not letters and before a
  /// capital after a lower-case letter.
  private static func words(of name: String) -> [String] {
    var words: [String] = []
    var word = ""
    var wasSmall = false
    for letter in name {
      if !letter.isLetter || letter.isUppercase && wasSmall {
        if !word.isEmpty { words.append(word.lowercased()) }
        word = ""
      }
      if letter.isLetter { word.append(letter) }
      wasSmall = letter.isLowercase
    }
    if !word.isEmpty { words.append(word.lowercased()) }
    return words
  }
}
