import Data
import Foundation
import Images
import TestSupport
import Testing

@Suite("Odd files")
struct OddFileTests {
  private func reasons(_ place: TemporaryFolder) throws -> [String: String] {
    let lines = String(decoding: try place.read("dataset/rejected.jsonl"), as: UTF8.self)
    var reasons: [String: String] = [:]
    for line in lines.split(separator: "\n") {
      let object = try JSONSerialization.jsonObject(with: Foundation.Data(line.utf8))
      let fields = try #require(object as? [String: String])
      reasons[fields["path"] ?? ""] = fields["reason"]
    }
    return reasons
  }

  @Test("tiny and long pictures are used, and a decompression bomb is listed")
  func sizes() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4])
    let gray = [UInt8](repeating: 90, count: 100 * 9000 * 3)
    try place.writePicture(TestPicture(width: 100, height: 9000, pixels: gray), "source/a/long.png")
    try place.writePicture(TestPicture(width: 1, height: 1, pixels: [1, 2, 3]), "source/a/dot.png")
    // A whole and sound picture: black rows compress to nearly nothing.
    try #require(
      Program.run([
        "/usr/bin/vips", "black", place.file("bomb.png[compression=9]"), "30000", "30000",
      ]).code
        == 0)
    try FileManager.default.moveItem(
      atPath: place.file("bomb.png"), toPath: place.file("source/b/bomb.png"))
    let summary = try place.prepare()
    #expect(summary.train + summary.validation == 10)
    #expect(
      try reasons(place) == [
        "b/bomb.png": "has 30000x30000 pixels, more than the 128 million allowed"
      ])
  }

  /// Files as they are met in ImageNet and the wild, with their colour; nil for what cannot be
  /// used.
  private static let kinds: [(name: String, bytes: [UInt8], colour: [Int]?)] = [
    ("progressive.jpg", OddPictures.progressiveJPEG, [20, 120, 220]),
    ("cmyk.JPG", OddPictures.cmykJPEG, [225, 30, 30]),
    ("ycck.jpeg", OddPictures.ycckJPEG, [225, 30, 30]),
    ("a PNG.JPEG", OddPictures.palettePNG, [20, 120, 220]),
    ("gray.jpg", OddPictures.grayJPEG, [77, 77, 77]),
    ("gray16.png", OddPictures.gray16PNG, [128, 128, 128]),
    ("alpha.png", OddPictures.alphaPNG, [255, 255, 255]),
    ("a.webp", OddPictures.webP, [20, 120, 220]),
    ("a.TIF", OddPictures.tiff, [20, 120, 220]),
    ("a.bmp", OddPictures.bmp, [20, 120, 220]),
    ("cut.jpg", Array(OddPictures.progressiveJPEG.dropLast(60)), nil),
    ("nothing.jpg", [], nil),
    ("text.jpg", Array("<html>".utf8), nil),
  ]

  @Test("every picture format is used with right colours or listed")
  func everyKind() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["z": 20], side: 32)
    for kind in Self.kinds { try place.write(kind.bytes, "source/kinds/\(kind.name)") }
    try place.write(OddPictures.rotatedJPEG, "source/turned/turned.jpg")
    let result = try Program.alexnet(
      ranks: nil,
      ["prepare", "--source", place.file("source"), "--out", place.file("dataset")]
        + ["--size", "16", "--encoding", "png"])
    #expect(result.code == 0, "\(result.error)")
    let bad = Self.kinds.filter { $0.colour == nil }.map { "kinds/\($0.name)" }
    #expect(try Set(reasons(place).keys) == Set(bad))
    let dataset = try place.dataset()
    var found: [String: [UInt8]] = [:]
    for split in Split.allCases {
      let list = try Program.run([
        "/usr/bin/tar", "tf", place.file("dataset/\(split.rawValue)-000000.tar"),
      ]).output
      let names = list.split(separator: "\n")
        .filter { $0.hasSuffix(".png") }
      for (record, name) in names.enumerated() {
        // Behind the number: the name, with other characters than letters and digits replaced.
        found[String(name.dropFirst(9).dropLast(4))] = try dataset.pixels(split, record)
      }
    }
    for kind in Self.kinds {
      guard let colour = kind.colour else { continue }
      let stem = kind.name.prefix { $0 != "." }.map { $0 == " " ? "_" : $0 }
      // The three files called "a" are one colour.
      let pixels = try #require(found[String(stem)], "\(kind.name)")
      for i in pixels.indices {
        #expect(abs(Int(pixels[i]) - colour[i % 3]) <= 35, "\(kind.name)")
      }
    }
    // What was left in the file is above in the picture: red over blue.
    let turned = try #require(found["turned"])
    let (top, bottom) = (3 * (2 * 16 + 8), 3 * (14 * 16 + 8))
    #expect(turned[top] > 200 && turned[top + 2] < 60)
    #expect(turned[bottom] < 60 && turned[bottom + 2] > 200)
  }

  /// Whether permissions keep this user from reading; root reads everything.
  static let isBoundByPermissions = getuid() != 0

  @Test(
    "unreadable files are listed",
    .enabled(if: isBoundByPermissions, "root may read every file"))
  func permission() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4])
    chmod(place.file("source/a/0.png"), 0)
    try place.prepare()
    #expect(try reasons(place) == ["a/0.png": "cannot be opened: Permission denied"])
  }

  /// Runs the program as an ordinary user, whom root can become.
  private static func runAsNobody(
    _ program: String, _ words: [String]
  ) throws -> Outcome {
    try Program.run(
      ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program] + words)
  }

  /// A copy of the program where others than root look, too.
  private static func openProgram(_ place: TemporaryFolder) throws -> String {
    let program = place.file("alexnet")
    try FileManager.default.copyItem(atPath: Program.folder + "/alexnet", toPath: program)
    return program
  }

  /// Whether root can show what another user would meet.
  ///
  /// Where the toolchain's libraries are root's alone, nobody's program does not start: code 127.
  static let canBecomeNobody: Bool = {
    guard getuid() == 0, FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") else {
      return false
    }
    let place = TemporaryFolder()
    let code = withExtendedLifetime(place) {
      try? runAsNobody(openProgram(place), ["--version"]).code
    }
    return code != nil && code != 127
  }()

  @Test(
    "for ordinary users: unreadable files are listed, unwritable targets reported",
    .enabled(if: canBecomeNobody, "needs root, setpriv, and libraries that others may read"))
  func ordinaryUser() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 4, "b": 4])
    chmod(place.file("source/a/0.png"), 0)
    try place.makeFolder("open")
    try place.makeFolder("closed")
    chmod(place.file("open"), 0o777)
    let program = try Self.openProgram(place)
    func prepare(_ out: String) throws -> Outcome {
      try Self.runAsNobody(
        program,
        ["prepare", "--source", place.file("source"), "--out", place.file(out), "--size", "8"])
    }
    let result = try prepare("open/dataset")
    #expect(result.code == 0, "\(result.error)")
    let lines = String(decoding: try place.read("open/dataset/rejected.jsonl"), as: UTF8.self)
    #expect(lines.contains("cannot be opened: Permission denied"))
    let refused = try prepare("closed/dataset")
    #expect(refused.code == 73 && refused.error.contains("Permission denied"), "\(refused.error)")
    #expect(try place.names("closed") == [])
  }

  @Test("equal file names in different folders make different records")
  func duplicates() throws {
    let place = TemporaryFolder()
    for (seed, name) in ["a/same", "a/sub/same", "b/same", "b/other"].enumerated() {
      try place.writePicture(TestPicture(side: 8, seed: UInt32(seed)), "source/\(name).png")
    }
    try place.prepare()
    let dataset = try place.dataset()
    let pictures = try Split.allCases.flatMap { split in
      try (0..<dataset.count(split)).map { try dataset.pixels(split, $0) }
    }
    #expect(Set(pictures) == Set((0..<4).map { TestPicture(side: 8, seed: UInt32($0)).pixels }))
  }
}
