extension UnsafeBufferPointer {
  /// Where the first element lies; only a buffer of none may be without such a place.
  package var start: UnsafePointer<Element> {
    guard let baseAddress else { preconditionFailure("The buffer must have elements.") }
    return baseAddress
  }
}

extension UnsafeMutableBufferPointer {
  /// Where the first element lies; only a buffer of none may be without such a place.
  package var start: UnsafeMutablePointer<Element> {
    guard let baseAddress else { preconditionFailure("The buffer must have elements.") }
    return baseAddress
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Where the first byte lies; only a buffer of none may be without such a place.
  package var start: UnsafeMutableRawPointer {
    guard let baseAddress else { preconditionFailure("The buffer must have bytes.") }
    return baseAddress
  }
}
