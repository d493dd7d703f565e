import Foundation
import TestSupport
import Testing

/// Runs whose settings come from elsewhere than the command line: from the record of another run,
/// from their own, from the environment.
@Suite(.serialized) struct RepeatedRunTests {
  private let training: FaultRun
  private var run: String { training.run }
  private var scratch: String { training.scratch.path }

  init() throws { training = try FaultRun() }

  private func config(_ run: String) throws -> [String: Any] {
    let data = try training.bytes(run + "/config.json")
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func last(_ run: String) throws -> Data {
    try training.contents(run + "/checkpoints/latest.safetensors")
  }

  @Test func aRunIsRepeatedFromItsRecordAndGoesOnByItself() throws {
    let first = try Program.train(
      ranks: nil, training.options(steps: 2, "--seed", "9", "--freeze", "conv1", "--patience", "3"))
    #expect(first.code == 0, "\(first.error)")
    let again = scratch + "/again"
    let file = run + "/config.json"
    let second = try Program.train(
      ranks: nil, ["--config", file, "--out", again, "--threads", "1"])
    #expect(second.code == 0, "\(second.error)")
    #expect(second.output.contains("Settings that options do not give: '\(file)'."))
    #expect(try config(again) as NSDictionary == config(run) as NSDictionary)
    #expect(try last(again) == last(run))

    // Words win, over the file and over what the run itself recorded.
    let word = try Program.train(
      ranks: nil,
      ["--config", run, "--out", scratch + "/word", "--threads", "1", "--momentum", "0.5"])
    #expect(word.code == 0, "\(word.error)")
    let recipe = try config(scratch + "/word")["recipe"] as? [String: Any]
    #expect(recipe?["momentum"] as? Double == 0.5 && recipe?["batchSize"] as? Int == 16)
    let onward = ["--resume", "--out", again, "--threads", "1", "--max-steps", "3"]
    let refused = try Program.train(ranks: nil, onward + ["--seed", "1"])
    #expect(refused.code == 64, "\(refused.error)")
    #expect(refused.error.contains("--seed 1 differs from the run's 9"), "\(refused.error)")
    let dry = try Program.train(ranks: nil, onward + ["--seed", "1", "--dry-run"])
    #expect(dry.code == 64 && dry.error == refused.error, "\(dry.error)")
    let gone = try Program.train(ranks: nil, onward)
    #expect(gone.code == 0, "\(gone.error)")
    #expect(
      gone.output.contains("Continuing after step 2 of 3. The learning rate is 0.001 now."),
      "\(gone.output)")
    #expect(try config(again)["seed"] as? Int == 9)

    let place = try Program.train(ranks: nil, ["--resume", again])
    #expect(place.code == 64, "\(place.error)")
    #expect(place.error.contains("auto or latest-good or no value"), "\(place.error)")
    #expect(place.error.contains("--out RUN names the run"), "\(place.error)")
  }

