import JSON
import System
import Testing

/// JSON from strangers, and JSON with odd names in it.
@Suite struct JSONTextTests {
  private func complaint(_ text: String, _ bounds: JSONText.Bounds = .init()) -> String {
    do {
      _ = try JSONText.value([String: [Int]].self, Array(text.utf8), bounds, from: "file")
      return ""
    } catch { return (error as? Failure)?.message ?? "\(error)" }
  }

  @Test func limitsAreCheckedBeforeParsing() throws {
    #expect(complaint(#"{"a": [1, 2]}"#).isEmpty)
    let deep = String(repeating: "[", count: 100_000)
    #expect(complaint(deep).contains("'file' cannot be read as JSON: it is nested more than 32"))
    let many = "{\"a\": [" + String(repeating: "1,", count: 200) + "1]}"
    #expect(complaint(many).isEmpty)
    #expect(complaint(many, .init(values: 100)).contains("holds more than 100 values"))
    #expect(complaint(#"{"a": [1], "\u0061": [2]}"#).contains("names 'a' twice"))
    // Brackets in texts are none.
    #expect(complaint("{\"" + String(repeating: "[", count: 100) + "\": [1]}").isEmpty)
  }

  /// A token's place is that of its last character.
  @Test(arguments: [
    ("{\"a\": [1, 2]\n \"b\": [] }", "line 2, column 4: '}' expected near '\"b\"'"),
    ("{\"a\": [tru] }", "line 1, column 10: invalid token near 'tru'"),
    ("{\"a\": [1]", "line 1, column 9: '}' expected near end of file"),
  ]) func aTextThatIsNoJSONIsNamedWithItsPlace(_ text: String, _ place: String) {
    #expect(complaint(text) == "'file' is not JSON: \(place).", "\(text)")
  }

  @Test func controlCharactersAreEscapedAndSurviveARoundTrip() throws {
    let names = ["a\u{1B}[31m", "b\u{9B}31m\u{7F}", "c\u{202E}gpj", "d\ne", "plain 猫 👩‍👧"]
    for isPretty in [false, true] {
      let text = JSONText.encode(names, isPretty: isPretty)
      #expect(!text.unicodeScalars.contains { $0.isControl && $0 != "\n" })
      #expect(text.contains("\\u009b31m\\u007f") && text.contains("c\\u202egpj"))
      #expect(text.contains("plain 猫 👩‍👧"))
      #expect(try JSONText.value([String].self, Array(text.utf8), from: "file") == names)
    }
  }

  /// Each level would keep the way to it.
  @Test(.timeLimit(.minutes(1))) func membersOfATextThatIsNestedDeeplyAreNotLookedFor() {
    let deep = String(repeating: "{\"a\":", count: 200_000)
    #expect(JSONText.members(of: deep).count <= 32)
  }

  @Test(arguments: [
    ("[]", "an object in braces is expected."),
    (#"{"a": 1}"#, "a list in brackets is expected at .a."),
    (#"{"a": ["1"]}"#, "a whole number is expected at .a[0]."),
  ]) func whatADecoderComplainsOfIsSaidInWords(_ text: String, _ words: String) {
    let failure = #expect(throws: Failure.self) {
      _ = try JSONText.decode([String: [Int]].self, text, from: "file")
    }
    let says = failure?.message ?? ""
    #expect(says.hasSuffix(": " + words) && !says.contains("DecodingError"), "\(says)")
  }

  @Test func membersAreFoundWithTheirWayAndLine() {
    let text = """
      { "a": 1,
        "b" : { "c": [ { "d": "x, \\" y", "e": null } ],
          "a": {} }, "f\\u0067": [1, 2,
          3],
        "h": "n" }
      """
    let members = JSONText.members(of: text)
    #expect(
      members.map(\.path) == [
        ["a"], ["b"], ["b", "c"], ["b", "c", "d"], ["b", "a"], ["fg"], ["h"],
      ])
    #expect(members.map(\.line) == [1, 2, 2, 2, 3, 3, 5])
  }
}
