import Foundation
import Options
import System

/// `alexnet find-rate`: the learning-rate range test, which the trainer makes.
///
/// It needs whatever a run needs, from the network to how the ranks share the work; all of that is
/// declared and read in `alexnet-train`, which takes this process's place.
enum FindRate: Subcommand {
  static let name = "find-rate"
  static let summary = "test learning rates and suggest one"

  static let command = Command(
    "alexnet find-rate",
    overview: """
      Runs 'alexnet-train --find-rate' with the options given: the learning rate grows from step to
      step, the smoothed loss is drawn, and a rate is suggested. Leaves no run behind. Options are
      those of alexnet-train, whose --help names those that a test does not take; --rates A:B,
      --max-steps N and --chart FILE.svg are about the test.
      """,
    synopsis: "[options of alexnet-train]      (under mpirun too)", groups: [])

  static func run(_ words: [String]) throws(Failure) {
    let trainer = Child.trainer
    var arguments: [UnsafeMutablePointer<CChar>?] = ([trainer, "--find-rate"] + words)
      .map { strdup($0) }
    arguments.append(nil)
    execv(trainer, &arguments)
    throw .system(.inputMissing, "\(quoted(trainer)) cannot be started", errno: errno)
  }
}
