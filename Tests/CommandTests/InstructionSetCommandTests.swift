import Foundation
import TestSupport
import Testing

/// Ranks whose processors are of different kinds, as libraries are told that they are.
@Suite(.serialized) struct InstructionSetCommandTests {
  private let training: FaultRun

  init() throws { training = try FaultRun() }

  private static let old = ["OPENBLAS_CORETYPE=Nehalem", "ALEXNET_KERNELS=baseline"]

  /// Two ranks, the first of which has an old processor.
  private func unlike(_ words: [String]) throws -> Outcome {
    let program = ["\(Program.folder)/alexnet-train"] + words
    return try Program.run(
      ["mpirun", "--oversubscribe", "-np", "1", "env"] + Self.old + program
        + [":", "-np", "1"] + program)
  }

  @Test func unlikeProcessorsAreSaidAndACommonSetMakesThemEqual() throws {
    let words = try training.options(steps: 3)
    let mixed = try unlike(words)
    #expect(mixed.code == 0, "\(mixed.error)")
    let first = String(mixed.output.prefix { $0 != "\n" })
    #expect(first.contains("OpenBLAS for Nehalem, own loops for baseline on rank 0"), "\(first)")
    #expect(first.hasSuffix(" on rank 1."), "\(first)")
    let warning = "Warning: The ranks run on processors of different kinds"
    #expect(mixed.output.contains(warning))
    let log = try String(contentsOfFile: training.run + "/log.txt", encoding: .utf8)
    #expect(log.contains(first) && log.contains(warning))

    // The same run on ranks that compute alike: by the option, and by what both are told.
    func checkpoint(_ name: String, _ start: ([String]) throws -> Outcome) throws -> Data {
      let run = training.scratch.path + "/" + name
      let outcome = try start(words.map { $0 == training.run ? run : $0 })
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(outcome.output.contains("OpenBLAS for Nehalem, own loops for baseline.\n"))
      return try training.contents(run + "/checkpoints/latest.safetensors")
    }
    let common = try checkpoint("common") { try unlike($0 + ["--instruction-set", "common"]) }
    let named = try checkpoint("named") {
      try Program.train(ranks: 2, $0 + ["--instruction-set", "baseline"])
    }
    let told = try checkpoint("told") {
      try Program.run(
        ["/usr/bin/env", "LIBXSMM_TARGET=wsm"] + Self.old + [
          "mpirun", "--oversubscribe", "-np", "2",
        ]
          + ["\(Program.folder)/alexnet-train"] + $0)
    }
    #expect(common == named && named == told)
    #expect(try common != training.contents(training.run + "/checkpoints/latest.safetensors"))

    // A run that goes on with other instructions says so.
    let resumed = try Program.train(ranks: 2, training.options(steps: 4, "--resume"))
    #expect(resumed.code == 0, "\(resumed.error)")
    #expect(
      resumed.output.contains("sums are rounded differently from here on"), "\(resumed.output)")
  }

  @Test func anInstructionSetThatARankLacksIsRefused() throws {
    let outcome = try unlike(training.options(steps: 3, "--instruction-set", "AVX2"))
    #expect(outcome.code == 64, "\(outcome.error)")
    #expect(
      outcome.error.contains("The processor of rank 0")
        && outcome.error.contains("has no AVX2; choose --instruction-set baseline, or common"),
      "\(outcome.error)")
  }
}
