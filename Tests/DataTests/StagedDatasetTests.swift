import Data
import Foundation
import Glibc
import System
import TestSupport
import Testing

/// Copies of a dataset on a host's own disk.
struct StagedDatasetTests {
  private func prepared() throws -> TemporaryFolder {
    let place = TemporaryFolder()
    try place.writeClassFolders(["a": 10, "b": 10])
    try place.prepare()
    return place
  }

  private func copy(_ place: TemporaryFolder) throws -> StagedDataset {
    try StagedDataset(of: place.file("dataset"), in: place.file("disk"))
  }

  @Test func aCopyHasEveryByteAndIsMadeOnce() throws {
    let place = try prepared()
    let copy = try copy(place)
    #expect(!copy.isThere)
    #expect(try copy.make { false })
    #expect(copy.isThere)
    let name = (copy.path as NSString).lastPathComponent
    // The list of what could not be prepared is for people.
    let names = try place.names("dataset").filter { $0 != "rejected.jsonl" }
    #expect(try place.names("disk/\(name)") == names)
    var bytes = 0
    for file in names {
      let whole = try place.read("dataset/\(file)")
      #expect(try place.read("disk/\(name)/\(file)") == whole)
      bytes += whole.count
    }
    #expect(copy.bytes == UInt64(bytes))
    #expect(try place.dataset("disk/\(name)").checksum == place.dataset().checksum)
    // The second run reads nothing but sizes: the source may be gone.
    let first = FileStatus(copy.path)
    #expect(try copy.make { true })
    #expect(FileStatus(copy.path)?.changed == first?.changed && first != nil)
  }

  @Test func whatIsHalfThereIsMadeAgain() throws {
    let place = try prepared()
    let copy = try copy(place)
    // A start that was broken off, and a copy whose file was cut.
    try place.write([1], "disk/" + (copy.path as NSString).lastPathComponent + ".partial/left")
    #expect(try copy.make { false })
    #expect(truncate(copy.path + "/train-000000.tar", 100) == 0)
    #expect(!copy.isThere)
    #expect(try copy.make { false })
    #expect(copy.isThere)
    #expect(try place.names("disk").count == 2, "the copy and its lock")
  }

  @Test func aDamagedFileIsNotCopied() throws {
    let place = try prepared()
    try place.damage([2])
    let copy = try copy(place)
    expectFailure(.badData, "train-000000.tar", "checksum") { _ = try copy.make { false } }
    #expect(!copy.isThere)
  }

  @Test func aRunThatIsAskedToStopLeavesNoCopy() throws {
    let place = try prepared()
    let copy = try copy(place)
    #expect(try !copy.make { true })
    #expect(!copy.isThere)
    #expect(try copy.make { false })
  }

  @Test func whoeverComesWhileAnotherCopiesWaits() throws {
    let place = try prepared()
    let copy = try copy(place)
    try place.makeFolder("disk")
    let lock = open(copy.path + ".lock", O_RDWR | O_CREAT, 0o600)
    #expect(flock(lock, LOCK_EX) == 0)
    var looks = 0
    #expect(
      try copy.make {
        looks += 1
        if looks == 2 { close(lock) }
        return false
      })
    #expect(looks >= 2 && copy.isThere)
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    let place = try prepared()
    let copy = try StagedDataset(of: place.file("dataset"), in: "/proc/no")
    expectFailure(.cannotCreate, "/proc/no", "--stage-data") { _ = try copy.make { false } }
  }
}
