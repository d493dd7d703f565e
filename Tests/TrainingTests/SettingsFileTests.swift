import Foundation
import Networks
import System
import TestSupport
import Testing
import Training

/// The file of `--config`.
@Suite struct SettingsFileTests {
  private var settings: TrainingSettings {
    var settings = TrainingSettings(
      network: .alexNet(classes: 10, recipe: .paper), recipe: .code2012)
    (settings.maxSteps, settings.recipe.batchSize) = (30, 64)
    settings.fineTuning = FineTuning(file: "base", learningRateFactors: ["conv1": 0.1])
    return settings
  }

  private func read(_ text: String) throws -> TrainingSettings {
    let folder = TemporaryFolder()
    return try TrainingSettings(configuration: folder.write(Array(text.utf8), "settings.json"))
  }

  @Test func aWholeConfigJSONIsRead() throws {
    #expect(try read(settings.json) == settings)
  }

  @Test(arguments: [
    ("\"maxSteps\"", "\"maxstep\"", "'maxstep' is no setting", "did you mean 'maxSteps'?"),
    (
      "\"batchSize\"", "\"batchsize\"", "'recipe.batchsize' is no setting",
      "did you mean 'batchSize'?"
    ),
    ("\"seed\" : 1", "\"seed\" : 1, \"colour\" : {}", "'colour' is no setting", ""),
    (
      "\"file\" : \"base\"", "\"file\" : \"base\", \"freeze\" : 1",
      "'fineTuning.freeze' is no setting", ""
    ),
  ])
  func aSettingThatThereIsNotIsNamedWithItsLine(
    _ old: String, _ new: String, _ says: String, _ hint: String
  ) throws {
    let text = settings.json
    let changed = text.replacing(old, with: new)
    #expect(changed != text)
    let word = new.contains("colour") ? "\"colour\"" : new.contains("freeze") ? "\"freeze\"" : new
    let line = changed.split(separator: "\n", omittingEmptySubsequences: false).firstIndex {
      $0.contains(word)
    }.map { $0 + 1 }
    let failure = #expect(throws: Failure.self) { _ = try read(changed) }
    #expect(failure?.exitCode == .badData)
    let message = failure?.message ?? ""
    #expect(message.contains(", line \(line ?? 0): \(says)"), "\(message)")
    #expect(hint.isEmpty || message.contains(hint), "\(message)")
  }

  @Test(arguments: [
    (String(repeating: "[", count: 50_000), "is nested more than 32 deep"),
    (String(repeating: "{\"a\":", count: 50_000), "is nested more than 32 deep"),
    ("[]", "an object in braces is expected"),
  ]) func whatIsNoSettingsAtAllIsRefusedInWords(_ text: String, _ words: String) {
    let failure = #expect(throws: Failure.self) { _ = try read(text) }
    #expect(failure?.exitCode == .badData)
    let message = failure?.message ?? ""
    #expect(message.contains(words) && !message.contains("DecodingError"), "\(message)")
  }

  @Test(arguments: [("\"biasLearningRateFactor\"", "1e300"), ("\"conv1\"", "1e300")])
  func factorsThatNoNumberHoldsAreRefused(_ name: String, _ factor: String) throws {
    let pattern = try Regex(name + " : [0-9.]+")
    let text = settings.json.replacing(pattern, with: name + " : " + factor)
    #expect(text.contains(factor))
    let failure = #expect(throws: Failure.self) { _ = try read(text) }
    #expect(failure?.message.contains("is not from 0.0 to 1000000.0") == true)
  }

  @Test func aBatchThatItsPartsDoNotDivideIsRefusedWithBoth() throws {
    let batch = "\"batchSize\" : 64"
    let text = settings.json.replacing(batch, with: "\"accumulate\" : 5, " + batch)
    let failure = #expect(throws: Failure.self) { _ = try read(text) }
    #expect(failure?.exitCode == .badData)
    let message = failure?.message ?? ""
    #expect(message.contains("batchSize = 64 and accumulate = 5"), "\(message)")
  }

  @Test func aFileWithoutASettingSaysWhich() throws {
    let text = settings.json.replacing(/"momentum" : 0.9,/, with: "")
    let failure = #expect(throws: Failure.self) { _ = try read(text) }
    #expect(
      failure?.message.contains("lacks 'recipe.momentum'") == true, "\(failure?.message ?? "")")
  }

  @Test func aWordStandsForARecordedFileByAnyWayToIt() {
    let file = "base/checkpoints/step-00000004.safetensors"
    for word in ["base", "./base/", "other/../base", file, "./" + file] {
      #expect(FineTuning.names(word, file), "\(word)")
    }
    for word in ["bas", "base2", "checkpoints", "/base", "base/checkpoints/step-00000008"] {
      #expect(!FineTuning.names(word, file), "\(word)")
    }
  }
}
