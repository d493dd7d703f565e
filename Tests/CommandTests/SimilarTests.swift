import Foundation
import TestSupport
import Testing

/// `alexnet similar` on pictures that are their own nearest neighbours.
@Suite(.serialized) struct SimilarTests {
  @Test func eachPictureIsItsOwnNearestNeighbour() throws {
    let folder = TemporaryFolder()
    let run = folder.path + "/run"
    let trained = try Program.train(
      ranks: nil,
      [
        "--data", try Pictures.small.get().path + "/dataset", "--out", run, "--network",
        "cifar-four-layer", "--batch-size", "32", "--learning-rate", "0.001", "--max-steps", "4",
      ])
    #expect(trained.code == 0, "\(trained.error)")
    let set = folder.path + "/set"
    try FileManager.default.createDirectory(atPath: set, withIntermediateDirectories: true)
    for shade in [UInt8(10), 90, 170, 250] {
      try Bitmap.gray(shade, side: 32).write(to: URL(fileURLWithPath: "\(set)/\(shade).bmp"))
    }
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: set + "/broken.png"))
    let features = folder.path + "/set.npy"
    let written = try Program.alexnet(
      "similar", "--checkpoint", run, "--set", set, "--features", features)
    #expect(written.code == 65 && written.error.contains("broken.png"), "\(written.error)")
    #expect(written.output.contains("features of 4 pictures"))
    let names = try String(contentsOfFile: folder.path + "/set.txt", encoding: .utf8)
    let list = names.split(separator: "\n")
    #expect(list.count == 5 && list[0].contains("\"cifar-four-layer\""), "\(names)")
    #expect(list[0].contains("\"step\":4,") && list[0].contains("\"dataset\":"), "\(names)")
    let found = try Program.alexnet(
      "similar", "--checkpoint", run, "--features", features, set + "/90.bmp", "--top", "3",
      "--csv")
    #expect(found.code == 0, "\(found.error)")
    let lines = found.output.split(separator: "\n")
    #expect(lines.count == 4 && lines[1].contains("\(set)/90.bmp,1,\(set)/90.bmp,0"))
    // Several ranks write and find the same.
    for source in [set, try Pictures.small.get().path + "/dataset"] {
      var files: [Data] = []
      for ranks in [nil, 2, 4] {
        let path = "\(folder.path)/\(ranks ?? 1).npy"
        let outcome = try Program.alexnet(
          ranks: ranks,
          [
            "similar", "--checkpoint", run, "--set", source, "--features", path, "--threads", "1",
          ])
        #expect(outcome.code == (source == set ? 65 : 0), "\(outcome.error)")
        files.append(try Data(contentsOf: URL(fileURLWithPath: path)))
        files.append(
          try Data(contentsOf: URL(fileURLWithPath: path.replacing(".npy", with: ".txt"))))
      }
      #expect(files[2] == files[0] && files[4] == files[0])
      #expect(files[3] == files[1] && files[5] == files[1])
    }
    let spread = try Program.alexnet(
      ranks: 2,
      [
        "similar", "--checkpoint", run, "--features", features, set + "/90.bmp", "--top", "3",
        "--csv",
      ])
    #expect(spread.output == found.output, "\(spread.error)")
    // A list that says nothing of the network, as older ones do; then those of another step.
    try list.dropFirst().joined(separator: "\n").write(
      toFile: folder.path + "/set.txt", atomically: true, encoding: .utf8)
    let older = try Program.alexnet(
      "similar", run, "--features", features, set + "/90.bmp", "--top", "3", "--csv")
    #expect(older.code == 0 && older.output == found.output)
    #expect(older.error.contains("does not say what network made its features"), "\(older.error)")
    try names.write(toFile: folder.path + "/set.txt", atomically: true, encoding: .utf8)
    try FileManager.default.copyItem(atPath: run, toPath: folder.path + "/further")
    let further = try Program.train(
      ranks: nil, ["--out", folder.path + "/further", "--resume", "--max-steps", "6"])
    #expect(further.code == 0, "\(further.error)")
    for ranks in [nil, 2] {
      let refused = try Program.alexnet(
        ranks: ranks,
        ["similar", folder.path + "/further", "--features", features, set + "/90.bmp"])
      #expect(refused.code == 64 && refused.output.isEmpty, "\(refused.output)")
      #expect(refused.error.contains("after step 4,"), "\(refused.error)")
      #expect(refused.error.contains("after step 6,"), "\(refused.error)")
    }
    // The same weights in another file are the same network.
    let exported = folder.path + "/exported.safetensors"
    let export = try Program.alexnet("export", run, "--format", "safetensors", "--out", exported)
    #expect(export.code == 0, "\(export.error)")
    let same = try Program.alexnet(
      "similar", exported, "--features", features, set + "/90.bmp", "--top", "3", "--csv")
    #expect(same.code == 0 && same.output == found.output, "\(same.error)")
    // Names that do not belong to the features.
    try "one\n".write(toFile: folder.path + "/set.txt", atomically: true, encoding: .utf8)
    let wrong = try Program.alexnet(
      "similar", "--checkpoint", run, "--features", features, set + "/90.bmp")
    #expect(wrong.code == 65 && wrong.error.contains("names 1 picture and"), "\(wrong.error)")
    let source = try Pictures.small.get().path
    let dataset = try Program.alexnet(
      "similar", "--checkpoint", run, "--set", source + "/dataset", "--features", features)
    #expect(dataset.code == 0 && dataset.output.contains("features of 100 pictures"))
    // The classes are those of the file that the dataset was prepared from, and the pictures drawn.
    let labels = try Data(
      contentsOf: URL(fileURLWithPath: source + "/source/t10k-labels-idx1-ubyte"))
    let sheet = folder.path + "/sheet.svg"
    let drawn = try Program.alexnet(
      "similar", "--checkpoint", run, "--features", features, set + "/90.bmp", set + "/10.bmp",
      "--top", "3", "--csv", "--draw", sheet)
    #expect(drawn.code == 0, "\(drawn.error)")
    let rows = drawn.output.split(separator: "\n").dropFirst().filter { !$0.hasPrefix("Drew") }
    #expect(rows.count == 6)
    let svg = try String(contentsOfFile: sheet, encoding: .utf8)
    for row in rows {
      let fields = row.split(separator: ",").map(String.init)
      let number = try #require(fields[2].split(separator: "-").last.flatMap { Int($0) })
      #expect(fields[4] == "\(labels[8 + number])", "\(row)")
      #expect(svg.contains(">\(fields[4])</text>"))
    }
    #expect(svg.ranges(of: "<image ").count == 8 && !svg.contains("var("))
    // Another dataset's pictures are not those of the features.
    let other = try Program.alexnet(
      "similar", "--checkpoint", run, "--features", features, set + "/90.bmp", "--data",
      try Pictures.tiny.get().path + "/dataset")
    #expect(other.code == 64 && other.error.contains("are not the pictures of"), "\(other.error)")
  }
}
