import Foundation

/// The commands that SwiftPM runs to build this package, and the files that tie one to another.
struct BuildGraph {
  struct Command {
    let tool: String
    var inputs: [String] = []
    var outputs: [String] = []
    var arguments: [String] = []

    /// The Swift module that the command compiles; nil for other commands.
    var module: String? {
      guard arguments.first?.hasSuffix("/swiftc") == true else { return nil }
      return arguments.firstIndex(of: "-module-name").map { arguments[$0 + 1] }
    }
  }

  let commands: [Command]

  /// Reads the manifest, YAML with a list in JSON on a line, that SwiftPM wrote for the build of
  /// this test bundle.
  init() throws {
    let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let folder = bundle.deletingLastPathComponent()
    let scratch = folder.deletingLastPathComponent().deletingLastPathComponent()
    let manifest = scratch.appending(path: "\(folder.lastPathComponent).yaml")
    try self.init(manifest: String(contentsOf: manifest, encoding: .utf8))
  }

  init(manifest: String) throws {
    var commands: [Command] = []
    for line in manifest.split(separator: "\n") {
      guard let colon = line.range(of: ": "), line.hasPrefix("    ") else { continue }
      let (key, value) = (line[..<colon.lowerBound].dropFirst(4), line[colon.upperBound...])
      func list() throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(value.utf8))
      }
      switch key {
      case "tool": commands.append(Command(tool: String(value)))
      case "inputs": commands[commands.count - 1].inputs = try list()
      case "outputs": commands[commands.count - 1].outputs = try list()
      case "args": commands[commands.count - 1].arguments = try list()
      default: break
      }
    }
    self.commands = commands
  }

  /// The files that are in time for the compilers that read them only by chance, in a sentence
  /// each.
  ///
  /// These are files that compilers find by a search path and that a command writes, without an
  /// edge from the one to the other.
  func races() throws -> [String] {
    var races: [String] = []
    for command in commands where command.tool != "write-auxiliary-file" {
      for output in command.outputs
      where [".h", ".c", ".modulemap"].contains(where: output.hasSuffix) {
        races.append("\(output) is made during the build, and no compiler waits for it.")
      }
    }
    let modules = Dictionary(
      commands.flatMap(\.outputs).filter { $0.hasSuffix(".swiftmodule") }.map {
        (URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent, $0)
      }, uniquingKeysWith: { first, _ in first })
    for command in commands {
      guard let name = command.module else { continue }
      for source in command.inputs where source.hasSuffix(".swift") {
        guard let text = try? String(contentsOfFile: source, encoding: .utf8) else { continue }
        for imported in Self.imports(text) {
          guard let module = modules[imported], !command.inputs.contains(module) else { continue }
          races.append("\(name) imports \(imported) in \(source), and does not wait for it.")
        }
      }
    }
    return races
  }

  /// The modules that a source file imports by lines such as `@testable public import Layers`.
  private static func imports(_ source: String) -> [String] {
    source.split(separator: "\n").compactMap { line in
      guard line.contains("import ") else { return nil }
      let words = line.split(separator: " ").drop {
        $0.hasPrefix("@")
          || ["public", "package", "internal", "private", "fileprivate"].contains($0)
      }
      return words.first == "import" ? words.last.map(String.init) : nil
    }
  }
}
