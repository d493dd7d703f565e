import CJansson

extension JSONText {
  /// Where and why a text is no JSON, `line 3, column 5: ']' expected near 'tru'`; nil if it is
  /// some.
  ///
  /// Foundation's parser does not say it.
  static func fault(in text: [UInt8]) -> String? {
    var error = json_error_t()
    let value = text.withUnsafeBytes {
      json_loadb(
        $0.assumingMemoryBound(to: CChar.self).baseAddress, $0.count, Int(JSON_DECODE_ANY), &error)
    }
    guard value == nil else {
      json_decref(value)
      return nil
    }
    let words = withUnsafeBytes(of: error.text) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    return "line \(error.line), column \(error.column): \(words)"
  }
}
