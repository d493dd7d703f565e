import Foundation
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

  /// A shell reads a word as it was.
  @Test func wordsForAShellAreReadAsTheyWere() throws {
    for word in ["plain-1.0/x", "", "a b", "it's", "$HOME `x` \\ \"q\" *", "line\nline", "~", "é"] {
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      shell.arguments = ["-c", "printf %s \(shellWord(word))"]
      let output = Pipe()
      shell.standardOutput = output
      try shell.run()
      let read = output.fileHandleForReading.readDataToEndOfFile()
      shell.waitUntilExit()
      #expect(String(decoding: read, as: UTF8.self) == word)
    }
    #expect(shellWord("plain-1.0/x") == "plain-1.0/x")
  }
}
