import CVersion

/// Which version of the programs this is.
package enum Version {
  /// The number of the release, as Docs/Changelog.md lists them.
  package static let number = "1.0.0"

  /// The commit that was built, `-changed` behind it where files differed; nil where the build was
  /// not told, as by a plain `swift build`.
  package static let commit: String? = alexnet_commit().map { String(cString: $0) }
}
