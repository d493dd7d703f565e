import Foundation
import Glibc
import TestSupport
import Testing

extension FaultTests {
  /// Checkpoints that are damaged, kept and passed over.
  @Suite struct Checkpoint {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    @Test func aDamagedCheckpointIsRefusedByNameOrSkippedWithLatestGood() throws {
      #expect(try Program.train(ranks: 2, training.options(steps: 10)).code == 0)
      let newest = run + "/checkpoints/step-00000010.safetensors"
      let whole = try training.bytes(newest)
      // A bit in the middle of the weights, one in the header, and a file that ends too soon.
      var damaged: [Data] = []
      for place in [whole.count / 2, 3000] {
        var copy = whole
        copy[place] ^= 4
        damaged.append(copy)
      }
      damaged.append(whole.dropLast(4096))
      for copy in damaged {
        try copy.write(to: URL(fileURLWithPath: newest))
        let outcome = try Program.train(ranks: 2, training.options(steps: 15, "--resume"))
        #expect(outcome.code == 65, "\(outcome.error)")
        #expect(outcome.error.contains("step-00000010"), "\(outcome.error)")
        #expect(try Program.alexnet("verify", newest).code == 65)
      }
      let outcome = try Program.train(
        ranks: 2, training.options(steps: 15, "--resume", "latest-good"))
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(outcome.output.contains("Continuing after step 5 of 15"), "\(outcome.output)")
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 15))
    }

    /// Stopped, not ended: the end of a run is validated, which a run that goes further is not.
    @Test func twoRanksAndOneProcessGoOnFromEachOthersCheckpoints() throws {
      for (number, ranks) in [2, nil].enumerated() {
        let outcome = try Program.train(
          ranks: ranks,
          training.options(
            steps: 12, "--resume", "auto", "--inject",
            "usr1,rank=0,step=\(4 + 4 * number),phase=reading"))
        #expect(outcome.code == 75, "\(outcome.error)")
      }
      #expect(try Program.train(ranks: 2, training.options(steps: 12, "--resume")).code == 0)
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 12))
    }

    /// A shard that changes under a run, or is gone when it goes on.
    @Test(arguments: ["overwritten", "cut", "removed"])
    func aShardThatChangesWhileTrainingIsNamed(change: String) throws {
      let data = training.scratch.path + "/data"
      try FileManager.default.copyItem(atPath: Pictures.small.get().path + "/dataset", toPath: data)
      let words = try training.options(steps: 1_000_000).map {
        $0 == (try? Pictures.small.get().path).map { $0 + "/dataset" } ? data : $0
      }
      let (process, error) = try training.launchedWithErrors(words)
      try training.waitForRecords(8, of: process)
      let shard = try #require(
        FileManager.default.contentsOfDirectory(atPath: data).filter {
          $0.hasPrefix("train-") && $0.hasSuffix(".tar")
        }.min().map { data + "/" + $0 })
      switch change {
      case "overwritten":
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: shard))
        let length = try file.seekToEnd()
        try file.seek(toOffset: 0)
        try file.write(contentsOf: Data((0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }))
      case "cut": #expect(truncate(shard, 4096) == 0)
      default:
        // A file that is open lives on without its name: such a run need not end by itself.
        try FileManager.default.removeItem(atPath: shard)
        kill(process.processIdentifier, SIGUSR1)
      }
      process.waitUntilExit()
      var said = try String(contentsOfFile: error, encoding: .utf8)
      if change == "removed" {
        let again = try Program.train(ranks: 2, words + ["--resume"])
        #expect(again.code == 66, "\(again.error)")
        said = again.error
      } else {
        #expect(process.terminationStatus == 65, "\(said)")
      }
      #expect(said.contains(shard), "\(said)")
      #expect(try Program.alexnet("verify", run).code == 0)
      #expect(try training.checkpoints.allSatisfy { !$0.hasSuffix(".partial") })
    }

    /// Files of the user's beside the checkpoints: neither gone on from, nor counted, nor removed.
    @Test func copiesOfCheckpointsAreLeftAlone() throws {
      #expect(try Program.train(ranks: 2, training.options(steps: 10)).code == 0)
      let folder = run + "/checkpoints/"
      let copies = [
        "step-good.safetensors", "step-00000005 (copy).safetensors", "step-5.safetensors",
        "step-000000099.safetensors", "step-00000099.safetensors.old", "download.partial",
      ]
      for name in copies {
        try FileManager.default.copyItem(
          atPath: folder + "step-00000005.safetensors", toPath: folder + name)
      }
      try FileManager.default.createDirectory(
        atPath: folder + "step-kept.safetensors", withIntermediateDirectories: false)
      let outcome = try Program.train(ranks: 2, training.options(steps: 20, "--resume"))
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(outcome.output.contains("Continuing after step 10 of 20"), "\(outcome.output)")
      #expect(
        try training.checkpoints.filter { !$0.hasPrefix("latest") && !$0.hasPrefix("best") }
          == (copies + [
            "step-kept.safetensors", "step-00000015.safetensors", "step-00000020.safetensors",
          ]).sorted())
      for reader in [["verify", run], ["plot", run, "--width", "72"]] {
        let read = try Program.alexnet(ranks: nil, reader)
        #expect(read.code == 0, "\(read.error)")
      }
      let evaluation = try Program.alexnet(
        "evaluate", run, "--data", Pictures.small.get().path + "/dataset")
      #expect(evaluation.code == 0, "\(evaluation.error)")
      // A folder of a checkpoint's own name is refused by name, as a link is.
      try FileManager.default.createDirectory(
        atPath: folder + "step-00000030.safetensors", withIntermediateDirectories: false)
      let refused = try Program.train(ranks: 2, training.options(steps: 25, "--resume"))
      #expect(refused.code == 73, "\(refused.error)")
      #expect(
        refused.error.contains("step-00000030.safetensors' is a link or another special file"))
      // So is one where a file is to be written.
      rmdir(folder + "step-00000030.safetensors")
      for name in ["step-00000025.safetensors.partial", "latest.safetensors.partial"] {
        try FileManager.default.createDirectory(
          atPath: folder + name, withIntermediateDirectories: false)
        let refused = try Program.train(ranks: 2, training.options(steps: 25, "--resume"))
        #expect(refused.code == 73 && refused.error.contains("\(name)' is a folder"))
        rmdir(folder + name)
      }
    }

    /// A copy that was given the name of a checkpoint to be is none, and costs the run none of its
    /// own.
    @Test func aCheckpointWhoseStepsDifferFromItsNameIsNotResumed() throws {
      #expect(try Program.train(ranks: 2, training.options(steps: 10)).code == 0)
      let folder = run + "/checkpoints/"
      func copy(_ name: String, as other: String) throws {
        try FileManager.default.copyItem(
          atPath: "\(folder)\(name).safetensors", toPath: "\(folder)\(other).safetensors")
      }
      try copy("step-00000010", as: "step-00000004")
      // One that is older than the newest is kept, since it is nobody's but the user's.
      #expect(try Program.train(ranks: 2, training.options(steps: 20, "--resume")).code == 0)
      #expect(
        try training.checkpoints.filter { $0.hasPrefix("step") } == [
          "step-00000004.safetensors", "step-00000015.safetensors", "step-00000020.safetensors",
        ])
      for (number, name) in ["step-00000099", "step-100000000"].enumerated() {
        try copy("latest", as: name)
        for words in [
          ["verify", run], ["evaluate", run, "--data", try Pictures.small.get().path + "/dataset"],
          ["export", run, "--format", "npz", "--out", training.scratch.path + "/w.npz"],
        ] {
          let outcome = try Program.alexnet(ranks: nil, words)
          #expect(outcome.code == 65, "\(words): \(outcome.error)")
          #expect(
            outcome.error.contains("\(name).safetensors' holds step 2\(number), but its name"),
            "\(outcome.error)"
          )
        }
        let refused = try Program.train(ranks: 2, training.options(steps: 25, "--resume"))
        #expect(refused.code == 65 && refused.error.contains("holds step 2"), "\(refused.error)")
        let outcome = try Program.train(
          ranks: 2, training.options(steps: 21 + number, "--resume", "latest-good"))
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output.contains("\(name).safetensors.damaged"), "\(outcome.output)")
      }
      // Under two names that are both one file's.
      #expect(
        link(folder + "step-00000022.safetensors", folder + "step-00000023.safetensors") == 0)
      let verified = try Program.alexnet("verify", run)
      #expect(
        verified.code == 65 && verified.error.contains("step-00000023.safetensors' holds step 22"),
        "\(verified.error)")
    }

    @Test func theNewestAndTheBestCheckpointsAreKept() throws {
      let words = try training.options(steps: 30, "--keep", "2").map { $0 == "1000" ? "5" : $0 }
      #expect(try Program.train(ranks: 2, words).code == 0)
      let names = try training.checkpoints
      #expect(names.contains("best.safetensors") && names.contains("latest.safetensors"))
      #expect(names.count { $0.hasPrefix("step-") } == 2)
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.contents(run + "/checkpoints/step-00000030.safetensors"))
      for name in names {
        var status = stat()
        #expect(
          stat("\(run)/checkpoints/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG)
      }
      var status = stat()
      #expect(stat(run, &status) == 0 && status.st_mode & 0o777 == 0o700)
    }
  }
}
