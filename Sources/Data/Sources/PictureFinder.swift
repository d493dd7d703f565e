import Foundation
import System

/// Finds pictures of a folder by the names that a table uses.
struct PictureFinder {
  private var byPath: [ArraySlice<UInt8>: [UInt8]] = [:]
  private var byName: [ArraySlice<UInt8>: [UInt8]] = [:]
  private var used: Set<[UInt8]> = []
  private let count: Int

  init(_ folder: FolderTree) {
    let prefix = folder.path.bytes.isEmpty ? 0 : folder.path.bytes.count + 1
    var pictures: [[UInt8]] = []
    folder.forEachPicture { pictures.append($0) }
    count = pictures.count
    for picture in pictures {
      byPath[picture[prefix...]] = picture
      let base = picture.lastComponent
      for name in [base, base.lastIndex(of: UInt8(ascii: ".")).map { base[..<$0] }] {
        if let name, byName.updateValue(picture, forKey: name) != nil { byName[name] = [] }
      }
    }
  }

  /// A picture's path below the root, found by its path below the folder, its name, or its name
  /// without the ending, if only one picture matches.
  mutating func find(_ name: [UInt8]) -> [UInt8]? {
    let plain = name.starts(with: Array("./".utf8)) ? name[2...] : name[...]
    let forms = [plain] + Self.forms(of: Array(plain)).map { $0[...] }
    let known = forms.compactMap { byPath[$0] ?? byName[$0] }.first
    guard let found = known, !found.isEmpty else { return nil }
    used.insert(found)
    return found
  }

  /// A name with Unicode's composed and decomposed characters, if these differ: macOS and other
  /// systems write names differently.
  static func forms(of name: [UInt8]) -> [[UInt8]] {
    guard name.contains(where: { $0 > 127 }), let text = String(validating: name, as: UTF8.self)
    else { return [] }
    return [text.precomposedStringWithCanonicalMapping, text.decomposedStringWithCanonicalMapping]
      .map { Array($0.utf8) }.filter { $0 != name }
  }

  /// How many pictures were never found.
  var unused: Int { count - used.count }
}
