import System
import Testing

/// Names from anywhere, as people are shown them.
@Suite struct QuotingTests {
  @Test func controlCharactersAreEscaped() {
    #expect(quoted("a\u{1B}[31mb") == "'a\\u{1b}[31mb'")
    // The control characters above ASCII, of which 9B begins a sequence by itself.
    #expect(escaped("a\u{9B}31mb\u{7F}") == "a\\u{9b}31mb\\u{7f}")
    // What turns the order of letters around: "gpj.exe" would show as "exe.jpg".
    for scalar in Array(0x202A...0x202E) + Array(0x2066...0x2069) + [0x200E, 0x200F, 0x061C] {
      let letter = Unicode.Scalar(UInt32(scalar)).map(String.init) ?? ""
      #expect(escaped("x\(letter)y") == "x\\u{\(String(scalar, radix: 16))}y")
    }
    // Bytes that are no text, after decoding.
    #expect(escaped(String(decoding: [0x61, 0xFF], as: UTF8.self)) == "a\\u{fffd}")
    #expect(escaped("two\nlines", but: "\n") == "two\nlines")
    #expect(escaped("two\nlines") == "two\\u{a}lines")
  }

  @Test func lettersOfAllScriptsAreKept() {
    for text in ["Äffin 猫", "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "שלום", "e\u{301}"] { #expect(escaped(text) == text) }
  }
}
