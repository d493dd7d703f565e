import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct DryRunTests {
  @Test func showsTheNetworkItsMemoryItsExchangesAndTheSettings() throws {
    let outcome = try Program.train(ranks: 2, ["--dry-run", "--verbose", "--classes", "1000"])
    #expect(outcome.code == 0)
    // Numbers of the paper's network, computed by hand: 121,344 bytes an image each way, 128
    // images.
    for text in [
      "60965224 parameters", "55x55x48", "27x27x128", "13x13x192", "6x6x128", "30482612",
      "before conv3: 11075584 forward, 11075584 backward", "before fc6: 2359296 forward",
      "before fc7: 1048576 forward", "before fc8: 1048576 forward", "total: 31068160",
      "\"learningRate\" : 0.01", "\"batchSize\" : 128", "Memory of each rank, batch 128",
    ] {
      #expect(outcome.output.contains(text), "'\(text)' in:\n\(outcome.output)")
    }
  }

  @Test func singlePartsOfTheRecipeAreChanged() throws {
    let outcome = try Program.train(
      ranks: nil,
      [
        "--dry-run", "--network", "alexnet-64", "--augmentation", "crop",
        "--divide-rate-at", "6,8.5",
      ])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains(
        "learning rate 0.01, divided by 10 after 6 and 8.5 epochs; momentum 0.9; weight decay "
          + "0.0005; random crops."), "\(outcome.output)")
    let constant = try Program.train(ranks: nil, ["--dry-run", "--divide-rate-at", "never"])
    #expect(constant.output.contains("rate 0.01 throughout; momentum"), "\(constant.output)")
    for (words, sentence) in [
      (["--divide-rate-at", "8,6"], "rising order"), (["--divide-rate-at", "6,x"], "rising order"),
      (["--divide-rate-at", "6", "--patience", "3"], "needs --schedule plateau"),
    ] {
      let refused = try Program.train(ranks: nil, ["--dry-run"] + words)
      #expect(refused.code == 64 && refused.error.contains(sentence), "\(refused.error)")
    }
  }

  @Test func showsOneProcessWithoutExchanges() throws {
    let outcome = try Program.train(ranks: nil, ["--dry-run", "--classes", "1000"])
    #expect(outcome.code == 0)
    let own = try #require(outcome.output.firstRange(of: "Exchanges: none"))
    // What the ranks would send, as above, without mpirun.
    let ranks = try #require(outcome.output.firstRange(of: "Under 'mpirun -np 2', a tower a rank:"))
    let sent = try #require(outcome.output.firstRange(of: "before conv3: 11075584 forward"))
    #expect(own.upperBound < ranks.lowerBound && ranks.upperBound < sent.lowerBound)
    #expect(outcome.output.ranges(of: "Memory of each rank, batch 128").count == 2)
    // The table is last, and the settings are shown where they are asked for.
    let last = outcome.output.split(separator: "\n").last ?? ""
    #expect(last.hasPrefix("sum ") && last.contains("30482612"), "\(last)")
    #expect(!outcome.output.contains("Settings:"))
    let alone = try Program.train(ranks: nil, ["--verbose"])
    #expect(alone.code == 64 && alone.error.contains("--dry-run"), "\(alone.error)")
  }

  @Test func helpListsEveryOptionWithItsDefault() throws {
    let outcome = try Program.train(ranks: 2, ["--help"])
    #expect(outcome.code == 0)
    #expect(outcome.output.components(separatedBy: "Usage:").count == 2, "one rank speaks")
    for text in [
      "--data DATASET", "--batch-size N", "[default: 128 images]", "[default: 0.01;", "--dry-run",
    ] {
      #expect(outcome.output.contains(text))
    }
  }
}
