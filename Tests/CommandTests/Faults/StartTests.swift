import Foundation
import Glibc
import TestSupport
import Testing

extension FaultTests {
  /// What ranks compare before the first step.
  @Suite struct Start {
    private let training: FaultRun
    private var run: String { training.run }

    init() throws { training = try FaultRun() }

    /// Too little to start MPI, to exchange messages, and to train: the network is not to blame.
    @Test(arguments: [400_000, 600_000, 700_000])
    func aRankWithTooLittleMemorySaysSo(_ kibibytes: Int) throws {
      let words = try ["\(Program.folder)/alexnet-train"] + training.options(steps: 5)
      let outcome = try Program.run(
        ["mpirun", "--oversubscribe", "-np", "1"] + words + [
          ":", "-np", "1", "/bin/sh", "-c", "ulimit -v \(kibibytes); exec \"$0\" \"$@\"",
        ] + words)
      #expect(outcome.code == 64, "\(outcome.error)")
      #expect(outcome.error.contains("memory") && outcome.error.contains("(ulimit -v) leaves"))
      #expect(!outcome.error.contains("btl_tcp_if_include"), "\(outcome.error)")
    }

    @Test func aBatchThatTheProcessHasNoRoomForIsRefusedWithItsSize() throws {
      let limited = try Program.run(
        [
          "/bin/sh", "-c", "ulimit -v 2000000; exec \"$0\" \"$@\"", "mpirun",
          "--oversubscribe", "-np", "2", "\(Program.folder)/alexnet-train",
        ] + training.options(steps: 5).map { $0 == "16" ? "20000" : $0 })
      #expect(
        limited.code == 64 && limited.error.contains("(ulimit -v) leaves"), "\(limited.error)")
    }

    @Test func foldersThatCannotBeMadeAreRefused() throws {
      let file = training.scratch.path + "/file"
      try "text".write(toFile: file, atomically: true, encoding: .utf8)
      var places = [file + "/run", "/proc/run"]
      if getuid() != 0 {
        let closed = training.scratch.path + "/closed"
        #expect(mkdir(closed, 0o500) == 0)
        places.append(closed + "/run")
      }
      for place in places {
        let outcome = try Program.train(
          ranks: 2, training.options(steps: 5).map { $0 == run ? place : $0 })
        #expect(outcome.code == 73, "\(place): \(outcome.error)")
      }
    }

    /// Languages in which letters change otherwise, and what other programs leave in the
    /// environment.
    @Test func localesAndForeignVariablesChangeNothing() throws {
      let environment = [
        "LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8", "TZ=Asia/Kathmandu", "SLURM_JOB_ID=abc",
        "SLURM_CPUS_ON_NODE=x",
      ]
      let outcome = try Program.run(
        ["/usr/bin/env"] + environment + [
          "mpirun", "--oversubscribe", "-np", "2", "\(Program.folder)/alexnet-train",
        ] + training.options(steps: 12))
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(
        try training.contents(run + "/checkpoints/latest.safetensors")
          == training.undisturbed(steps: 12))
    }

    /// On a machine with one core nothing needs to be bound.
    @Test(.enabled(if: sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1))
    func runsThatAreBoundToTheSameCoreAreWarned() throws {
      let bound = ["/usr/bin/env", "mpirun", "-np", "1", "--bind-to", "core"]
      let first = Process()
      first.executableURL = URL(fileURLWithPath: bound[0])
      first.arguments =
        Array(bound.dropFirst()) + ["\(Program.folder)/alexnet-train"]
        + (try training.options(steps: 100_000))
      first.environment = Process.userEnvironment
      first.standardOutput = FileHandle.nullDevice
      first.standardError = FileHandle.nullDevice
      try first.runWithOpenSignals()
      defer {
        kill(first.processIdentifier, SIGUSR1)
        first.waitUntilExit()
      }
      try training.waitForRecords(2, of: first)
      let other = training.scratch.path + "/other"
      let second = try Program.run(
        bound + ["\(Program.folder)/alexnet-train"]
          + training.options(steps: 5).map { $0 == run ? other : $0 })
      #expect(second.code == 0, "\(second.error)")
      #expect(second.output.contains("are both bound to core"), "\(second.output)")
      #expect(second.output.contains("--bind-to none"), "\(second.output)")
    }

    @Test func differentBuildsAndChangedSettingsAreNamed() throws {
      // A copy with a byte more is another build.
      let copy = training.scratch.path + "/alexnet-train"
      try (training.contents("\(Program.folder)/alexnet-train") + Data([0])).write(
        to: URL(fileURLWithPath: copy))
      chmod(copy, 0o700)
      let words = try training.options(steps: 5)
      let outcome = try Program.run(
        [
          "mpirun", "--oversubscribe", "-np", "1",
          "\(Program.folder)/alexnet-train",
        ]
          + words
          + [":", "-np", "1", copy] + words)
      #expect(outcome.code == 76, "\(outcome.error)")
      #expect(outcome.error.contains("the program's SHA-256 is"), "\(outcome.error)")

      #expect(try Program.train(ranks: 2, words).code == 0)
      let changed = try training.options(steps: 10, "--resume", "--seed", "9").map {
        $0 == "0.001" ? "0.002" : $0
      }
      let refused = try Program.train(ranks: 2, changed)
      #expect(refused.code == 64)
      #expect(
        refused.error.contains(
          "--learning-rate 0.002 differs from the run's 0.001; --seed 9 differs from the run's 1"))
      #expect(refused.error.contains("--allow-changed learning-rate --allow-changed seed"))
      let allowed = try Program.train(
        ranks: 2, changed + ["--allow-changed", "learning-rate,seed"])
      #expect(allowed.code == 0, "\(allowed.error)")
      let other = try training.options(steps: 10, "--resume", "--variant", "tanh")
      let network = try Program.train(ranks: 2, other)
      #expect(network.code == 65, "\(network.error)")
      #expect(
        network.error.contains("was trained with the network 'cifar-four-layer'"),
        "\(network.error)")
    }
  }
}
