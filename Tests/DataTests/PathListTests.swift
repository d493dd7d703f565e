import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("Lists of paths")
struct PathListTests {
  private func names(_ list: [UInt8]) throws -> [String] {
    try PathList.entries(of: list, from: "The list").map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test("Unix and Windows line ends work, and a byte-order mark is skipped")
  func lines() throws {
    #expect(try names(Array("a\nb b\n\nc".utf8)) == ["a", "b b", "c"])
    #expect(try names(Array("a\r\nb\r\n".utf8)) == ["a", "b"])
    #expect(try names([0xEF, 0xBB, 0xBF] + Array("a\nb\n".utf8)) == ["a", "b"])
    #expect(try names([]).isEmpty)
  }

  @Test("zero-terminated names may contain line ends")
  func zeros() throws {
    #expect(try names(Array("a\0b\nb\0\0c\r\0d".utf8)) == ["a", "b\nb", "c\r", "d"])
    #expect(try names(Array("one\ntwo\nthree\0".utf8)) == ["one\ntwo\nthree"])
  }

  @Test("a list in UTF-16, as PowerShell writes it, is refused")
  func utf16() throws {
    for bytes in [[0xFF, 0xFE, 0x61, 0x00], [0xFE, 0xFF, 0x00, 0x61]] as [[UInt8]] {
      expectFailure(.badData, "UTF-16") { _ = try names(bytes) }
    }
  }

  @Test("a path with a zero byte does not open the file before the zero")
  func zeroInside() throws {
    let place = TemporaryFolder()
    try place.write([1], "there")
    #expect(PathBytes(place.file("there")).status != nil)
    #expect(PathBytes(place.file("there\0.png")).status == nil)
    #expect(!PictureFiles.isFolder(place.path + "\0x"))
    expectFailure(.inputMissing, "there\\u{0}.png") {
      _ = try RegularFile.contents(of: place.file("there\0.png"), limit: 10)
    }
    expectFailure(.inputMissing, "there\\u{0}.png") {
      _ = try RegularFile(place.file("there\0.png"))
    }
    expectFailure(.inputMissing, "Cannot read the folder") {
      _ = try PictureFiles.list(in: place.path + "\0x")
    }
  }
}
