import Foundation
import Testing

/// The C sources of protobuf messages that the repository keeps.
struct MessagesTests {
  static let hasCompiler = FileManager.default.fileExists(atPath: "/usr/bin/protoc-c")

  @Test(.enabled(if: hasCompiler, "needs the Debian package protobuf-c-compiler"))
  func generatedSourcesMatchTheSchemas() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let kept = root.appending(path: "Sources/CProtobuf")
    let made = FileManager.default.temporaryDirectory
      .appending(path: "alexnet-messages-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: made) }
    let script = Process()
    script.executableURL = root.appending(path: "scripts/make-messages")
    script.arguments = [made.path]
    try script.run()
    script.waitUntilExit()
    #expect(script.terminationStatus == 0)

    for schema in ["caffe", "event", "onnx"] {
      for file in ["\(schema).pb-c.c", "include/\(schema).pb-c.h"] {
        let fresh = try Data(contentsOf: made.appending(path: file))
        #expect(
          try Data(contentsOf: kept.appending(path: file)) == fresh,
          "Sources/CProtobuf/\(file) is not what scripts/make-messages makes: run it and commit."
        )
      }
    }
  }
}
