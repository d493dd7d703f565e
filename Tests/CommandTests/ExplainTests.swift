import Foundation
import TestSupport
import Testing

/// `alexnet explain`, its files read by programs that are not ours, and the report's mistakes.
@Suite(.serialized) struct ExplainTests {
  private static let reader = """
    import base64, json, re, sys, xml.dom.minidom
    for path in sys.argv[1:]:
        numbers = json.load(open(path + ".json"))
        cells = [p for row in numbers["occlusion"]["probabilities"] for p in row]
        places = numbers["occlusion"]["places"]
        assert len(cells) == len(places) ** 2 and all(0 <= p <= 1 for p in cells)
        cam = numbers["gradCAM"]
        for rows, *towers in zip(cam["whole"], *cam["towers"]):
            for whole, *parts in zip(rows, *towers):
                assert abs(whole - max(0, sum(parts))) < 1e-9, (whole, parts)
        text = open(path + ".svg").read()
        document = xml.dom.minidom.parseString(text)
        pictures = re.findall(r'href="data:image/jpeg;base64,([^"]*)"', text)
        assert all(base64.b64decode(p)[:2] == bytes([255, 216]) for p in pictures)
        assert "var(" not in text
        print(numbers["image"], "%r" % numbers["probability"], numbers["class"], "at",
            cam["layer"], places, len(cam["whole"]), len(cam["towers"]), len(pictures))
    """

  @Test func thePicturesAndTheirNumbersAgree() throws {
    let folder = TemporaryFolder()
    let dataset = try Pictures.small.get().path + "/dataset"
    let run = folder.path + "/run"
    let trained = try Program.train(
      ranks: nil,
      [
        "--data", dataset, "--out", run, "--network", "cifar-four-layer", "--batch-size", "32",
        "--learning-rate", "0.001", "--max-steps", "4",
      ])
    #expect(trained.code == 0, "\(trained.error)")
    // Two of one name, and one that is none.
    var files: [String] = []
    for (name, level) in [("a", UInt8(30)), ("b", 200)] {
      let path = "\(folder.path)/\(name)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      files.append(path + "/picture.bmp")
      let bands: [[UInt8]] = [[level, 250, 0], [90, level, 150]]
      try Data(ColourFolders.bitmap(width: 40, height: 32, bands: bands)).write(
        to: URL(fileURLWithPath: files[files.count - 1]))
    }
    let out = folder.path + "/out"
    let options = ["--stride", "8", "--square", "6", "--threads", "1"]
    let outcome = try Program.alexnet(
      ranks: nil, ["explain", run, "--out", out] + options + files + [folder.path + "/none.png"])
    #expect(outcome.code == 66 && outcome.error.contains("none.png"), "\(outcome.error)")
    let written = ["picture", "picture-2"].map { "\(out)/\($0)" }
    let reading = try Program.run(["python3", "-c", Self.reader] + written)
    let read = reading.output.split(separator: "\n")
    #expect(read.count == 2, "\(reading.error)")
    let predicted = try Program.alexnet(
      ranks: nil, ["predict", "--checkpoint", run, "--threads", "1", "--json"] + files)
    for (line, file) in zip(read, files) {
      #expect(line.hasPrefix(file + " ") && line.hasSuffix(" [0, 8, 16, 24, 26] 8 2 5"), "\(line)")
    }
    // The class and its probability are those of `predict`.
    struct Line: Decodable {
      struct Entry: Decodable {
        let name: String
        let probability: Double
      }
      let classes: [Entry]
    }
    let lines = predicted.output.split(separator: "\n")
    for (line, text) in zip(lines, read) {
      let first = try JSONDecoder().decode(Line.self, from: Data(line.utf8)).classes[0]
      let words = text.split(separator: " ")
      #expect(text.contains(" \(first.name) at relu3 "))
      // Another size of batches rounds otherwise.
      #expect(abs((Double(words[1]) ?? 2) - first.probability) < 1e-5)
    }
    // Two ranks write the same.
    let spread = try Program.alexnet(
      ranks: 2, ["explain", run, "--out", out + "2"] + options + files)
    #expect(spread.code == 0, "\(spread.error)")
    for name in ["picture.svg", "picture.json", "picture-2.svg", "picture-2.json"] {
      #expect(
        FileManager.default.contentsEqual(atPath: "\(out)/\(name)", andPath: "\(out)2/\(name)"))
    }
    for (arguments, sentence) in [
      (["--class", "unicorn"], "has no class 'unicorn'"),
      (["--layer", "fc10"], "its output has one pixel"),
      (["--square", "99"], "hides more than the crop"),
    ] {
      let refused = try Program.alexnet(
        ranks: nil, ["explain", run, "--out", out] + arguments + files)
      #expect(refused.code == 64 && refused.error.contains(sentence), "\(refused.error)")
    }
  }
}
