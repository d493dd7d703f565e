extension StringProtocol {
  /// The lines, empty ones too, without their Unix or Windows ends.
  ///
  /// In Swift `\r\n` is one character, which a split at `\n` leaves where it is. What else Unicode
  /// counts as the end of a line may be part of a text in one.
  package var textLines: [SubSequence] {
    split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }
}
