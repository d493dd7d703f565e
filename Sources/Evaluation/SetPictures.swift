package import AlexNet
package import Data
package import Images
package import System

/// The pictures that a feature set names, and their classes: those of a prepared dataset, or files.
package struct SetPictures {
  private let names: [String]
  private let path: String
  private let dataset: Dataset?
  private let split: Split
  /// Whether the files lie in several folders, which then name their classes.
  private let hasClassFolders: Bool

  /// - Parameters:
  ///   - names: The pictures' names.
  ///   - path: The file of features, for messages.
  ///   - dataset: The dataset that they come from; nil where the names are files.
  ///   - split: The part of the dataset.
  /// - Throws: `Failure` (usage) if the dataset has other pictures.
  package init(
    _ names: [String], of path: String, dataset: Dataset?, split: Split
  ) throws(Failure) {
    (self.names, self.path, self.dataset, self.split) = (names, path, dataset, split)
    if let dataset, !Self.holds(dataset, split, names) {
      throw Failure(
        .usage,
        "The \(split.rawValue) images of \(quoted(dataset.path)) are not the pictures of "
          + "\(quoted(path)); name the dataset and the --split that the features were made of.")
    }
    hasClassFolders = Set(names.map(Self.folder)).count > 1
  }

  /// Whether a dataset has the pictures of a set, in their order.
  package static func holds(_ dataset: Dataset, _ split: Split, _ names: [String]) -> Bool {
    dataset.count(split) == names.count
      && names.indices.allSatisfy { dataset.name(split, $0) == names[$0] }
  }

  private static func folder(_ name: String) -> Substring {
    name.split(separator: "/").dropLast().last ?? ""
  }

  /// The class of a picture: the dataset's, or the name of its folder, where there are several; nil
  /// where nothing says it.
  package func className(_ row: Int) -> String? {
    if let dataset { return dataset.classNames[dataset.label(split, row)] }
    return hasClassFolders ? String(Self.folder(names[row])) : nil
  }

  /// A picture.
  /// - Throws: `Failure` (inputMissing) where it is gone, (badData) where it is damaged.
  package func picture(
    _ row: Int, side: Int, resizing: Resizing, team: ThreadTeam
  ) throws(Failure) -> SquarePicture {
    if let dataset { return try dataset.pictures(split, [row], team: team)[0] }
    guard FileStatus(names[row]) != nil else {
      throw Failure(
        .inputMissing,
        "The picture \(quoted(names[row])) of \(quoted(path)) is not there to be drawn; where the "
          + "set is a dataset, name it with --data.")
    }
    return try SquarePicture(contentsOf: names[row], side: side, resizing: resizing)
  }
}
