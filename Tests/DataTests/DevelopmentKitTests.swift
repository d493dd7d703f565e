import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("ILSVRC's development kit")
struct DevelopmentKitTests {
  private static let data = "source/ILSVRC2012_devkit_t12/data"

  /// The kit with a `meta.mat`, in a folder of its own.
  private func kit(_ meta: [UInt8], in place: TemporaryFolder) throws -> DevelopmentKit {
    try place.write(meta, "\(Self.data)/meta.mat")
    try place.write(
      Array("1\n2\n".utf8), "\(Self.data)/ILSVRC2012_validation_ground_truth.txt")
    return try #require(try DevelopmentKit(lookingIn: place.file("source")))
  }

  @Test("reads compressed and plain files", arguments: [MetaFiles.plain, MetaFiles.of2012])
  func ids(meta: [UInt8]) throws {
    let synsets = try kit(meta, in: TemporaryFolder()).synsets.filter { $0.number <= 10 }
    let sorted = synsets.sorted { $0.wordNetID < $1.wordNetID }
    #expect(sorted.map(\.wordNetID) == (0..<10).map { "n0000000\($0)" })
    #expect(sorted.map(\.number) == MetaFiles.ids)
  }

  @Test("Octave's files with additional WordNet nodes are read")
  func octave() throws {
    let synsets = try kit(MetaFiles.ofOctave, in: TemporaryFolder()).synsets
    #expect(synsets.map(\.number) == Array(1...10) + [1001])
    #expect(synsets.map(\.wordNetID) == (0..<10).map { "n0000000\($0)" } + ["n00000099"])
  }

  @Test("a truncated file is refused", arguments: [MetaFiles.plain, MetaFiles.of2012])
  func cut(meta: [UInt8]) throws {
    let place = TemporaryFolder()
    for length in stride(from: 0, to: meta.count, by: 3) {
      expectFailure(.badData, "meta.mat", "synsets") {
        _ = try kit(Array(meta[..<length]), in: place)
      }
    }
  }

  @Test("impossible sizes are refused before memory is allocated")
  func sizes() throws {
    let place = TemporaryFolder()
    let sound = MetaFiles.plain
    // The size of the matrix, its class, the number of structures, the length of a field's name and
    // of all of them.
    for offset in [132, 144, 160, 164, 188, 196] {
      for value in [[255, 255, 255, 127], [0, 0, 0, 128], [255, 255, 255, 255]] as [[UInt8]] {
        var bytes = sound
        bytes.replaceSubrange(offset..<(offset + 4), with: value)
        expectFailure(.badData, "meta.mat") { _ = try kit(bytes, in: place) }
      }
    }
  }

  /// A compressed kit of these members, each of them zeros.
  private func archive(_ members: [(name: String, size: Int)], in place: TemporaryFolder) throws {
    try place.makeFolder("work/data")
    for (name, size) in members {
      try place.write([], "work/data/\(name)")
      truncate(place.file("work/data/\(name)"), size)
    }
    try place.makeFolder("source")
    try place.tar("source/ILSVRC2012_devkit_t12.tar.gz", of: "work", "-z")
  }

  @Test("a kit that unpacks to too much is refused before it is unpacked")
  func bomb() throws {
    let place = TemporaryFolder()
    try archive([("a.txt", 8 << 20), ("meta.mat", 256 << 20)], in: place)
    expectFailure(.badData, "devkit_t12.tar.gz", "more than 256 MiB") {
      _ = try DevelopmentKit(lookingIn: place.file("source"))
    }
  }

  @Test("a kit with a repeated file is refused")
  func twoOfAKind() throws {
    let place = TemporaryFolder()
    try place.write([], "work/data/other/meta.mat")
    try archive([("meta.mat", 1 << 20)], in: place)
    expectFailure(.badData, "devkit_t12.tar.gz", "two files 'meta.mat'") {
      _ = try DevelopmentKit(lookingIn: place.file("source"))
    }
  }
}
