import Testing

/// A clean build must not depend on which of two commands happens to run first.
struct BuildGraphTests {
  @Test func everyGeneratedFileIsADependencyOfItsReaders() throws {
    let graph = try BuildGraph()
    #expect(graph.commands.count { $0.module != nil } > 20)
    #expect(try graph.races() == [])
  }

  @Test func aGeneratedHeaderIsDetected() throws {
    let graph = try BuildGraph(
      manifest: """
        commands:
          "onnx.pb-c.h":
            tool: shell
            inputs: ["onnx.proto"]
            outputs: ["onnx.pb-c.c","onnx.pb-c.h"]
            args: ["protoc-c","onnx.proto"]
          "shim.c.o":
            tool: clang
            inputs: ["shim.c"]
            outputs: ["shim.c.o"]
            args: ["clang","-I","include","-c","shim.c"]
        """)
    #expect(
      try graph.races() == [
        "onnx.pb-c.c is made during the build, and no compiler waits for it.",
        "onnx.pb-c.h is made during the build, and no compiler waits for it.",
      ])
  }

  @Test func anUndeclaredImportIsDetected() throws {
    // This file imports Testing; a graph in which this package made it would have to wait for it.
    let graph = try BuildGraph(
      manifest: """
        commands:
          "Testing":
            tool: shell
            inputs: []
            outputs: ["Modules/Testing.swiftmodule"]
            args: ["/usr/bin/swiftc","-module-name","Testing"]
          "PackageTests":
            tool: shell
            inputs: ["\(#filePath)"]
            outputs: ["Modules/PackageTests.swiftmodule"]
            args: ["/usr/bin/swiftc","-module-name","PackageTests"]
        """)
    #expect(
      try graph.races() == [
        "PackageTests imports Testing in \(#filePath), and does not wait for it."
      ])
  }
}
