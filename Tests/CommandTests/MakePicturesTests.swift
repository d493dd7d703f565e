import Foundation
import TestSupport
import Testing

private func python(_ program: String, _ words: String...) throws -> Outcome {
  try Program.run(["/usr/bin/python3", "-c", program] + words)
}

private let hasPillow = (try? python("import PIL"))?.code == 0
private let hasFonts = ["dejavu", "liberation"].allSatisfy {
  FileManager.default.fileExists(atPath: "/usr/share/fonts/truetype/\($0)")
}

/// scripts/make-pictures, where Pillow is installed.
@Suite(.serialized, .enabled(if: hasPillow)) struct MakePicturesTests {
  private let scratch = TemporaryFolder()

  private func make(_ kind: String, _ out: String, _ words: [String]) throws -> Outcome {
    try Program.run(
      ["\(Program.repository)/scripts/make-pictures", kind, "--out", "\(scratch.path)/\(out)"]
        + words)
  }

  private func picture(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/\(path)"))
  }

  @Test(.enabled(if: hasFonts)) func aSeedsLettersAreTheSameAndPrepareTakesThem() throws {
    let fonts = ["dejavu", "liberation"].flatMap { ["--from", "/usr/share/fonts/truetype/\($0)"] }
    func letters(_ out: String, _ words: String...) throws -> Outcome {
      try make("letters", out, ["--characters", "AB8"] + fonts + words)
    }
    let first = try letters("three", "--train", "3", "--validation", "2")
    #expect(first.code == 0, "\(first.error)")
    #expect(first.output.contains("3 classes, 9 pictures in"), "\(first.output)")
    let families =
      first.output.contains("DejaVu in train, Liberation in val")
      || first.output.contains("Liberation in train, DejaVu in val")
    #expect(families, "\(first.output)")
    // The first pictures do not depend on how many there are, all depend on the seed.
    #expect(try letters("two", "--train", "2", "--validation", "2").code == 0)
    #expect(try letters("seed", "--train", "2", "--validation", "2", "--seed", "2").code == 0)
    let path = "train/latin-capital-letter-b/00002.png"
    #expect(try picture("three/\(path)") == picture("two/\(path)"))
    #expect(try picture("three/\(path)") != picture("seed/\(path)"))
    let prepared = try Program.alexnet(
      "prepare", "--source", "\(scratch.path)/three", "--out", "\(scratch.path)/data", "--size",
      "72")
    #expect(prepared.code == 0 && prepared.output.contains("3 classes"), "\(prepared.output)")
    let again = try letters("three", "--train", "3")
    #expect(again.code == 73 && again.error.contains("is not empty"), "\(again.error)")
  }

  @Test(.enabled(if: hasFonts)) func plainLettersAreBlackOnWhiteAndInTheMiddle() throws {
    let made = try make(
      "letters", "plain",
      [
        "--plain", "--characters", "AB8", "--train", "3", "--validation", "3", "--side", "64",
        "--from", "/usr/share/fonts/truetype/dejavu", "--from",
        "/usr/share/fonts/truetype/liberation",
      ])
    #expect(made.code == 0, "\(made.error)")
    // Pixels of two colours are all grey; the ink's box has the same room on both sides, up to a pixel.
    let boxes = try python(
      """
      import glob, sys
      from PIL import Image, ImageOps
      for path in glob.glob(sys.argv[1] + "/*/*/*.png"):
          picture = Image.open(path)
          red, green, blue = picture.split()
          grey = red.tobytes() == green.tobytes() == blue.tobytes()
          left, top, right, bottom = ImageOps.invert(red).point(lambda ink: 255 * (ink > 16)).getbbox()
          middle = abs(left - (64 - right)) <= 2 and abs(top - (64 - bottom)) <= 2
          size = 36 <= max(right - left, bottom - top) <= 53
          print(grey, red.getpixel((0, 0)), red.getextrema()[0] < 40, middle, size)
      """, "\(scratch.path)/plain")
    #expect(
      boxes.output.split(separator: "\n").map(String.init)
        == Array(repeating: "True 255 True True True", count: 18), "\(boxes.output)\(boxes.error)")
    let regions = try make("regions", "no", ["--plain"])
    #expect(regions.code == 64 && regions.error.contains("are for letters"), "\(regions.error)")
  }

  @Test func aRegionsPatchesComeFromTwoPartsOfIt() throws {
    // Stripes: red up to column 240 of each region of 384, blue from there on.
    let source = "\(scratch.path)/photographs"
    let drawn = try python(
      """
      import os, sys
      from PIL import Image, ImageDraw
      os.mkdir(sys.argv[1])
      picture = Image.new("RGB", (1152, 768))
      draw = ImageDraw.Draw(picture)
      for x in range(1152):
          shade = 255 if x // 8 % 2 else 0
          draw.line((x, 0, x, 768), fill=(shade, 0, 0) if x % 384 < 240 else (0, 0, shade))
      picture.save(sys.argv[1] + "/stripes.jpg", quality=100, subsampling=0)
      """, source)
    #expect(drawn.code == 0, "\(drawn.error)")
    let made = try make(
      "regions", "regions",
      ["--classes", "2", "--train", "4", "--validation", "4", "--from", source])
    #expect(made.code == 0 && made.output.contains("2 classes, 8 pictures in"), "\(made.error)")
    let colours = try python(
      """
      import glob, sys
      from PIL import Image, ImageStat
      for split in "train", "val":
          for path in glob.glob(f"{sys.argv[1]}/{split}/*/*.png"):
              red, _, blue = ImageStat.Stat(Image.open(path)).mean
              colours = (red > 60) + 2 * (blue > 60)
              print(split, ["none", "red", "blue", "both"][colours])
      """, "\(scratch.path)/regions")
    #expect(
      Set(colours.output.split(separator: "\n")) == ["train red", "val blue"], "\(colours.output)")
    let few = try make("regions", "few", ["--classes", "7", "--from", source])
    #expect(few.code == 65 && few.error.contains("6 regions"), "\(few.error)")
  }
}
