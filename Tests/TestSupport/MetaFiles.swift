import Foundation

/// Files `meta.mat` as ILSVRC's development kits have them, written with scipy 1.x.
///
/// Ten classes `n00000000` to `n00000009` with the IDs 4, 9, 1, 7, 10, 2, 6, 3, 8, 5 and the words
/// `thing 0, chose é0` to `thing 9, chose é9`, and one above them.
enum MetaFiles {
  static let ids = [4, 9, 1, 7, 10, 2, 6, 3, 8, 5]

  /// The layout of 2010.
  static let of2010 = Array(
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
  static let of2012 = Array(
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
}
