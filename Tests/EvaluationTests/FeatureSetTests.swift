import Evaluation
import Images
import System
import TestSupport
import Testing

@Suite(.enabled(if: TestWorld.isOneProcess)) struct FeatureSetTests {
  @Test func namesWithLineEndsStayOnOneLine() throws {
    let names = ["a\r", "b\r\nc\\n", "", "d\n", "\\e\u{301}\\", "\u{301}f\\r"]
    var set = FeatureSet(length: 1)
    try set.append(names: names, values: [1, 2, 3, 4, 5, 6], of: TestWorld.shared.alone)
    #expect(set.names == names)
    let folder = TemporaryFolder()
    try set.write(to: folder.file("set.npy"))
    let read = try FeatureSet(contentsOf: folder.file("set.npy"))
    #expect(read.names == set.names && read.values == [1, 2, 3, 4, 5, 6])
  }

  @Test func listsWithAnyLineEndsAreRead() throws {
    let folder = TemporaryFolder()
    var set = FeatureSet(length: 1)
    try set.append(names: ["a", "b"], values: [1, 2], of: TestWorld.shared.alone)
    try set.write(to: folder.file("set.npy"))
    for text in ["a\nb", "a\nb\n", "a\r\nb\r\n"] {
      try folder.write(Array(text.utf8), "set.txt")
      #expect(try FeatureSet(contentsOf: folder.file("set.npy")).names == ["a", "b"], "\(text)")
    }
  }

  private func origin(
    step: Int = 100, weights: String = "12345678abc", layer: String = "drop7"
  ) -> FeatureOrigin {
    FeatureOrigin(
      network: "alexnet", layer: layer, dataset: "/data/a\nb", step: step, weights: weights)
  }

  @Test func whatMadeTheFeaturesIsWrittenAndReadAgain() throws {
    let folder = TemporaryFolder()
    var set = FeatureSet(length: 1, of: origin())
    try set.append(names: ["# a", "b"], values: [1, 2], of: TestWorld.shared.alone)
    try set.write(to: folder.file("set.npy"))
    let read = try FeatureSet(contentsOf: folder.file("set.npy"))
    #expect(read.names == ["# a", "b"] && read.origin == origin())
    // An older file, which has only names.
    try folder.write(Array("# a\nb\n".utf8), "set.txt")
    let older = try FeatureSet(contentsOf: folder.file("set.npy"))
    #expect(older.names == ["# a", "b"] && older.origin == nil)
    try folder.write(Array("# alexnet features: {\n# a\nb\n".utf8), "set.txt")
    #expect(throws: Failure.self) { try FeatureSet(contentsOf: folder.file("set.npy")) }
  }

  @Test func picturesAreMadeSquareAsThoseOfTheSet() throws {
    let folder = TemporaryFolder()
    var squeezed = origin()
    squeezed.resizing = .squeeze
    var set = FeatureSet(length: 1, of: squeezed)
    try set.append(names: ["a"], values: [1], of: TestWorld.shared.alone)
    try set.write(to: folder.file("set.npy"))
    let read = try #require(try FeatureSet(contentsOf: folder.file("set.npy")).origin)
    #expect(try read.resizing(asked: nil, path: "set.npy") == .squeeze)
    #expect(try read.resizing(asked: .squeeze, path: "set.npy") == .squeeze)
    let failure = #expect(throws: Failure.self) {
      try read.resizing(asked: .crop, path: "set.npy")
    }
    #expect(failure?.exitCode == .usage && failure?.message.contains("--resize squeeze") == true)
    // An older file does not say it.
    #expect(try origin().resizing(asked: .crop, path: "set.npy") == nil)
  }

  @Test func featuresOfOtherWeightsAreRefused() throws {
    // Weights alone decide: an exported file says no step.
    try origin().check(isOf: origin(step: 200), in: "run", path: "set.npy")
    for other in [origin(step: 200, weights: "9abcdef0123"), origin(layer: "drop6")] {
      let failure = #expect(throws: Failure.self) {
        try origin().check(isOf: other, in: "run", path: "set.npy")
      }
      let message = failure?.message ?? ""
      #expect(failure?.exitCode == .usage)
      #expect(
        message.contains("'set.npy' holds features of layer 'drop7' of 'alexnet'"), "\(message)")
      #expect(message.contains("after step 100") && message.contains("'run'"), "\(message)")
    }
  }
}
