import Foundation
import Safetensors
import Testing

/// Weights that were learnt for classes of other names.
@Suite(.serialized) struct ClassMapTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func train(
    ranks: Int? = nil, _ data: String, _ out: String, _ options: String...
  ) throws -> Outcome {
    try Program.train(
      ranks: ranks,
      ["--data", data, "--out", "\(scratch.path)/\(out)", "--batch-size", "4", "--threads", "1"]
        + ["--learning-rate", "0.001"] + options
        + (options.contains("--max-steps") ? [] : ["--max-steps", "0"]))
  }

  /// A row of the last layer in a run's newest checkpoint: its weights and its bias.
  private func row(_ number: Int, of run: String) throws -> [UInt32] {
    let file = try SafetensorsFile(
      opening: "\(scratch.path)/\(run)/checkpoints/latest.safetensors")
    let (weights, biases) = (try file.bits("fc10.weight"), try file.bits("fc10.bias"))
    let length = weights.count / biases.count
    return weights[number * length..<(number + 1) * length] + [biases[number]]
  }

  @Test func otherClassesAreRefusedOrPaired() throws {
    let first = try ColourFolders.dataset(["a0", "a1", "a2"], in: scratch.path, name: "a")
    let trained = try train(
      first, "first", "--network", "cifar-four-layer", "--max-steps", "3")
    #expect(trained.code == 0, "\(trained.error)")
    let weights = ["--init-from", "\(scratch.path)/first"]

    // Other names.
    let second = try ColourFolders.dataset(["b0", "b1", "b2"], in: scratch.path, name: "b")
    let refused = try train(second, "refused", weights[0], weights[1])
    #expect(refused.code == 64, "\(refused.error)")
    for part in ["class 0 is 'a0'", "'b0'", "--reset fc10", "--class-map FILE"] {
      #expect(refused.error.contains(part), "\(part) in \(refused.error)")
    }
    let reset = try train(second, "reset", weights[0], weights[1], "--reset", "fc10")
    #expect(reset.code == 0, "\(reset.error)")
    #expect(try row(0, of: "reset") != row(0, of: "first"))

    // Pairs of names move the rows.
    let pairs = scratch.path + "/pairs.txt"
    try "a0\tb2\na1\tb0\na2\tb1\n".write(toFile: pairs, atomically: true, encoding: .utf8)
    for (ranks, out) in [(nil, "alone"), (2, "two")] as [(Int?, String)] {
      let paired = try train(
        ranks: ranks, second, out, weights[0], weights[1], "--class-map", pairs)
      #expect(paired.code == 0, "\(paired.error)")
      for (new, old) in [(0, 1), (1, 2), (2, 0)] {
        #expect(try row(new, of: out) == row(old, of: "first"), "\(out), class \(new)")
      }
    }
    // Recorded, and to be given again.
    let config = try String(
      contentsOfFile: scratch.path + "/alone/config.json", encoding: .utf8)
    #expect(config.contains("\"a0\" : \"b2\""))
    let other = try train(second, "alone", weights[0], weights[1], "--reset", "fc10", "--resume")
    #expect(other.code == 64 && other.error.contains("which class is which"), "\(other.error)")

    // Some of the file's classes, by their names.
    let some = try ColourFolders.dataset(["a0", "a2"], in: scratch.path, name: "some")
    let fewer = try train(some, "fewer", weights[0], weights[1], "--class-map", "by-name")
    #expect(fewer.code == 0, "\(fewer.error)")
    #expect(try row(1, of: "fewer") == row(2, of: "first"))
    let missing = try train(second, "missing", weights[0], weights[1], "--class-map", "by-name")
    #expect(missing.code == 64 && missing.error.contains("class 'b0' is none"), "\(missing.error)")
    let alone = try train(
      second, "pointless", "--network", "cifar-four-layer", "--class-map", pairs)
    #expect(alone.code == 64 && alone.error.contains("--init-from"), "\(alone.error)")
  }

  @Test func classesWithoutNamesAreTakenForTheDatasetsAndThatIsSaid() throws {
    let numbered = try ColourFolders.dataset(["0", "1", "2"], in: scratch.path, name: "numbers")
    #expect(
      try train(numbered, "numbered", "--network", "cifar-four-layer", "--max-steps", "2").code == 0
    )
    let named = try ColourFolders.dataset(["x", "y", "z"], in: scratch.path, name: "named")
    let outcome = try train(named, "named-run", "--init-from", "\(scratch.path)/numbered")
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains("does not name its classes")
        && outcome.output.contains("--reset fc10"), "\(outcome.output)")
    #expect(try row(2, of: "named-run") == row(2, of: "numbered"))
    // Another network takes the weights, and that is said.
    let other = try train(
      named, "other", "--init-from", "\(scratch.path)/numbered", "--network", "cifar-four-layer",
      "--variant", "tanh")
    #expect(
      other.code == 0 && other.output.contains("the first layer that differs is 'relu1'"),
      "\(other.output)\(other.error)")
    #expect(!outcome.output.contains("the first layer that differs"))
    // The same names need no word.
    let same = try train(numbered, "same", "--init-from", "\(scratch.path)/numbered")
    #expect(same.code == 0 && !same.output.contains("does not name"), "\(same.output)")
  }
}
