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
    "png", "px", "full", "all", "the", "my", "new", "final", "jpegimages",
  ]

  // Those of the neutral words that say what a folder holds; others, `full` or `new`, are as likely
  // names of classes.
  private static let contents: Set<String> = [
    "data", "dataset", "images", "image", "imgs", "img", "pictures", "pics", "jpg", "jpeg", "png",
    "jpegimages",
  ]

  // Words for one of several pieces of a set, which are numbered.
  private static let pieces: Set<String> = [
    "part", "batch", "chunk", "piece", "fold", "shard", "split", "set", "subset", "folder", "dir",
  ]

  /// The part, if the name is a word for it, in any case, possibly with neutral words: `Train`,
  /// `seg_train`, `valid`, `testImages`, `train2017`.
  static func split(of name: String) -> Split? {
    guard let found = splitAmongOthers(in: name),
      found.others.allSatisfy({ neutral.contains($0) })
    else { return nil }
    return found.split
  }

  /// The part that one word of a name means, and the other words, `cars` of `cars_train`; nil if
  /// no word means a part, or several do.
  static func splitAmongOthers(in name: String) -> (split: Split, others: [String])? {
    let found = words(of: name)
    let meant = found.compactMap { meanings[$0] }
    guard meant.count == 1 else { return nil }
    return (meant[0], found.filter { meanings[$0] == nil })
  }

  /// The part that the first folder of a path means, not counting `images` and the like; nil if it
  /// means none.
  static func split(ofPath path: [UInt8]) -> Split? {
    let folders = path.split(separator: UInt8(ascii: "/")).dropLast()
      .filter { !$0.elementsEqual(".".utf8) }.map { readable($0) }
    return inner(folders[...]).first.flatMap { split(of: $0) }
  }

  /// The folders of a path without the first ones that only say what they hold: `train` and `cat`
  /// of `images/train/cat`.
  ///
  /// The last one stays, since it may be a class.
  static func inner(_ folders: ArraySlice<String>) -> ArraySlice<String> {
    folders.dropLast().drop { saysContents($0) } + folders.suffix(1)
  }

  /// Whether a folder's name says only that there are pictures in it: `images`, `my_data`.
  static func saysContents(_ name: String) -> Bool {
    isNeutral(name) && words(of: name).contains { contents.contains($0) }
  }

  /// The words of a name that a number makes one of several pieces of a set of pictures,
  /// `images_part_1`, `train.X2`, `fold3`; nil for other names.
  static func wordsOfPiece(_ name: String) -> [String]? {
    let found = words(of: name)
    let isPiece = found.contains {
      contents.contains($0) || pieces.contains($0) || meanings[$0] == .train
    }
    return isPiece && name.contains(where: \.isNumber) ? found : nil
  }

  /// The parts that the words of a name mean: both of `train_test_split.txt`.
  static func parts(in name: String) -> Set<Split> {
    Set(words(of: name).compactMap { meanings[$0] })
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
