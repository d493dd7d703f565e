import Data
import Evaluation
import System
import TestSupport
import Testing

/// How the classes of a dataset find those of a network.
@Suite struct ClassMatchingTests {
  @Test func classesMatchIgnoringCaseAndUnmatchedOnesAreNamed() throws {
    let place = TemporaryFolder()
    for (name, shade) in [("CAT", UInt8(0)), ("dog", 255)] {
      for number in 0..<2 {
        try place.write(
          "P5\n8 8\n255\n".utf8 + [UInt8](repeating: shade, count: 64),
          "source/\(name)/\(number).pgm")
      }
    }
    var settings = PreparationSettings(
      source: place.file("source"), destination: place.file("dataset"))
    settings.side = 8
    _ = try Preparation.run(settings)
    let dataset = try Dataset(opening: place.file("dataset"))
    let note = try ClassMatching(
      dataset, .train, to: ["owl", "cat", "dog", "Owl"], of: "network"
    ).note
    #expect(note?.contains("'CAT' ignoring capitals") == true, "\(note ?? "")")
    #expect(note?.contains("2 others ('owl', 'Owl')") == true, "\(note ?? "")")
    // Which of two is meant does not show.
    #expect(throws: Failure.self) {
      try ClassMatching(dataset, .train, to: ["Cat", "cat", "dog"], of: "network")
    }
  }
}
