import Foundation
import Options
import TestSupport
import Testing

/// Manual pages and completions, as the programs that read them understand them.
@Suite struct ManualTests {
  private static let one = Manual(
    program: "train", summary: "trains", commands: [("trains", sampleCommand)])

  private static let several: Manual = {
    let shape = Option("shape", "WORD", .word(of: ["round", "square"]), "It's a shape.")
    let out = Option("out", "FILE", .path, "Where to.")
    let secret = Option("secret", "X", .text, isHidden: true, "Not shown.")
    return Manual(
      program: "draw", summary: "draws",
      commands: [
        ("draws a line", Command("draw line", overview: "L.", groups: [("What", [out])])),
        (
          "draws a form",
          Command("draw form", overview: "F.", groups: [("What", [shape, out, secret])])
        ),
      ])
  }()

  /// What bash offers for the last of some words.
  private func completed(_ manual: Manual, _ words: String...) throws -> [String] {
    let function = "_" + manual.program
    let completed = try Program.run(
      [
        "bash", "-c",
        manual.completions(for: .bash)
          + "\nCOMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \(function); printf '%s\\n' "
          + "\"${COMPREPLY[@]}\"",
        "bash",
      ] + words, in: "/usr/include")
    #expect(completed.code == 0)
    return completed.output.split(separator: "\n").map(String.init)
  }

  @Test func bashCompletesOptions() throws {
    #expect(try completed(Self.one, "train", "--ba") == ["--batch-size"])
    #expect(Set(try completed(Self.one, "train", "--re")) == ["--recipe", "--resume"])
    // A number is nothing that a shell could know.
    #expect(try completed(Self.one, "train", "--batch-size", "1").isEmpty)
  }

  @Test func bashCompletesSubcommandsTheirOptionsAndTheirWords() throws {
    #expect(try completed(Self.several, "draw", "fo") == ["form"])
    #expect(try completed(Self.several, "draw", "form", "--s") == ["--shape"])
    #expect(try completed(Self.several, "draw", "line", "--s").isEmpty)
    #expect(try completed(Self.several, "draw", "form", "--shape", "r") == ["round"])
    #expect(try completed(Self.several, "draw", "form", "--out", "stdio.") == ["stdio.h"])
    #expect(try completed(Self.several, "draw", "line", "stdio.") == ["stdio.h"])
  }

  @Test func fishIsToldOfEachOption() {
    let lines = Self.several.completions(for: .fish).split(separator: "\n")
    #expect(
      lines.contains(
        "complete -c draw -n '__fish_seen_subcommand_from form' -l shape -x -a 'round square' -d "
          + "'It\\'s a shape.'"
      ))
    #expect(!lines.contains { $0.contains("secret") })
  }

  @Test func theManualPageHasEveryOptionAndNoInstructionOfAUsers() {
    let odd = Manual(
      program: "odd", summary: ".so /etc/passwd",
      commands: [
        (
          "",
          Command(
            "odd", overview: "'x\n.ex\na\\b", groups: [("G", [Flag("dry-run", ".It.")])])
        )
      ])
    let page = odd.page
    let requests = page.split(separator: "\n").filter { $0.hasPrefix(".") }.map {
      String($0.prefix { $0 != " " })
    }
    #expect(Set(requests).isSubset(of: [".TH", ".SH", ".B", ".br", ".nf", ".fi", ".TP"]))
    #expect(page.contains("\\fB\\-\\-dry\\-run\\fR"))
    #expect(page.contains("a\\eb") && page.contains("\\&'x") && page.contains("\\&.ex"))
    for option in sampleCommand.groups.flatMap(\.options).map(\.declaration) {
      #expect(Self.one.page.contains("\\-\\-" + option.name.replacing("-", with: "\\-")))
    }
  }
}
