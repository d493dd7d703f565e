import Foundation
import TestSupport
import Testing

/// The C sources of protobuf messages that the repository keeps.
struct MessagesTests {
  static let hasCompiler = FileManager.default.fileExists(atPath: "/usr/bin/protoc-c")

  @Test(.enabled(if: hasCompiler, "needs the Debian package protobuf-c-compiler"))
  func generatedSourcesMatchTheSchemas() throws {
    let kept = URL(fileURLWithPath: Program.repository).appending(path: "Sources/CProtobuf")
    let made = TemporaryFolder()
    let script = Program.repository + "/scripts/make-messages"
    #expect(try Program.run([script, made.path]).code == 0)

    for schema in ["caffe", "event", "onnx"] {
      for file in ["\(schema).pb-c.c", "include/\(schema).pb-c.h"] {
        let fresh = Data(try made.read(file))
        #expect(
          try Data(contentsOf: kept.appending(path: file)) == fresh,
          "Sources/CProtobuf/\(file) is not what scripts/make-messages makes: run it and commit."
        )
      }
    }
  }
}
