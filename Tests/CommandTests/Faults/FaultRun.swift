import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Faults of every kind in running trainings: the exit code, the sentence, the time it takes, and
/// what is left.
///
/// One at a time, whatever the suite: the programs are busy, and times are compared.
@Suite(.serialized) enum FaultTests {}

/// A small training that something happens to.
struct FaultRun {
  let scratch: TemporaryFolder
  let run: String

  init() throws {
    scratch = TemporaryFolder()
    run = scratch.path + "/run"
  }

  func options(steps: Int, out: String? = nil, _ more: String...) throws -> [String] {
    [
      "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
      "--batch-size", "16", "--threads", "1", "--learning-rate", "0.001", "--out", out ?? run,
      "--max-steps", "\(steps)", "--checkpoint-every", "5", "--validate-every", "1000",
    ] + more
  }

  var checkpoints: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints").sorted()
    }
  }

  /// A pause after the checkpoint of step 5, which is written in the background and would otherwise
  /// be whole only some steps later; a rank holds one fault, and rank 1's are the tests' own.
  static let timeToSave = "sleep2,rank=0,step=6,phase=reading"

  /// What a file holds; of a checkpoint, what equal runs have in common: all but when and how it
  /// was made.
  func contents(_ path: String) throws -> Data {
    try path.contains("/checkpoints/") ? ComparedCheckpoint.contents(path) : bytes(path)
  }

  /// What a file holds, every byte of it.
  func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  private static let known = Mutex<[Int: Data]>([:])

  /// The checkpoint at the end of a run of so many steps that nothing disturbed.
  func undisturbed(steps: Int) throws -> Data {
    if let known = Self.known.withLock({ $0[steps] }) { return known }
    let other = scratch.path + "/undisturbed"
    #expect(try Program.train(ranks: 2, options(steps: steps, out: other)).code == 0)
    let data = try contents(other + "/checkpoints/latest.safetensors")
    Self.known.withLock { $0[steps] = data }
    return data
  }

  /// Starts a run on some ranks, or without mpirun; its errors go where the output goes, or
  /// nowhere.
  func launched(
    _ words: [String], ranks: Int? = 2, output: FileHandle = .nullDevice, speaksErrors: Bool = false
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      (ranks.map { ["mpirun", "--oversubscribe", "-np", "\($0)"] } ?? [])
      + ["\(Program.folder)/alexnet-train"] + words
    process.environment = Process.userEnvironment
    process.standardOutput = output
    process.standardError = speaksErrors ? output : FileHandle.nullDevice
    try process.runWithOpenSignals()
    return process
  }

  /// Starts a run on two ranks and returns when it has saved for the first time.
  func startedRun(_ words: [String]) throws -> Process {
    let process = try launched(words)
    let latest = run + "/checkpoints/latest.safetensors"
    while process.isRunning, !FileManager.default.fileExists(atPath: latest) { usleep(20_000) }
    return process
  }

  /// The same, with errors in a file of their own, whose path is returned too.
  func launchedWithErrors(
    _ words: [String], ranks: Int? = 2
  ) throws -> (process: Process, error: String) {
    let error = scratch.path + "/error"
    try Data().write(to: URL(fileURLWithPath: error))
    let process = try launched(
      words, ranks: ranks, output: FileHandle(forWritingTo: URL(fileURLWithPath: error)),
      speaksErrors: true)
    return (process, error)
  }

  /// Waits until metrics.jsonl has so many records, or the run is over.
  func waitForRecords(_ count: Int, of process: Process) throws {
    while process.isRunning {
      let records = (try? String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)) ?? ""
      if records.split(separator: "\n").count >= count { return }
      usleep(20_000)
    }
  }

  /// How many times as long starting and ending two ranks takes as on the machine that limits of
  /// time were chosen on.
  static let slowness = Result {
    max(1, try Program.train(ranks: 2, ["--dry-run", "--classes", "10"]).seconds / 0.7)
  }

  /// The ranks that an mpirun has started.
  func children(of parent: Int32) -> [Int32] {
    let path = "/proc/\(parent)/task/\(parent)/children"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: " ").compactMap { Int32($0) }
  }

  /// The living processes that were started with the run's folder among their words.
  var processes: [Int32] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { Int32($0) }.filter { process in
      let words = try? contents("/proc/\(process)/cmdline")
      return words.map { String(decoding: $0, as: UTF8.self).contains(run) } ?? false
    }
  }

  /// No process of the run is left, a moment after mpirun has gone.
  func expectNothingLeft() {
    for _ in 0..<50 where !processes.isEmpty { usleep(100_000) }
    let left = processes.map { process in
      ["status", "wchan"].map { name in
        (try? String(contentsOfFile: "/proc/\(process)/\(name)", encoding: .utf8)) ?? ""
      }.joined()
    }
    #expect(left.isEmpty, "processes are left: \(left.joined(separator: "\n"))")
  }
}
