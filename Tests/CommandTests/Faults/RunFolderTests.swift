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

    @Test func linksAndFoldersWritableByOthersAreRefused() throws {
      #expect(try Program.train(ranks: 2, training.options(steps: 5)).code == 0)
      let words = try training.options(steps: 10, "--resume")
      let target = training.scratch.path + "/target"
      try "untouched".write(toFile: target, atomically: true, encoding: .utf8)
      for name in [
        "checkpoints/latest.safetensors", "log.txt", "metrics.jsonl", "lock",
        "checkpoints/step-00000009.safetensors", "tensorboard",
      ] {
        let path = "\(run)/\(name)"
        let kept = try? training.bytes(path)
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
      #expect(third.output.contains("which has ended"), "\(third.output)")
    }

    @Test func aRefusedFolderIsLeftUnchanged() throws {
      let file = training.scratch.path + "/notes.txt"
      try "mine".write(toFile: file, atomically: true, encoding: .utf8)
      let shared = training.scratch.path + "/shared"
      try FileManager.default.createDirectory(
        atPath: shared, withIntermediateDirectories: false)
      for (path, mode, says) in [
        (file, mode_t(0o644), "not a folder"), (shared, 0o1777, "can be written by others"),
      ] {
        #expect(chmod(path, mode) == 0)
        let words = try training.options(steps: 5).map { $0 == run ? path : $0 }
        let outcome = try Program.train(ranks: nil, words)
        #expect(outcome.code == 73 && outcome.error.contains(says), "\(outcome.error)")
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == mode, "\(path)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: shared).isEmpty)
    }

    /// A run that began, and ended, while another waited for the folder.
    @Test(arguments: [nil, "auto"])
    func aFoldersContentsAreExaminedOnlyAfterLocking(_ resume: String?) throws {
      let first = training.scratch.path + "/first"
      #expect(
        try Program.train(ranks: nil, training.options(steps: 5).map { $0 == run ? first : $0 })
          .code == 0)
      try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
      chmod(run, 0o700)
      let lock = open(run + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      #expect(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
      let late = Process()
      late.executableURL = URL(fileURLWithPath: "\(Program.folder)/alexnet-train")
      late.arguments = try training.options(steps: 10) + (resume.map { ["--resume", $0] } ?? [])
      late.environment = Process.userEnvironment
      late.standardOutput = FileHandle.nullDevice
      late.standardError = FileHandle.nullDevice
      try late.runWithOpenSignals()
      // It holds the folder, and tries the lock for some seconds.
      let descriptors = "/proc/\(late.processIdentifier)/fd"
      func waits() -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
        return names.contains {
          (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)"))
            == run
        }
      }
      for _ in 0..<600 where !waits() { usleep(10_000) }
      #expect(waits())
      for name in ["checkpoints", "metrics.jsonl", "log.txt", "config.json"] {
        try FileManager.default.copyItem(atPath: "\(first)/\(name)", toPath: "\(run)/\(name)")
      }
      unlink(run + "/lock")
      close(lock)
      late.waitUntilExit()
      #expect(late.terminationStatus == (resume == nil ? 73 : 0))
      let records = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      let old = try String(contentsOfFile: first + "/metrics.jsonl", encoding: .utf8)
      #expect(resume == nil ? records == old : records.hasPrefix(old) && records != old)
    }

    @Test func simultaneousRunsWithoutOutGetDifferentFolders() throws {
      let words = try training.options(steps: 1)
      let out = try #require(words.firstIndex(of: "--out"))
      let runs = try (0..<3).map { _ in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(Program.folder)/alexnet-train")
        process.arguments = Array(words[..<out] + words[(out + 2)...])
        process.environment = Process.userEnvironment
        process.currentDirectoryURL = URL(fileURLWithPath: training.scratch.path)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.runWithOpenSignals()
        return process
      }
      for run in runs {
        run.waitUntilExit()
        #expect(run.terminationStatus == 0)
      }
      let folder = training.scratch.path + "/runs"
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
    }

    /// After a loss of power a checkpoint is of no use without the settings, and neither without
    /// the names above them.
    @Test(.enabled(if: access("/usr/bin/strace", X_OK) == 0, "strace is missing"))
    func theSettingsAndTheirParentFoldersAreSyncedToDisk() throws {
      let trace = training.scratch.path + "/trace"
      let folder = training.scratch.path + "/new"
      let words = try training.options(steps: 1).map { $0 == run ? folder + "/run" : $0 }
      let outcome = try Program.run(
        [
          "/usr/bin/strace", "-f", "-y", "-o", trace, "-e",
          "trace=rename,renameat,renameat2,fsync,mkdir", "\(Program.folder)/alexnet-train",
        ] + words)
      #expect(outcome.code == 0, "\(outcome.error)")
      let calls = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
      let renamed = try #require(calls.firstIndex { $0.contains("\"config.json\") = 0") })
      #expect(calls[..<renamed].contains { $0.contains("fsync(") && $0.contains("config.json.p") })
      #expect(calls[renamed...].contains { $0.contains("fsync(") && $0.contains("/new/run>") })
      for path in [training.scratch.path, folder] {
        let last = (path as NSString).lastPathComponent
        #expect(calls.contains { $0.contains("fsync(") && $0.contains("/\(last)>") }, "\(path)")
      }
    }

    // MARK: While it trains

    /// A run that trains until it is told to stop, with its output.
    private func busyRun(_ more: String...) throws -> (process: Process, output: String) {
      let output = training.scratch.path + "/output"
      try Data().write(to: URL(fileURLWithPath: output))
      // Seldom enough for most of what happens to the folder to happen between two saves.
      let words = try training.options(steps: 1_000_000).map { $0 == "5" ? "100" : $0 }
      let process = try training.launched(
        words + more,
        output: FileHandle(forWritingTo: URL(fileURLWithPath: output)), speaksErrors: true)
      let latest = run + "/checkpoints/latest.safetensors"
      while process.isRunning, !FileManager.default.fileExists(atPath: latest) { usleep(20_000) }
      return (process, output)
    }

    /// Returns right after a checkpoint has been published.
    private func waitForNextCheckpoint() throws {
      let before = try training.checkpoints.filter { $0.hasSuffix(".safetensors") }
      for _ in 0..<3000
      where try training.checkpoints.filter({ $0.hasSuffix(".safetensors") }) == before {
        usleep(10_000)
      }
    }

    private func end(_ busy: (process: Process, output: String)) throws -> (
      code: Int32, output: String
    ) {
      // A run that should have ended by itself is not waited for longer than that.
      for _ in 0..<300 where busy.process.isRunning { usleep(100_000) }
      #expect(!busy.process.isRunning, "The run still trains.")
      kill(busy.process.processIdentifier, SIGKILL)
      busy.process.waitUntilExit()
      return (
        busy.process.terminationStatus, try String(contentsOfFile: busy.output, encoding: .utf8)
      )
    }

    @Test func aRunSavesIntoItsMovedFolderAndNotIntoTheReplacement() throws {
      let busy = try busyRun()
      let moved = training.scratch.path + "/moved"
      #expect(rename(run, moved) == 0)
      let next = try Program.train(ranks: 2, training.options(steps: 10))
      #expect(next.code == 0, "\(next.error)")
      let (code, output) = try end(busy)
      #expect(code == 74, "\(output)")
      #expect(
        output.contains("'\(run)' was moved to '\(moved)' while the run trained."), "\(output)")
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 10))
      #expect(
        try training.checkpoints.filter { $0.hasPrefix("step") }
          == ["step-00000005.safetensors", "step-00000010.safetensors"])
      // What the sentence says is saved is there.
      let files = try FileManager.default.contentsOfDirectory(atPath: moved + "/checkpoints")
      let newest = try #require(files.filter { $0.hasPrefix("step") }.max())
      let steps = try #require(Int(newest.dropFirst(5).dropLast(".safetensors".count)))
      #expect(output.contains("Step \(steps) is saved there"), "\(output)")
      #expect(!FileManager.default.fileExists(atPath: moved + "/lock"))
      #expect(try Program.alexnet("verify", moved).code == 0)
      let resumed = try Program.train(
        ranks: 2,
        training.options(steps: steps + 1, "--resume").map { $0 == run ? moved : $0 })
      #expect(resumed.code == 0, "\(resumed.error)")
    }

    @Test func filesDeletedFromTheRunFolderAreRestored() throws {
      let busy = try busyRun("--tensorboard")
      for name in ["checkpoints", "metrics.jsonl", "log.txt", "config.json", "lock", "tensorboard"]
      {
        let path = "\(run)/\(name)"
        let before = (try? training.contents(path)) ?? Data()
        // A save that is under way would end the run.
        if name == "checkpoints" { try waitForNextCheckpoint() }
        try FileManager.default.removeItem(atPath: path)
        for _ in 0..<200 where access(path, F_OK) != 0 { usleep(50_000) }
        #expect(access(path, F_OK) == 0, "\(name)")
        if name != "lock", !before.isEmpty {
          usleep(300_000)
          #expect(try training.contents(path).starts(with: before), "\(name)")
        }
      }
      let second = try Program.train(ranks: 2, training.options(steps: 5, "--resume"))
      #expect(second.code == 73 && second.error.contains("in use by"), "\(second.error)")
      kill(busy.process.processIdentifier, SIGUSR1)
      let (code, output) = try end(busy)
      #expect(code == 75, "\(output)")
      for name in [
        "checkpoints", "metrics.jsonl", "log.txt", "config.json", "lock", "tensorboard/",
      ] {
        #expect(output.contains("\(run)/\(name)"), "\(name): \(output)")
      }
      let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      let steps = text.split(separator: "\n").count { $0.contains("\"kind\":\"step\"") }
      #expect(output.contains("Saved step \(steps) of"), "\(output)")
      #expect(try Program.alexnet("verify", run).code == 0)
      let resumed = try Program.train(
        ranks: 2, training.options(steps: steps + 1, "--resume"))
      #expect(resumed.code == 0 && !resumed.output.contains("records"), "\(resumed.output)")
    }

    @Test func aReplacedCheckpointFolderIsLeftAlone() throws {
      let other = training.scratch.path + "/other"
      #expect(
        try Program.train(ranks: 2, training.options(steps: 10).map { $0 == run ? other : $0 })
          .code == 0)
      let names = try FileManager.default.contentsOfDirectory(atPath: other + "/checkpoints")
      let busy = try busyRun()
      // Or the run would make its folder anew between the two.
      let processes = training.processes
      for process in processes { kill(process, SIGSTOP) }
      usleep(100_000)
      #expect(rename(run + "/checkpoints", training.scratch.path + "/kept") == 0)
      #expect(rename(other + "/checkpoints", run + "/checkpoints") == 0)
      for process in processes { kill(process, SIGCONT) }
      let (code, output) = try end(busy)
      #expect(code == 74, "\(output)")
      #expect(output.contains("was replaced by something else while the run trained"), "\(output)")
      #expect(try training.checkpoints == names.sorted())
    }

    @Test func aRunWhoseFolderIsDeletedSaysSoAndEnds() throws {
      let busy = try busyRun()
      // What is put back meanwhile may keep the folder from going.
      for _ in 0..<50 where (try? FileManager.default.removeItem(atPath: run)) == nil {
        usleep(20_000)
      }
      let (code, output) = try end(busy)
      #expect(code == 74 || code == 73, "\(output)")
      #expect(output.contains("was deleted while"), "\(output)")
    }

    /// As on two hosts whose locks do not reach each other, after one of them was stopped for a
    /// while.
    @Test func aRunWritesNothingAfterAnotherHostHasTakenOverItsFolder() throws {
      let busy = try busyRun()
      let other = #"{"host":"elsewhere","job":"","process":4711,"since":"noon"}"# + "\n"
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: run + "/lock"))
      try file.truncate(atOffset: 0)
      try file.write(contentsOf: Data(other.utf8))
      try file.close()
      let (code, output) = try end(busy)
      #expect(code == 73, "\(output)")
      #expect(output.contains("process 4711 on host elsewhere has used it since noon"), "\(output)")
      #expect(try String(contentsOfFile: run + "/lock", encoding: .utf8) == other)
      let text = try String(contentsOfFile: run + "/log.txt", encoding: .utf8)
      #expect(!text.contains("Saved"), "\(text)")
    }
  }
}
