import CArchive

/// The structures in a MATLAB file of level 5, the format of `meta.mat` in ILSVRC's development
/// kits.
///
/// After a header of 128 bytes come elements: a tag with a type and a size, then as many bytes.
/// Every size is checked against the available bytes before memory is allocated for it; fields that
/// hold neither numbers nor text are skipped. The format is MathWorks' "MAT-File Format"; numbers
/// are little-endian, as in all of the kits.
struct MATFile {
  /// The value of a structure's field, as far as it is needed.
  enum Value: Equatable {
    /// A real number, or the first of an array.
    case number(Double)
    /// A row of characters.
    case text(String)
    /// Anything else.
    case other
  }

  /// An array of structures with the same fields.
  struct Structures {
    /// The fields' names, in their order.
    let fields: [String]
    /// The fields' values, structure by structure.
    fileprivate let values: [Value]

    /// The number of structures.
    var count: Int { values.count / max(1, fields.count) }

    /// A field of a structure.
    func value(_ structure: Int, _ field: Int) -> Value { values[structure * fields.count + field] }
  }

  /// Element types.
  private enum Kind {
    static let (int8, uint8, int16, uint16, int32, uint32) = (1, 2, 3, 4, 5, 6)
    static let (single, double, int64, uint64) = (7, 9, 12, 13)
    static let (matrix, compressed, utf8, utf16) = (14, 15, 16, 17)
  }

  /// Matrix classes.
  private enum Class {
    static let (structure, characters) = (2, 4)
    /// double, single, and the integers of 8 to 64 bits.
    static let numbers = 6...15
  }

  private let bytes: [UInt8]

