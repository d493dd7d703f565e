import Foundation

/// Files `meta.mat` as ILSVRC's development kits have them: written with scipy 1.x and compressed,
/// with GNU Octave, or byte by byte.
///
/// Ten classes `n00000000` to `n00000009` with the IDs 4, 9, 1, 7, 10, 2, 6, 3, 8, 5 and the words
/// `thing 0, chose é0` to `thing 9, chose é9`, and one above them.
package enum MetaFiles {
  /// The classes' IDs, in the order of their WordNet IDs.
  package static let ids = [4, 9, 1, 7, 10, 2, 6, 3, 8, 5]

  /// The layout of 2010.
  package static let of2010 = Array(
    Data(
      base64Encoded: """
        TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFR1ZSBOb3YgMjQgMDk6\
        Mjc6MjQgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\
        SU0PAAAATQEAAHic3dbNSsNAEAfwrTS1RahVPHjwEKR48rCb75wMKGJBPCjosYc2NIW4gW6l+Eh9Dl/IR3BD\
        ls4ShIKzIOzAJMyG+bP8ThkSQrJjQnry3Zd9QJpy1Hwku6P6ULb45CJfC/m9S4bq/F725PHl9fnWo4xOJ3fk\
        7Uk+drWpVnOxmxZlJWDiH+/TWbEs56uc13OdmRC4T691n47WdQ3UeVPfN/V+pu13f9kfaPsjNXPalKfO65yH\
        PTknrZxT2etiyReud+3Oikrk7tfWg7xkT57TynM0LZwLej/DuoZGXENwDW1w7aNdYyOuMbjGNriO0K7UiCsF\
        V2qD6xnaNTXimoJraoPrOdo1MuIagWtkg+sF2tU34uqDq2+Dq4t2TYy4JuCa2OB6iXZlRlwZuDIbXMdo18CI\
        awCugQ2uV1hXpv9n/cVhU1Rl/u+O4+wHhrqlRg==
        """) ?? Data())

  /// The layout of 2012.
  package static let of2012 = Array(
    Data(
      base64Encoded: """
        TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFR1ZSBOb3YgMjQgMDk6\
        Mjc6MjQgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\
        SU0PAAAATQEAAHic3dbNSsNAEAfwrTS1RahVPHjwEKR48rC7+T4ZUMSCeFDQYw9taAoxgW6l+Eh9Dl/IR3CX\
        LJ0QhIKzIOzAJMyG+bP8ThkSQtJjQnry3Zd9QOpy9Hwku6P7ULb4LEW2FvJ7lwz1+b3syePL6/Mtp4xPJ3fk\
        7Uk+drWpVnOxmxZFJWAqP96ns3xZzFdZqWaVGRO4T691n06jVQ30eV3fN2o/bex3f9kfNPZHei5pXVyfq5yH\
        PTknrZxT2et8WS5cfu3O8kpk7teWQ168J89p5TkNLZwLej/FugZGXANwDWxw7aNdIyOuEbhGNriO0K7UiCsF\
        V2qD6xnaNTHimoBrYoPrOdo1NOIagmtog+sF2tUz4uqBq2eDq4t2jY24xuAa2+B6iXZlRlwZuDIbXMdoV9+I\
        qw+uvg2uV1hX1vzP+ovDJq+K7N8dx+kPpKilSA==
        """) ?? Data())

  /// Written by GNU Octave 7 with `save -v7`: eight fields, whole numbers in the smallest type, one
  /// class more above `n00000000` to `n00000009`, whose IDs are 1 to 10.
  package static let ofOctave = Array(
    Data(
      base64Encoded: """
        TUFUTEFCIDUuMCBNQVQtZmlsZSwgd3JpdHRlbiBieSBPY3RhdmUgNy4zLjAsIDIwMjYtMTEtMjQgMTQ6MzA6\
        MDEgVVRDICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAAB\
        SU0PAAAA2QEAAHic7djNTsJAEAfwQUFBE4KGAzEeGuPRQynfJ5roARJjjCZ6bCo0bRMoCa0Sn8KLL+mNR7Ab\
        6jJWItntbvSwS4bSkv90p/xOlAGgeAKwR45x7cSVi6uQnB8m56T24wpfg9CJwvj7PJjJdRIaXt8/3F0aet2w\
        hlfAvh5vuGJ0LWbzcZgh705mYZZ88Dy1Rp4/Gc+dgCefJUsWmT9wIstzfNeL2PNk/9Hc9gPLn9quw/woynF1\
        Ye2IHLGjHCqySsn11Vr2SX6A8vkN+RLKH8V1TPYNeuq13s+2fkeoXyU5jzw/cDX9Qht5s9DRPlj6HaT2V41r\
        AR7YEIEGfvIeCnheq7z+S/5r4byo+3Lnb9/NjPc3RTmpo3n4ndSpE5Z+yolsJ0VhTgw0D78Tgzph6aecyHZS\
        Eeakgebhd9KgTlj6KSeynVSFOWmiefidNKkTln7KiWwnNWFOWmgefict6oSln3Ii28mpMCdtNA+/kzZ1wtJP\
        OZHtRBPmpIPm4XfSoU5Y+iknsp2cCXPSRfPwO+lSJyz9lBPZTs6FOemhefid9KgTln7KiWQngzdBTnrfnJhb\
        +hVS/cjvbMMTzOAFHNTn//j4+T/TpvxuKl+j+WU/+WDifn/p5hNLZuFC
        """) ?? Data())

  /// The layout of 2012 with nothing compressed, so that damage reaches what is inside: texts of
  /// one and of two bytes a character, short elements in their tags, numbers in the smallest type,
  /// as MATLAB writes them.
  package static let plain: [UInt8] = {
    func element(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
      let padding = [UInt8](repeating: 0, count: (8 - content.count % 8) % 8)
      return [kind, 0, 0, 0] + number(content.count) + content + padding
    }
    func short(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
      [kind, 0, UInt8(content.count), 0] + content
        + [UInt8](repeating: 0, count: 4 - content.count)
    }
    func number(_ value: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func matrix(
      _ kind: UInt8, rows: Int, columns: Int, name: String = "", _ content: [UInt8]
    ) -> [UInt8] {
      let head =
        element(6, [kind, 0, 0, 0, 0, 0, 0, 0]) + element(5, number(rows) + number(columns))
        + element(1, Array(name.utf8))
      return element(14, head + content)
    }
    let names = ["ILSVRC2012_ID", "WNID", "words", "children"]
    let width = 32
    var content = short(5, number(width))
    content += element(
      1,
      names.flatMap { name in
        Array(name.utf8) + [UInt8](repeating: 0, count: width - name.utf8.count)
      })
    for (place, id) in ids.enumerated() {
      let words = Array("thing \(place), chose é\(place)".utf16)
      let wordNetID = Array("n0000000\(place)".utf8)
      content += matrix(6, rows: 1, columns: 1, short(2, [UInt8(id)]))
      content += matrix(4, rows: 1, columns: wordNetID.count, element(16, wordNetID))
      content += matrix(
        4, rows: 1, columns: words.count,
        element(4, words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }))
      content += matrix(6, rows: 0, columns: 0, element(9, []))
    }
    return [UInt8](repeating: 0x20, count: 124) + [0, 1, 0x49, 0x4D]
      + matrix(2, rows: ids.count, columns: 1, name: "synsets", content)
  }()
}