  @Test func otherEpochsStretchARecordedScheduleAndARunThatGoesOnKeepsIts() throws {
    let cosine = ["--schedule", "cosine", "--epochs", "1"]
    var words = try training.options(steps: 1)
    // The number of epochs ends it.
    words.removeSubrange(try #require(words.firstIndex(of: "--max-steps"))...)
    let first = try Program.train(ranks: nil, words + cosine)
    #expect(first.code == 0, "\(first.error)")
    let written = try training.bytes(run + "/config.json")
    let onward = ["--resume", "--out", run, "--threads", "1", "--epochs", "2"]
    let refused = try Program.train(ranks: nil, onward)
    #expect(refused.code == 64 && refused.error.contains("cosine ends after 1 epochs"))
    #expect(try training.bytes(run + "/config.json") == written)
    let gone = try Program.train(
      ranks: nil, onward + ["--schedule", "cosine", "--allow-changed", "schedule"])
    #expect(gone.code == 0 && gone.output.contains("0 after 2 epochs"), "\(gone.output)")
    // A start that trains nothing leaves the record.
    let longer = try training.bytes(run + "/config.json")
    let nothing = try Program.train(
      ranks: nil, ["--resume", "--out", run, "--threads", "1", "--epochs", "1"])
    #expect(nothing.code == 0 && nothing.output.contains("nothing is left to train"))
    #expect(try training.bytes(run + "/config.json") == longer)

    let repeated = ["--config", run, "--threads", "1", "--dry-run"]
    let stretched = try Program.train(ranks: nil, repeated + ["--epochs", "8"])
    #expect(stretched.output.contains("cosine down to 0 after 8 epochs"), "\(stretched.output)")
    let other = try Program.train(ranks: nil, repeated + ["--recipe", "code2012"])
    #expect(other.output.contains("The recipe paper of the record no longer holds, nor do"))
    #expect(other.output.contains("'--batch-size'"), "\(other.output)")
  }

  @Test func whatIsRecordedCanBeSwitchedOff() throws {
    let words = try training.options(
      steps: 1, "--balance", "weights", "--clip-norm", "1", "--base-batch", "8")
    let first = try Program.train(ranks: nil, words)
    #expect(first.code == 0, "\(first.error)")
    let dry = try Program.train(
      ranks: nil,
      [
        "--config", run, "--threads", "1", "--dry-run", "--balance", "none", "--clip-norm", "0",
        "--base-batch", "0",
      ])
    #expect(dry.code == 0, "\(dry.error)")
    for words in [
      "; times 2 for a batch of 16 instead of 8", "; warm-up over 5 epochs",
      "; gradients clipped to a norm of 1", "; losses weighed by class",
    ] { #expect(first.output.contains(words), "\(first.output)") }
    for words in ["; times", "; warm-up", "clipped", "weighed"] {
      #expect(!dry.output.contains(words), "\(dry.output)")
    }
  }

  @Test func partsOfAugmentationKeepTheEndOfTheNoise() throws {
    for more in [[], ["--augmentation", "crop,mirror,colour"]] {
      let dry = try Program.train(
        ranks: nil,
        ["--dry-run", "--classes", "10", "--recipe", "code2012", "--epochs", "9"] + more)
      #expect(dry.output.contains("colour noise (up to epoch 7)"), "\(dry.output)")
    }
  }

  @Test func variablesStandForOptionsAndAllRanksMustHaveTheSame() throws {
    let program = "\(Program.folder)/alexnet-train"
    let words = try training.options(steps: 1)
    let outcome = try Program.run(
      [
        "/usr/bin/env", "ALEXNET_TRAIN_SEED=7", "ALEXNET_TRAIN_MAX_STEPS=9",
        "ALEXNET_TRAIN_TENSORBOARD=0", program,
      ] + words)
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("From the environment: ALEXNET_TRAIN_SEED=7.\n"))
    #expect(try config(run)["seed"] as? Int == 7)
    #expect(try config(run)["maxSteps"] as? Int == 1)
    let unknown = try Program.run(["/usr/bin/env", "ALEXNET_TRAIN_BATCHSIZE=3", program] + words)
    #expect(unknown.code == 64, "\(unknown.error)")
    #expect(unknown.error.contains("did you mean ALEXNET_TRAIN_BATCH_SIZE?"), "\(unknown.error)")
    let unlike = try Program.run(
      ["mpirun", "--oversubscribe", "-np", "1", program] + words
        + [":", "-np", "1", "/usr/bin/env", "ALEXNET_TRAIN_SEED=7", program] + words)
    #expect(unlike.code == 76, "\(unlike.error)")
    #expect(
      unlike.error.contains("Rank 1 has ALEXNET_TRAIN_SEED=7 in its environment"),
      "\(unlike.error)")
  }

  /// The weights' file is read once, at the start.
  @Test func aFineTunedRunGoesOnWithoutWhatItBeganFrom() throws {
    let base = scratch + "/base"
    let first = try Program.train(
      ranks: nil, training.options(steps: 2).map { $0 == run ? base : $0 })
    #expect(first.code == 0, "\(first.error)")
    func tuned(_ word: String, _ more: String...) throws -> Outcome {
      try Program.train(
        ranks: 2,
        training.options(steps: 2, "--init-from", word, "--freeze", "conv1", "--resume", "auto")
          + more)
    }
    let start = try tuned(base)
    #expect(start.code == 0, "\(start.error)")

    // What a run refuses a dry run refuses.
    let other = try ColourFolders.dataset(["a", "b", "c"], in: scratch, name: "other")
    let words = [
      "--data", other, "--init-from", base, "--threads", "1", "--max-steps", "1", "--batch-size",
      "4", "--out",
    ]
    let real = try Program.train(ranks: nil, words + [scratch + "/three"])
    let dry = try Program.train(ranks: nil, words + [scratch + "/four", "--dry-run"])
    #expect(real.code != 0 && dry.code == real.code, "\(dry.error)")
    #expect(real.error == dry.error && dry.error.contains("--reset fc10"), "\(dry.error)")

    try FileManager.default.moveItem(atPath: base, toPath: scratch + "/moved")
    let dotted = scratch + "/./other/../base/"
    for word in [base, dotted] {
      let resumed = try tuned(word)
      #expect(resumed.code == 0, "\(word): \(resumed.error)")
      #expect(resumed.output.contains("nothing is left to train"), "\(resumed.output)")
    }
    let refused = try tuned(scratch + "/moved")
    #expect(refused.code == 64 && refused.error.contains("the file of the initial weights"))
    let alone = try Program.train(
      ranks: 2, ["--resume", "--out", run, "--max-steps", "3", "--threads", "1"])
    #expect(alone.code == 0 && alone.output.contains("Done after 3 steps"), "\(alone.error)")
  }
}
