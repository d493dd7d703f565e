import Foundation
import Safetensors
import TestSupport
import Testing

/// Weights that were learnt for classes of other names.
@Suite(.serialized) struct ClassMapTests {
  private let scratch = TemporaryFolder()

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

  @Test func differentClassNamesAreRefusedOrMatchedByAClassMap() throws {
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
    // Recorded, and kept where no option says otherwise.
    let config = try String(
      contentsOfFile: scratch.path + "/alone/config.json", encoding: .utf8)
    #expect(config.contains("\"a0\" : \"b2\""))
    try "a0\tb1\na1\tb2\na2\tb0\n".write(toFile: pairs, atomically: true, encoding: .utf8)
    let other = try train(
      second, "alone", weights[0], weights[1], "--class-map", pairs, "--resume")
    #expect(other.code == 64 && other.error.contains("the class map differs"), "\(other.error)")

    // Some of the file's classes, by their names.
    let some = try ColourFolders.dataset(["a0", "a2"], in: scratch.path, name: "some")
    let fewer = try train(some, "fewer", weights[0], weights[1], "--class-map", "by-name")
    #expect(fewer.code == 0, "\(fewer.error)")
    #expect(try row(1, of: "fewer") == row(2, of: "first"))
    let missing = try train(second, "missing", weights[0], weights[1], "--class-map", "by-name")
    #expect(
      missing.code == 64
        && missing.error.contains("class 'b0' is not one of the network's classes"),
      "\(missing.error)")
    let alone = try train(
      second, "pointless", "--network", "cifar-four-layer", "--class-map", pairs)
    #expect(alone.code == 64 && alone.error.contains("--init-from"), "\(alone.error)")
  }

  /// Files of other programs name no classes; digits of a dataset's are names as others are.
  @Test func unnamedClassesAreAssumedToBeTheDatasetsWithANote() throws {
    let numbered = try ColourFolders.dataset(["0", "1", "2"], in: scratch.path, name: "numbers")
    #expect(
      try train(numbered, "numbered", "--network", "cifar-four-layer", "--max-steps", "2").code == 0
    )
    let digits = ["--init-from", "\(scratch.path)/numbered"]
    let named = try ColourFolders.dataset(["x", "y", "z"], in: scratch.path, name: "named")
    let refused = try train(named, "refused", digits[0], digits[1])
    #expect(refused.code == 64 && refused.error.contains("class 0 is '0'"), "\(refused.error)")
    let pairs = scratch.path + "/pairs.txt"
    try "0\tz\n1\tx\n2\ty\n".write(toFile: pairs, atomically: true, encoding: .utf8)
    let paired = try train(named, "paired", digits[0], digits[1], "--class-map", pairs)
    #expect(paired.code == 0, "\(paired.error)")
    #expect(try row(0, of: "paired") == row(1, of: "numbered"))

    // The same weights from a file that says nothing of them.
    let (bare, unnamed) = (
      scratch.path + "/bare.safetensors", scratch.path + "/unnamed.safetensors"
    )
    try nakedCopy(of: "numbered", to: bare)
    let imported = try Program.alexnet(
      "import", bare, "--network", "cifar-four-layer", "--out", unnamed)
    #expect(imported.code == 0, "\(imported.error)")
    #expect(imported.output.contains("they are called 0 to 2"), "\(imported.output)")
    // What is made of it does not name them either.
    let again = scratch.path + "/again.npz"
    let exported = try Program.alexnet("export", unnamed, "--format", "npz", "--out", again)
    #expect(exported.code == 0, "\(exported.error)")
    for (number, file) in [unnamed, again].enumerated() {
      let outcome = try train(named, "named-run-\(number)", "--init-from", file)
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(
        outcome.output.contains("does not name its classes")
          && outcome.output.contains("--reset fc10"), "\(outcome.output)")
      #expect(!outcome.output.contains("the first layer that differs"))
      #expect(try row(2, of: "named-run-\(number)") == row(2, of: "numbered"))
      let useless = try train(named, "useless", "--init-from", file, "--class-map", pairs)
      #expect(useless.code == 64 && useless.error.contains("does not name"), "\(useless.error)")
    }
    // A run on them does.
    let named2 = try ColourFolders.dataset(["u", "v", "w"], in: scratch.path, name: "others")
    let other = try train(named2, "other", "--init-from", "\(scratch.path)/named-run-0")
    #expect(other.code == 64 && other.error.contains("class 0 is 'x'"), "\(other.error)")
    // Another network takes the weights, and that is said.
    let tanh = try train(
      named, "tanh", "--init-from", unnamed, "--network", "cifar-four-layer", "--variant", "tanh")
    #expect(
      tanh.code == 0 && tanh.output.contains("the first layer that differs is 'relu1'"),
      "\(tanh.output)\(tanh.error)")
    // The same names need no word.
    let same = try train(numbered, "same", "--init-from", unnamed)
    #expect(same.code == 0 && !same.output.contains("does not name"), "\(same.output)")
  }

  /// The weights of a run's newest checkpoint, as another program would save them.
  private func nakedCopy(of run: String, to path: String) throws {
    let file = try SafetensorsFile(
      opening: "\(scratch.path)/\(run)/checkpoints/latest.safetensors")
    let kept = file.header.tensors.filter {
      !$0.name.hasPrefix("velocity.") && $0.name != "preprocessing.mean"
    }
    let header = SafetensorsHeader(
      metadata: [:], tensors: kept.map { ($0.name, $0.format, $0.shape) })
    try SafetensorsWriter.create(path, header)
    let writer = try SafetensorsWriter(opening: path, header)
    for entry in kept {
      let numbers: [UInt32] = try file.elements(of: entry)
      try numbers.withUnsafeBufferPointer { try writer.write(writer.entry(entry.name), $0) }
    }
    try writer.finish()
  }
}
