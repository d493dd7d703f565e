import Foundation
import Glibc
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
        ["/usr/bin/env", "mpirun", "--oversubscribe", "-np", "1"] + words + [
          ":", "-np", "1", "/bin/sh", "-c", "ulimit -v \(kibibytes); exec \"$0\" \"$@\"",
        ] + words)
      #expect(outcome.code == 64, "\(outcome.error)")
      #expect(outcome.error.contains("memory") && outcome.error.contains("(ulimit -v) leaves"))
      #expect(!outcome.error.contains("btl_tcp_if_include"), "\(outcome.error)")
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
          "/usr/bin/env", "mpirun", "--oversubscribe", "-np", "1",
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
        refused.error.contains("the learning rate was 0.001 and is 0.002; the seed was 1 and is 9"))
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
