import Foundation
import Glibc
import System
import TestSupport
import Testing
import Training

/// Locks on a file system that has no flock.
@Suite struct RunLockTests {
  private let folder = TemporaryFolder()
  private let run: RunDirectory

  init() throws {
    run = RunDirectory(folder.file("run"))
    try run.makeFolder()
  }

  private func lock(_ tell: (String) -> Void = { _ in }) throws -> RunLock {
    try RunLock(run, usesFlock: false, tell: tell)
  }

  /// Writes a lock as a process of this host would have.
  private func write(process: Int32, ticks: Int?, host: String? = nil) throws {
    let name = try host ?? String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
    var owner: [String: Any] = [
      "process": process, "host": name.trimmingCharacters(in: .whitespacesAndNewlines),
      "since": "then", "job": "",
    ]
    if let ticks { owner["ticks"] = ticks }
    try JSONSerialization.data(withJSONObject: owner).write(to: URL(fileURLWithPath: run.lock))
  }

  @Test func withoutFlockALivingOwnerOnThisHostKeepsTheFolder() throws {
    let owner = Process()
    owner.executableURL = URL(fileURLWithPath: "/bin/sleep")
    owner.arguments = ["60"]
    try owner.runWithOpenSignals()
    let process = owner.processIdentifier
    try write(process: process, ticks: nil)
    let failure = #expect(throws: Failure.self) { try lock() }
    #expect(failure?.exitCode == .cannotCreate)
    #expect(failure?.message.contains("in use by process \(process)") == true)
    // Another process that has been given the owner's number.
    try write(process: process, ticks: 1)
    var told = ""
    _ = try lock { told = $0 }
    #expect(told.contains("which has ended"), "\(told)")
    owner.terminate()
    owner.waitUntilExit()
    try write(process: process, ticks: nil)
    told = ""
    _ = try lock { told = $0 }
    #expect(told.contains("which has ended"), "\(told)")
  }

  @Test func withoutFlockOneOfManyStartsAtTheSameMomentGetsTheFolder() throws {
    for _ in 0..<3 {
      unlink(run.lock)
      // Processes, since a process does not take its own name for another's.
      let starts = try (0..<4).map { _ in try startOfAnotherProcess() }
      let codes = starts.map { start -> Int32 in
        start.waitUntilExit()
        return start.terminationStatus
      }
      #expect(codes.count { $0 == 0 } == 1, "\(codes)")
      #expect(codes.count { $0 == ExitCode.cannotCreate.rawValue } == 3, "\(codes)")
    }
  }

  /// Runs `LockingProcess` in a process of its own.
  private func startOfAnotherProcess() throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      "--testing-library", "swift-testing", "--filter", "lockFromAnotherProcess",
    ]
    var environment = Process.userEnvironment
    environment["ALEXNET_TEST_LOCK"] = run.path
    process.environment = environment
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.runWithOpenSignals()
    return process
  }

  @Test func watchingForAnOwnerOnAnotherHostRespectsTheTimeLimit() throws {
    try write(process: 1, ticks: nil, host: "elsewhere")
    var told = ""
    let hurry = #expect(throws: Failure.self) { try RunLock(run, patience: 6) { told = $0 } }
    #expect(hurry?.message.contains("give --watchdog 20 or more") == true && told.isEmpty)
    try RunLock(run, patience: 20) { told = $0 }.release()
    #expect(told.contains("process 1 on host elsewhere") && told.contains("checking for 10 s"))
    // One that lives touches the file.
    try write(process: 1, ticks: nil, host: "elsewhere")
    let path = run.lock
    let owner = Thread {
      for _ in 0..<30 {
        utimensat(AT_FDCWD, path, nil, 0)
        usleep(100_000)
      }
    }
    owner.start()
    let failure = #expect(throws: Failure.self) { try RunLock(run, patience: 20) { _ in } }
    #expect(failure?.message.contains("in use by process 1 on host elsewhere") == true)
  }

  /// Newcomers on other hosts look at the file's time; nobody here makes a step.
  @Test func theLockIsTouchedInTheBackground() throws {
    let lock = try RunLock(run) { _ in }
    defer { lock.release() }
    usleep(300_000)
    let old = [timespec](repeating: timespec(tv_sec: 1000, tv_nsec: 0), count: 2)
    #expect(utimensat(AT_FDCWD, run.lock, old, 0) == 0)
    var status = stat()
    let end = ContinuousClock.now + .seconds(10)
    repeat {
      usleep(100_000)
      #expect(stat(run.lock, &status) == 0)
    } while status.st_mtim.tv_sec == 1000 && ContinuousClock.now < end
    #expect(status.st_mtim.tv_sec > 1000)
  }
}

/// What `RunLockTests` runs in processes of their own, which end by themselves: no folder is made here,
/// since nothing would remove it.
@Suite struct LockingProcess {
  /// Locks a folder for some seconds, as a start of a run does; leaves with the start's code.
  @Test(.enabled(if: getenv("ALEXNET_TEST_LOCK") != nil)) func lockFromAnotherProcess() throws {
    let path = try #require(ProcessInfo.processInfo.environment["ALEXNET_TEST_LOCK"])
    // All start when the clock shows a multiple of two seconds.
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    usleep(UInt32(2_000_000 - (time.tv_sec % 2) * 1_000_000 - time.tv_nsec / 1000))
    do throws(Failure) {
      let lock = try RunLock(RunDirectory(path), usesFlock: false) { _ in }
      sleep(6)
      lock.release()
      exit(0)
    } catch {
      exit(error.exitCode.rawValue)
    }
  }
}
