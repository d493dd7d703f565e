import Foundation
import Safetensors
import TestSupport
import Testing

/// What a run's checkpoint says of pictures is what the run did with them, and what others do with
/// it after.
@Suite(.serialized) struct PreprocessingTests {
  private let scratch = TemporaryFolder()

  private func train(_ data: String, _ out: String, _ options: String...) throws -> Outcome {
    try Program.train(
      ranks: nil,
      ["--data", data, "--out", "\(scratch.path)/\(out)", "--batch-size", "4", "--threads", "1"]
        + ["--learning-rate", "0.001"] + options
        + (options.contains("--max-steps") ? [] : ["--max-steps", "2"]))
  }

  private func preprocessing(_ file: String) throws -> String {
    let file = try SafetensorsFile(opening: scratch.path + "/" + file)
    return try #require(file.header.metadata["preprocessing"])
  }

  @Test func theMeanPlaceIsKeptWithoutAugmentationAndIsTheRecipesInFineTuning() throws {
    let data = try ColourFolders.dataset(["a", "b"], in: scratch.path, name: "data")
    let network = ["--network", "cifar-four-layer"]
    for (recipe, place) in [("code2012", "centre"), ("paper", "cropsOwn")] {
      let outcome = try train(
        data, recipe, network[0], network[1], "--recipe", recipe, "--no-augmentation")
      #expect(outcome.code == 0, "\(outcome.error)")
      #expect(
        try preprocessing("\(recipe)/checkpoints/latest.safetensors").contains(
          "\"meanPlace\":\"\(place)\""), "\(recipe)")
      let config = try String(
        contentsOfFile: "\(scratch.path)/\(recipe)/config.json", encoding: .utf8)
      for part in ["\"colourNoise\" : 0", "\"crop\" : \"centre\"", "\"mirror\" : false"] {
        #expect(config.contains(part), "\(part) of \(recipe)")
      }
    }
    // Tuned by the other recipe, the network is trained with that one's mean.
    let tuned = try train(
      data, "tuned", "--recipe", "code2012", "--init-from", scratch.path + "/paper")
    #expect(tuned.code == 0, "\(tuned.error)")
    #expect(
      try preprocessing("tuned/checkpoints/latest.safetensors").contains(
        "\"meanPlace\":\"centre\""))
  }

  @Test func picturesAreSqueezedIfTheTrainingPicturesWere() throws {
    let squeezed = try ColourFolders.dataset(
      ["a", "b"], in: scratch.path, name: "squeezed", "--resize", "squeeze")
    let cropped = try ColourFolders.dataset(["a", "b"], in: scratch.path, name: "cropped")
    let manifest = try String(contentsOfFile: squeezed + "/dataset.json", encoding: .utf8)
    #expect(manifest.contains("\"resizing\" : \"squeeze\""))
    #expect(manifest.contains("\"enlarging\" : \"pixel-centres\""))
    let trained = try train(squeezed, "run", "--network", "cifar-four-layer", "--max-steps", "20")
    #expect(trained.code == 0 && !trained.output.contains("Warning: '"), "\(trained.output)")
    let picture = scratch.path + "/squeezed-source/b/3.bmp"
    func predicted(_ options: String...) throws -> String {
      let outcome = try Program.alexnet(
        ranks: nil, ["predict", "--checkpoint", scratch.path + "/run", picture, "--json"] + options)
      #expect(outcome.code == 0, "\(outcome.error)")
      return outcome.output
    }
    let usual = try predicted()
    #expect(try usual == predicted("--resize", "squeeze"))
    #expect(try usual != predicted("--resize", "crop"))
    // The exported file and what is imported of it say so too.
    for format in ["safetensors", "npz"] {
      let file = "\(scratch.path)/out.\(format)"
      #expect(
        try Program.alexnet("export", scratch.path + "/run", "--format", format, "--out", file).code
          == 0)
      #expect(
        try Program.alexnet("import", file, "--out", scratch.path + "/back.safetensors").code == 0)
      #expect(try preprocessing("back.safetensors").contains("\"resizing\":\"squeeze\""))
    }
    let other = try Program.alexnet("evaluate", scratch.path + "/run", "--data", cropped)
    #expect(other.code == 0 && other.error.contains("--resize crop"), "\(other.error)")
    let wrong = try Program.alexnet(
      "predict", "--checkpoint", scratch.path + "/run", picture, "--resize", "stretch")
    #expect(wrong.code == 64 && wrong.error.contains("crop or squeeze"), "\(wrong.error)")

    // A dataset of an earlier program says nothing of either, which is told.
    let old = cropped + "/dataset.json"
    var text = try String(contentsOfFile: old, encoding: .utf8)
    for line in ["\"enlarging\" : \"pixel-centres\",", "\"resizing\" : \"crop\","] {
      #expect(text.contains(line), "\(text)")
      text = text.replacing(line, with: "")
    }
    try text.write(toFile: old, atomically: true, encoding: .utf8)
    let warned = try train(cropped, "warned", "--network", "cifar-four-layer")
    #expect(
      warned.code == 0 && warned.output.contains("prepared by an earlier version"),
      "\(warned.output)")
  }
}
