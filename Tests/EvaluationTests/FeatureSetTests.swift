import Evaluation
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
      _ = folder.write("set.txt", Array(text.utf8))
      #expect(try FeatureSet(contentsOf: folder.file("set.npy")).names == ["a", "b"], "\(text)")
    }
  }
}
