import Checkpoints
import System
import TestSupport
import Testing

@Suite("Matching a network's classes to a dataset's")
struct ClassMapTests {
  let folder = TemporaryFolder()

  func map(_ text: String) throws(Failure) -> ClassMap {
    try ClassMap(contentsOf: folder.write(Array(text.utf8), "map.txt"))
  }

  @Test("pairs and equal names are matched in any order")
  func places() throws {
    let network = ["tabby", "Ängstrom", "犬", "lorry", "unused"]
    // With a mark of the byte order and a line's end of Windows.
    let map = try map("\u{FEFF}tabby\tcat\r\n犬\tdog\n\n")
    #expect(try map.places(of: ["dog", "cat", "Ängstrom", "lorry"], in: network) == [2, 0, 1, 3])
    #expect(try ClassMap.byName.places(of: ["b", "a"], in: ["a", "b", "c"]) == [1, 0])
    #expect(try ClassMap("by-name") == .byName)
    // What was said counts for more than an equal name.
    #expect(try self.map("feline\tcat\n").places(of: ["cat"], in: ["cat", "feline"]) == [1])
  }

  @Test(
    "invalid pair lists are refused, naming the line",
    arguments: [
      ("cat dog\n", "Line 1"), ("a\tb\nc\td\te\n", "Line 2"), ("a\t\n", "Line 1"),
      ("a\tb\na\tc\n", "'a' a second time"), ("a\tb\nc\tb\n", "'b' again, as line 1"),
    ])
  func damage(text: String, says: String) throws {
    let failure = #expect(throws: Failure.self) { _ = try map(text) }
    #expect(failure?.exitCode == .badData && failure?.message.contains(says) == true)
  }

  @Test("classes without a match, and with two matches, are named")
  func refusals() throws {
    func says(_ map: ClassMap, _ dataset: [String], _ network: [String]) -> String {
      do throws(Failure) {
        _ = try map.places(of: dataset, in: network)
        return ""
      } catch { return error.message }
    }
    #expect(
      says(.byName, ["a", "x"], ["a", "b"]).contains(
        "class 'x' is not one of the network's classes"))
    #expect(says(.byName, ["crane"], ["crane", "crane"]).contains("both called 'crane'"))
    #expect(try says(map("z\ta\n"), ["a"], ["a"]).contains("'z', but the network has no"))
    #expect(try says(map("a\tz\n"), ["a"], ["a"]).contains("'z', but the dataset has no"))
  }

  @Test("the first difference is named, and whether only the order differs")
  func differences() {
    #expect(ClassMap.difference(["a", "b"], in: "A", ["a", "b"], in: "B") == nil)
    #expect(
      ClassMap.difference(["a", "b"], in: "A", ["a", "c"], in: "B")
        == "class 1 is 'b' in A and 'c' in B")
    #expect(
      ClassMap.difference(["a", "b"], in: "A", ["b", "a"], in: "B")?.hasPrefix(
        "the classes are the same in another order: class 0 is 'a' in A") == true)
  }
}
