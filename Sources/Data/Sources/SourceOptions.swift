/// What the user says of a source, where it does not speak for itself.
public struct SourceOptions: Sendable {
  /// A list file that selects pictures or gives them other labels.
  public var list: String?
  /// The folder that the list's paths start from; nil for the source.
  public var root: String?
  /// The folder below the source whose folders are the classes for training.
  public var trainFolder: String?
  /// The folder below the source with the same for validation.
  public var validationFolder: String?
  /// The folder below the source with the same for testing.
  public var testFolder: String?
  /// Whether damaged archives are used as far as they can be read.
  public var skipsCorrupt = false

  /// Options that leave all to what is found.
  public init() {}

  /// Whether folders are named, and none is to be guessed.
  var namesFolders: Bool { trainFolder != nil || validationFolder != nil || testFolder != nil }
}

extension Split {
  /// The option that names the folder of this part.
  var folderFlag: String { "--\(rawValue)-folder" }
}
