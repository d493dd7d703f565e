import Foundation
import Glibc
import TestSupport
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
        "checkpoints/step-00000009.safetensors",
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
      let first = Process()
      first.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      first.arguments =
        ["mpirun", "--oversubscribe", "-np", "2", "\(Program.folder)/alexnet-train"] + words
      first.environment = Process.userEnvironment
      first.standardOutput = FileHandle.nullDevice
      first.standardError = FileHandle.nullDevice
      try first.runWithOpenSignals()
      while first.isRunning,
        !FileManager.default.fileExists(atPath: run + "/checkpoints/latest.safetensors")
      {
        usleep(20_000)
      }
      let second = try Program.train(ranks: 2, words + ["--resume"])
      #expect(second.code == 73)
      #expect(second.error.contains("in use by process "), "\(second.error)")
      #expect(second.error.contains(" on host "), "\(second.error)")
      kill(first.processIdentifier, SIGKILL)
      first.waitUntilExit()
      let third = try Program.train(ranks: 2, words + ["--resume", "--max-time", "4s"])
      #expect(third.code == 75, "\(third.error)")
      #expect(third.output.contains("which is gone"), "\(third.output)")
    }
  }
}
