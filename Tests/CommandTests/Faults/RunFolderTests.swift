import Foundation
import Glibc
import Testing

extension FaultTests {
  /// One run, one folder.
  @Suite struct RunFolder {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    @Test func linksAndOpenFoldersAreRefused() throws {
      #expect(try Program.train(ranks: 2, training.options(steps: 5)).code == 0)
      let words = try training.options(steps: 10, "--resume")
      let target = training.scratch.path + "/target"
      try "untouched".write(toFile: target, atomically: true, encoding: .utf8)
      for name in [
        "checkpoints/latest.safetensors", "log.txt", "lock",
        "checkpoints/step-00000009.safetensors", "tensorboard",
      ] {
        let path = "\(run)/\(name)"
        let kept = try? training.contents(path)
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
        let outcome = try Program.train(ranks: 2, words)
        #expect(outcome.code == 73, "\(name): \(outcome.error)")
        #expect(outcome.error.contains("is a link"), "\(name): \(outcome.error)")
        try FileManager.default.removeItem(atPath: path)
        try kept?.write(to: URL(fileURLWithPath: path))
      }
      #expect(try String(contentsOfFile: target, encoding: .utf8) == "untouched")
      chmod(run, 0o777)
      let outcome = try Program.train(ranks: 2, words)
      #expect(outcome.code == 73)
      #expect(outcome.error.contains("chmod 700"), "\(outcome.error)")
    }

    @Test func aSecondRunInTheSameFolderIsRefusedAndADeadOwnersLockIsTakenOver() throws {
      let words = try training.options(steps: 100_000)
      let first = try training.startedRun(words)
      let second = try Program.train(ranks: 2, words + ["--resume"])
      #expect(second.code == 73)
      #expect(second.error.contains("in use by process "), "\(second.error)")
      #expect(second.error.contains(" on host "), "\(second.error)")
      struct Owner: Decodable { let process: Int32 }
      let owner = try JSONDecoder().decode(Owner.self, from: training.contents(run + "/lock"))
      kill(owner.process, SIGKILL)
      first.waitUntilExit()
      #expect(first.terminationStatus == 137)
      let third = try Program.train(ranks: 2, words + ["--resume", "--max-time", "4s"])
      #expect(third.code == 75, "\(third.error)")
      #expect(third.output.contains("which is gone"), "\(third.output)")
    }
  }
}
