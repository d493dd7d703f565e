import System
import Testing

@Suite struct DescriptorsTests {
  @Test func whatNeedsMoreFilesThanThereMayBeIsRefused() throws {
    try Descriptors.require(4, for: "A test")
    // No process may have as many.
    let failure = #expect(throws: Failure.self) {
      try Descriptors.require(1 << 30, for: "A test")
    }
    let message = failure?.message ?? ""
    #expect(
      message.hasPrefix("A test needs 1073741824 open files") && message.contains("ulimit -n"))
    // They are given back.
    try Descriptors.require(4, for: "A test")
  }
}
