import Data
import Foundation
import TestSupport
import Testing

/// The program as a user runs it.
@Suite("alexnet prepare")
struct PrepareCommandTests {
  @Test("prepare predicts the size, prepares and prints a summary")
  func prepares() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 30, "b": 30])
    try place.write(Array("text".utf8), "source/a/text.jpg")
    let result = try Program.alexnet(
      "prepare", "--source", place.file("source"), "--out", place.file("dataset"), "--size=16",
      "--hold-out", "20%", "--threads", "2")
    #expect(result.code == 0 && result.error.isEmpty)
    #expect(
      result.output.contains(
        "Preparing 49 training and 12 validation pictures in 2 classes from class folders."))
    #expect(result.output.contains("The dataset will take about"))
    #expect(result.output.contains("61/61 pictures (100%)"))
    #expect(result.output.contains("1 picture could not be used"))
    #expect(result.output.contains("Warning: that is 1.6% of all"))
    let dataset = try place.dataset()
    #expect(dataset.side == 16 && dataset.count(.train) + dataset.count(.validation) == 60)
  }

  @Test("failures print one sentence on standard error and have exit codes")
  func failures() throws {
    let place = TemporaryFolder()
    func expect(_ code: Int32, _ words: String, _ arguments: String...) throws {
      let result = try Program.alexnet(ranks: nil, arguments)
      #expect(result.code == code)
      #expect(
        result.error.hasPrefix("alexnet: ") && result.error.hasSuffix(".\n"), "\(result.error)")
      #expect(
        result.error.split(separator: "\n").count == 1 && result.error.contains(words),
        "\(result.error)")
    }
    try expect(64, "not a subcommand", "prepair")
    try expect(64, "--source", "prepare")
    try expect(64, "--out", "prepare", "--source", place.path)
    try expect(64, "did you mean --source?", "prepare", "--sourc", place.path)
    try expect(
      64, "--hold-out", "prepare", "--source", place.path, "--out", "x", "--hold-out", "120%")
    try expect(64, "--size", "prepare", "--source", place.path, "--out", "x", "--size", "0")
    try expect(
      64, "jpeg or png or raw", "prepare", "--source", place.path, "--out", "x", "--encoding", "gif"
    )
    try expect(66, "is empty", "prepare", "--source", place.path, "--out", place.file("x"))
    try expect(
      66, "There is no folder", "prepare", "--source", place.file("no\nwhere"), "--out",
      place.file("x"))
    try place.writeClassFolders(["a": 3, "b": 3])
    try expect(
      73, "exists already", "prepare", "--source", place.file("source"), "--out",
      place.file("source"))
    #expect(try place.names(".") == ["source"])
  }

  @Test("help lists every option")
  func help() throws {
    let result = try Program.alexnet("prepare", "--help")
    #expect(result.code == 0)
    for option in [
      "source", "list", "out", "preview", "size", "encoding", "quality", "hold-out",
      "limit-per-class", "seed",
      "strict", "threads",
    ] { #expect(result.output.contains("--\(option)")) }
    #expect(try Program.alexnet("--help").output.contains("prepare"))
    #expect(try Program.alexnet().code == 64)
  }
}
