import Foundation
import TestSupport
import Testing

/// The folders of `Sources` are the rooms that Docs/Architecture.md lists, from the top of the
/// house down.
struct RoomsTests {
  /// The package's folder.
  private static let root = URL(fileURLWithPath: Program.repository)

  /// Rooms without a suite of their own, and why.
  private static let untested = [
    "alexnet": "CommandTests runs it", "alexnet-train": "CommandTests runs it",
    "KernelsBase": "KernelsTests runs all tables", "KernelsAVX2": "a link to KernelsBase",
    "KernelsAVX512": "a link to KernelsBase", "Protobuf": "InterchangeTests writes and reads by it",
  ]

  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent(folder).path
    )
    .filter { !$0.hasPrefix(".") }.sorted()
  }

  /// The rooms as the page lists them: each name at a line's start within the page's first block, a
  /// slash behind it.
  private func listed() throws -> [String] {
    let page = try String(
      contentsOf: Self.root.appendingPathComponent("Docs/Architecture.md"), encoding: .utf8)
    let block = page.components(separatedBy: "```")[1]
    return block.split(separator: "\n").filter { !$0.hasPrefix(" ") }.flatMap { line in
      line.split(separator: " ").prefix { $0.hasSuffix("/") }.map { String($0.dropLast()) }
    }
  }

  /// The modules that a file imports.
  private func imports(_ file: URL) throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), place < words.count - 1,
        words[..<place].allSatisfy({
          ["public", "package", "private", "internal"].contains($0) || $0.hasPrefix("@")
        })
      else { return nil }
      return words.last.map { String($0.split(separator: ".")[0]) }
    }
  }

  @Test func architecturePageListsEveryModule() throws {
    #expect(try listed().sorted() == names(in: "Sources"))
  }

  @Test func modulesImportOnlyModulesBelowThem() throws {
    let rooms = try listed()
    let rank = Dictionary(uniqueKeysWithValues: rooms.enumerated().map { ($1, $0) })
    for (place, room) in rooms.enumerated() {
      let folder = Self.root.appendingPathComponent("Sources/\(room)")
      for case let file as URL in FileManager.default.enumerator(
        at: folder, includingPropertiesForKeys: nil) ?? .init()
      where file.pathExtension == "swift" {
        for module in try imports(file) {
          guard let other = rank[module] else { continue }
          #expect(
            other > place,
            "\(room)/\(file.lastPathComponent) imports \(module), which is not below it."
          )
        }
      }
    }
  }

  @Test func everyModuleHasATestSuiteOrAReason() throws {
    let suites = Set(try names(in: "Tests"))
    for room in try names(in: "Sources") where !room.hasPrefix("C") || room == "Checkpoints" {
      let hasSuite = suites.contains(room + "Tests")
      #expect(
        hasSuite != (Self.untested[room] != nil),
        "Tests/\(room)Tests is missing, or \(room) is listed as untested and is not.")
    }
  }

  @Test func networksDoNotDependOnMPINorTrainingOnOtherFormats() throws {
    /// All that a room is built on.
    func below(_ room: String) throws -> Set<String> {
      var (found, waiting) = (Set<String>(), [room])
      let rooms = Set(try names(in: "Sources"))
      while let next = waiting.popLast() {
        let folder = Self.root.appendingPathComponent("Sources/\(next)")
        for case let file as URL in FileManager.default.enumerator(
          at: folder, includingPropertiesForKeys: nil) ?? .init()
        where file.pathExtension == "swift" {
          for module in try imports(file) where rooms.contains(module) {
            if found.insert(module).inserted { waiting.append(module) }
          }
        }
      }
      return found
    }
    #expect(try below("Networks").isDisjoint(with: ["MPI", "Layers", "Data"]))
    #expect(try below("Training").isDisjoint(with: ["Interchange", "Evaluation", "Report"]))
    #expect(try below("AlexNet").isDisjoint(with: ["Training", "Interchange", "Supervision"]))
  }
}
