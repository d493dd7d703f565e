import Data
import Foundation
import TestSupport
import Testing

/// `mpirun -np N alexnet prepare`, and preparations that are stopped half-way.
@Suite("Preparing with several ranks, and resuming", .serialized)
struct SharedPreparationTests {
  private func expectSame(_ place: TemporaryFolder, _ one: String, _ other: String) throws {
    let names = try place.names(one)
    #expect(try place.names(other) == names)
    for name in names {
      #expect(
        try place.read("\(one)/\(name)") == place.read("\(other)/\(name)"), "\(other)/\(name)")
    }
  }

  @Test("every byte is the same for any number of ranks")
  func ranks() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 700, "b": 300, "c": 3])
    try place.write(Array("no picture".utf8), "source/a/broken.png")
    try place.prepare("dataset1") { $0.threads = 1 }
    for ranks in [2, 3] {
      let result = try Program.alexnet(
        ranks: ranks,
        ["prepare", "--source", place.file("source"), "--out", place.file("dataset\(ranks)")]
          + ["--size", "8", "--threads", "1"])
      #expect(result.code == 0, "\(result.error)")
      let lines = result.output.split(separator: "\n").filter { $0.hasPrefix("Prepared ") }
      #expect(lines.count == 1, "\(result.output)")
      try expectSame(place, "dataset1", "dataset\(ranks)")
    }
  }

  @Test("a failure ends all ranks with one sentence")
  func failure() throws {
    let place = TemporaryFolder()
    let result = try Program.alexnet(
      ranks: 2, ["prepare", "--source", place.file("none"), "--out", place.file("dataset")])
    #expect(result.code == 66)
    #expect(result.error.components(separatedBy: "There is no folder").count == 2)
  }

  /// Starts a preparation and kills it when a shard is finished.
  private func kill(_ place: TemporaryFolder, out: String, _ options: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.folder + "/alexnet")
    process.arguments =
      ["prepare", "--source", place.file("source"), "--out", place.file(out)] + options
    process.standardOutput = FileHandle.nullDevice
    process.environment = Process.userEnvironment
    try process.run()
    let staging = ".\(out).preparing"
    for _ in 0..<6000 {
      let names = (try? place.names(staging)) ?? []
      if names.contains(where: { $0.hasSuffix(".done") }) { break }
      usleep(10_000)
    }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal, "It was over before it was killed.")
    #expect(try place.names(".").contains(staging) && !place.names(".").contains(out))
  }

  @Test("a killed preparation resumes from its shards with the same result")
  func resume() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 400, "b": 400])
    let options = ["--size", "200", "--threads", "1", "--encoding", "jpeg"]
    func finish(_ out: String, _ options: [String]) throws -> String {
      let result = try Program.alexnet(
        ranks: nil,
        ["prepare", "--source", place.file("source"), "--out", place.file(out)] + options)
      #expect(result.code == 0, "\(result.error)")
      return result.output
    }
    #expect(!(try finish("reference", options)).contains("Note"))

    try kill(place, out: "dataset", options)
    #expect(try finish("dataset", options).contains("continues after its "))
    try expectSame(place, "reference", "dataset")

    // A shard that was damaged meanwhile is made again.
    try kill(place, out: "damaged", options)
    let done = try #require(
      try place.names(".damaged.preparing").first { $0.hasSuffix(".done") })
    let shard = ".damaged.preparing/\(done.dropLast(5))"
    var bytes = try place.read(shard)
    bytes[bytes.count / 2] ^= 1
    try place.write(bytes, shard)
    #expect(try finish("damaged", options).contains("continues after its "))
    try expectSame(place, "reference", "damaged")

    // So is one whose notes were: the label of its last record, in front of a CRC-32 at the end.
    try kill(place, out: "forged", options)
    let notes = try #require(
      try place.names(".forged.preparing").first { $0.hasSuffix(".done") })
    bytes = try place.read(".forged.preparing/\(notes)")
    bytes[bytes.count - 8] ^= 1
    try place.write(bytes, ".forged.preparing/\(notes)")
    #expect(try finish("forged", options).contains("continues after its "))
    try expectSame(place, "reference", "forged")

    // With other settings nothing of it is of use.
    try kill(place, out: "other", options)
    #expect(
      try finish("other", ["--size", "16", "--hold-out", "20%"]).contains("this one starts over"))
    #expect(try place.dataset("other").side == 16)
    #expect(try !place.names("other").contains { $0.hasSuffix(".done") || $0.hasSuffix(".txt") })
  }

  @Test("changed pictures are prepared again when resuming")
  func changedPicture() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 400, "b": 400])
    let options = ["--size", "200", "--threads", "1", "--encoding", "jpeg"]
    try kill(place, out: "dataset", options)
    // Of the same length; the time of the change tells.
    var bytes = try place.read("source/a/0.png")
    bytes[bytes.count - 20] ^= 1
    try place.write(bytes, "source/a/0.png")
    let result = try Program.alexnet(
      ranks: nil,
      ["prepare", "--source", place.file("source"), "--out", place.file("dataset")] + options)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output.contains("this one starts over"))
  }

  /// Whether small file systems may be mounted here, to fill them.
  static let mayMount =
    (try? Program.run(["/usr/bin/unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).code)
    == 0

  @Test("after a full disk, the next run resumes from the finished shards", .enabled(if: mayMount))
  func fullDiskKeepsShards() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 400, "b": 400])
    let options = "--size 100 --threads 1 --encoding raw"
    let program = Program.folder + "/alexnet"
    // 720 records of 30 kB in three shards: the first two fit. A file system of the script's own,
    // gone with it.
    let script = """
      cd '\(place.path)' && mkdir disk && mount -t tmpfs -o size=18m none disk
      '\(program)' prepare --source source --out disk/dataset \(options); echo "code $?"
      ls -A disk disk/.dataset.preparing
      mount -o remount,size=64m disk
      '\(program)' prepare --source source --out disk/dataset \(options); echo "code $?"
      cp -r disk/dataset dataset
      '\(program)' prepare --source source --out reference \(options)
      """
    let result = try Program.run(["/usr/bin/unshare", "-rm", "sh", "-c", script])
    let output = result.output
    #expect(output.contains("code 74") && output.contains("code 0"), "\(output)")
    #expect(result.error.contains("No space left on device"), "\(result.error)")
    #expect(output.contains("train-000000.tar.done") && output.contains("train-000001.tar.done"))
    #expect(output.contains("continues after its 2 finished shards of 4"), "\(output)")
    try expectSame(place, "reference", "dataset")
  }

  /// Whether the length of files can be limited here.
  static let maySetLimits = FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit")

  @Test("a full disk is reported, and finished shards are kept", .enabled(if: maySetLimits))
  func fullDisk() throws {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 400, "b": 400])
    let arguments = [
      "prepare", "--source", place.file("source"), "--out", place.file("dataset"), "--size", "64",
      "--threads", "1",
    ]
    // A limit on the length of a file is met by the same system call as a full disk.
    let limited = try Program.run(
      ["prlimit", "--fsize=100000", Program.folder + "/alexnet"] + arguments)
    #expect(limited.code == 74, "\(limited.error)")
    #expect(
      limited.error.contains("cannot be written") && limited.error.contains("train-000000.tar"))
    #expect(!(try place.names(".").contains("dataset")))
    #expect(try Program.alexnet(ranks: nil, arguments).code == 0)
    #expect(try place.dataset().count(.train) == 720)
  }
}