  /// Reads a file's bytes; nil if they do not start like a MATLAB file.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 128, bytes[124...127].elementsEqual([0, 1, 0x49, 0x4D]) else { return nil }
    self.bytes = bytes
  }

  /// Finds an array of structures by its name.
  /// - Parameters:
  ///   - name: The variable's name.
  ///   - largest: The largest size in bytes of an unpacked element.
  /// - Returns: The structures; nil if there are none with that name or they are damaged.
  func structures(named name: String, unpackingUpTo largest: Int) -> Structures? {
    var (rest, room) = (Elements(bytes[128...]), largest)
    while let (kind, content) = rest.next() {
      if kind == Kind.compressed {
        guard let unpacked = Self.unpack(content, upTo: room) else { return nil }
        room -= unpacked.count
        var inner = Elements(unpacked[...])
        guard let (kind, content) = inner.next(), kind == Kind.matrix else { return nil }
        if let found = Self.structures(content, named: name) { return found }
      } else if kind == Kind.matrix, let found = Self.structures(content, named: name) {
        return found
      }
    }
    return nil
  }

  // MARK: Elements

  /// The elements in a range of bytes.
  private struct Elements {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next element's type and content; nil at the end, or if it is incomplete.
    mutating func next() -> (kind: Int, content: ArraySlice<UInt8>)? {
      guard rest.count >= 8 else { return nil }
      let word = rest.number(at: 0, as: UInt32.self)
      // Up to four bytes may be stored in the tag, with their count in the upper half of the type.
      if word >> 16 != 0 {
        let size = Int(word >> 16)
        guard size <= 4 else { return nil }
        let content = rest.dropFirst(4).prefix(size)
        rest = rest.dropFirst(8)
        return (Int(word & 0xFFFF), content)
      }
      let size = Int(rest.number(at: 4, as: UInt32.self))
      guard size <= rest.count - 8 else { return nil }
      let content = rest.dropFirst(8).prefix(size)
      let isPadded = word != Kind.compressed
      rest = rest.dropFirst(8 + (isPadded ? (size + 7) / 8 * 8 : size))
      return (Int(word), content)
    }

    /// The content of the next element, if it has one of these types.
    mutating func next(_ kinds: Int...) -> ArraySlice<UInt8>? {
      next().flatMap { kinds.contains($0.kind) ? $0.content : nil }
    }
  }

  /// Decompresses an element with zlib; nil if it is damaged or becomes too large.
  private static func unpack(_ packed: ArraySlice<UInt8>, upTo largest: Int) -> [UInt8]? {
    var room = min(largest, max(1 << 12, 4 * packed.count))
    while true {
      var code = Z_OK
      let unpacked = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        var length = uLongf(room)
        code = packed.withUnsafeBufferPointer {
          uncompress(buffer.baseAddress, &length, $0.baseAddress, uLong($0.count))
        }
        count = code == Z_OK ? Int(length) : 0
      }
      if code == Z_OK { return unpacked }
      guard code == Z_BUF_ERROR, room < largest else { return nil }
      room = min(largest, 4 * room)
    }
  }

  // MARK: Matrices

  /// Reads the header that all matrices have: class, number of elements, name.
  private static func head(
    _ rest: inout Elements
  ) -> (kind: Int, count: Int, name: String)? {
    guard let flags = rest.next(Kind.uint32), flags.count == 8,
      let lengths = rest.next(Kind.int32), lengths.count >= 8, lengths.count % 4 == 0,
      let name = rest.next(Kind.int8)
    else { return nil }
    var count = 1
    for place in stride(from: 0, to: lengths.count, by: 4) {
      let length = Int(lengths.number(at: place, as: Int32.self))
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      guard length >= 0, !overflow else { return nil }
      count = product
    }
    // The class is the lowest byte of the flags.
    return (Int(flags[flags.startIndex]), count, String(decoding: name, as: UTF8.self))
  }

  /// The structures in a matrix with that name and class.
  private static func structures(_ content: ArraySlice<UInt8>, named name: String) -> Structures? {
    var rest = Elements(content)
    guard let (kind, count, ownName) = head(&rest), kind == Class.structure, ownName == name,
      let lengthBytes = rest.next(Kind.int32), lengthBytes.count == 4,
      let names = rest.next(Kind.int8)
    else { return nil }
    let length = Int(lengthBytes.number(at: 0, as: Int32.self))
    guard length > 0, names.count % length == 0, !names.isEmpty else { return nil }
    let fields = stride(from: 0, to: names.count, by: length).map { place in
      String(
        decoding: names.dropFirst(place).prefix(length).prefix { $0 != 0 }, as: UTF8.self)
    }
    // Each value takes at least 8 bytes.
    guard count <= content.count / 8 / fields.count else { return nil }
    var values: [Value] = []
    values.reserveCapacity(count * fields.count)
    for _ in 0..<(count * fields.count) {
      guard let content = rest.next(Kind.matrix) else { return nil }
      values.append(value(content))
    }
    return Structures(fields: fields, values: values)
  }

  private static func value(_ content: ArraySlice<UInt8>) -> Value {
    var rest = Elements(content)
    guard let (kind, count, _) = head(&rest), count > 0,
      let (type, data) = rest.next(), !data.isEmpty
    else { return .other }
    switch kind {
    case Class.characters: return text(data, type).map(Value.text) ?? .other
    case Class.numbers: return number(data, type).map(Value.number) ?? .other
    default: return .other
    }
  }

  private static func text(_ data: ArraySlice<UInt8>, _ type: Int) -> String? {
    switch type {
    case Kind.int8, Kind.uint8, Kind.utf8: String(decoding: data, as: UTF8.self)
    case Kind.uint16, Kind.utf16:
      String(
        decoding: stride(from: 0, to: data.count - 1, by: 2).map {
          data.number(at: $0, as: UInt16.self)
        }, as: UTF16.self)
    default: nil
    }
  }

  /// The first number; integers are stored in the smallest type that holds them, whatever the
  /// matrix's class.
  private static func number(_ data: ArraySlice<UInt8>, _ type: Int) -> Double? {
    func read<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
      data.count >= MemoryLayout<Number>.size ? data.number(at: 0, as: type) : nil
    }
    return switch type {
    case Kind.int8: read(Int8.self).map(Double.init)
    case Kind.uint8: read(UInt8.self).map(Double.init)
    case Kind.int16: read(Int16.self).map(Double.init)
    case Kind.uint16: read(UInt16.self).map(Double.init)
    case Kind.int32: read(Int32.self).map(Double.init)
    case Kind.uint32: read(UInt32.self).map(Double.init)
    case Kind.int64: read(Int64.self).map(Double.init)
    case Kind.uint64: read(UInt64.self).map(Double.init)
    case Kind.single: read(UInt32.self).map { Double(Float(bitPattern: $0)) }
    case Kind.double: read(UInt64.self).map(Double.init(bitPattern:))
    default: nil
    }
  }
}

extension ArraySlice<UInt8> {
  /// The little-endian number at an offset from the first byte, which must be in range.
  fileprivate func number<Number: FixedWidthInteger>(at place: Int, as type: Number.Type) -> Number
  {
    withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Number.self))
    }
  }
}
