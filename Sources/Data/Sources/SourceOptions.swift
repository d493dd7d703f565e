/// The user's options about a source, for what cannot be recognised.
package struct SourceOptions: Sendable {
  /// A list file that selects pictures or gives them other labels.
  package var list: String?
  /// The folder that the list's paths start from; nil for the source.
  package var root: String?
  /// The folder below the source whose folders are the classes for training.
  package var trainFolder: String?
  /// The same for validation.
  package var validationFolder: String?
  /// The same for testing.
  package var testFolder: String?
  /// Whether damaged archives are used as far as they can be read.
  package var skipsCorrupt = false

  /// Options that recognise everything.
  package init() {}

  /// Whether the user named folders, so that none are guessed.
  var namesFolders: Bool { trainFolder != nil || validationFolder != nil || testFolder != nil }
}

extension Split {
  /// The option that names the folder of this part.
  var folderFlag: String { "--\(rawValue)-folder" }
}
