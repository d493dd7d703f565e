import Foundation
import PackagePlugin

/// Makes C sources of protobuf schemas with protobuf-c's compiler: of ONNX's as its Debian package publishes it, and of
/// every `.proto` file of the target.
@main
struct CompileSchemas: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let compiler = try find("bin/protoc-c", package: "protobuf-c-compiler")
    let published = try find("include/onnx/onnx.proto", package: "libonnx-dev")
    let own = try FileManager.default
      .contentsOfDirectory(at: target.directoryURL, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "proto" }
    // SwiftPM takes headers from a folder of this name alone.
    let folder = context.pluginWorkDirectoryURL.appending(path: "include")
    return ([published] + own).map { schema in
      let name = schema.deletingPathExtension().lastPathComponent
      return .buildCommand(
        displayName: "Compiling schema \(schema.lastPathComponent)", executable: compiler,
        arguments: [
          "--c_out=\(folder.path)", "--proto_path=\(schema.deletingLastPathComponent().path)",
          schema.path,
        ],
        inputFiles: [schema],
        outputFiles: [
          folder.appending(path: "\(name).pb-c.c"), folder.appending(path: "\(name).pb-c.h"),
        ])
    }
  }

  private func find(_ path: String, package: String) throws -> URL {
    for prefix in ["/usr/local", "/usr"]
    where FileManager.default.fileExists(atPath: "\(prefix)/\(path)") {
      return URL(fileURLWithPath: "\(prefix)/\(path)")
    }
    Diagnostics.error(
      "/usr/\(path) is missing; scripts/install-packages installs the package \(package).")
    throw CocoaError(.fileNoSuchFile)
  }
}
