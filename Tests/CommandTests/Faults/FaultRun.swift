import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Faults of every kind in running trainings: the exit code, the sentence, the time it takes, and what is left.
///
/// One at a time, whatever the suite: the programs are busy, and times are compared.
@Suite(.serialized) enum FaultTests {}

/// A small training that something happens to.
struct FaultRun {
  let scratch: ScratchFolder
  let run: String

  init() throws {
    scratch = try ScratchFolder()
    run = scratch.path + "/run"
  }

  func options(steps: Int, _ more: String...) throws -> [String] {
    [
      "--data", try Pictures.small.get().path + "/dataset", "--network", "cifar-four-layer",
      "--batch-size", "16", "--threads", "1", "--learning-rate", "0.001", "--out", run,
      "--max-steps", "\(steps)", "--checkpoint-every", "5", "--validate-every", "1000",
    ] + more
  }

  var checkpoints: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints").sorted()
    }
  }

  func contents(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private static let known = Mutex<[Int: Data]>([:])

  /// The checkpoint at the end of a run of so many steps that nothing disturbed.
  func undisturbed(steps: Int) throws -> Data {
    if let known = Self.known.withLock({ $0[steps] }) { return known }
    let other = scratch.path + "/undisturbed"
    var words = try options(steps: steps)
    words[words.firstIndex(of: run) ?? 0] = other
    #expect(try Program.train(ranks: 2, words).code == 0)
    let data = try contents(other + "/checkpoints/latest.safetensors")
    Self.known.withLock { $0[steps] = data }
    return data
  }

  /// No process of the run is left, a moment after mpirun has gone.
  func expectNothingLeft() {
    var left: [String] = []
    for _ in 0..<50 {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      left = all.filter { name in
        let words = Int(name) == nil ? nil : try? contents("/proc/\(name)/cmdline")
        return words.map { String(decoding: $0, as: UTF8.self).contains(run) } ?? false
      }
      if left.isEmpty { return }
      usleep(100_000)
    }
    #expect(left.isEmpty, "processes are left")
  }
}
