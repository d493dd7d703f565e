import Safetensors
import System

/// The header of a .npy file.
///
/// It consists of a magic word, a version, a length, and a Python dictionary with the type of the
/// numbers, their order and the shape
/// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
struct NumPyHeader: Equatable {
  /// The type of the numbers, little-endian.
  let format: NumberFormat
  /// The lengths of the dimensions, the slowest first.
  let shape: [Int]
  /// The number of elements, the product of the shape.
  let count: Int
  /// Whether the first dimension is the fastest.
  let isFortran: Bool

  /// The bytes in front of the dictionary's length.
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The longest dictionary to read: numpy itself accepts 10,000 characters.
  private static let longest = 10_000
  /// NumPy's names of the supported types.
  private static let types: [(name: String, format: NumberFormat)] = [
    ("<f4", .float32), ("<f8", .float64), ("<f2", .float16), ("|u1", .uint8),
  ]

  private init(format: NumberFormat, shape: [Int], count: Int, isFortran: Bool) {
    self.format = format
    self.shape = shape
    self.count = count
    self.isFortran = isFortran
  }

  /// A header for numbers in C order.
  init(_ format: NumberFormat, shape: [Int]) {
    self.format = format
    self.shape = shape
    count = shape.reduce(1, *)
    isFortran = false
  }

  /// The header's bytes at the start of a file, in version 1.0; the numbers begin at a multiple of
  /// 64.
  var encoded: [UInt8] {
    guard let type = Self.types.first(where: { $0.format == format })?.name else {
      preconditionFailure("The numbers must be of a type that NumPy has, not \(format.rawValue).")
    }
    let lengths = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array(
      "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(lengths)), }".utf8)
    while (Self.magic.count + 4 + text.count) % 64 != 63 { text.append(UInt8(ascii: " ")) }
    text.append(UInt8(ascii: "\n"))
    let length = [
      UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8),
    ]
    return Self.magic + [1, 0] + length + text
  }

  /// Why a file has no supported header.
  struct Problem: Error {
    /// A clause: "it ends early".
    let text: String
  }

  /// Reads a header.
  /// - Parameters:
  ///   - name: The file, for messages.
  ///   - read: Returns the next bytes of the file; fewer than asked for at its end.
  /// - Throws: `Failure` (badData) if there is none, or the type of the numbers is not supported,
  ///   and what `read` throws.
  init(
    _ name: String, _ read: (_ count: Int) throws(Failure) -> [UInt8]
  ) throws(Failure) {
    switch try Self.read(read) {
    case .success(let header): self = header
    case .failure(let problem):
      throw Failure(
        .badData, "\(name) is not a NumPy array that can be read: \(problem.text).")
    }
  }

  /// Reads a header.
  /// - Parameter read: Returns the next bytes of the file; fewer than asked for at its end.
  /// - Returns: The header, or the reason why it is not supported.
  /// - Throws: What `read` throws.
  static func read(
    _ read: (_ count: Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> Result<NumPyHeader, Problem> {
    func wrong(_ what: String) -> Result<NumPyHeader, Problem> { .failure(Problem(text: what)) }
    let start = try read(Self.magic.count + 2)
    guard start.count == Self.magic.count + 2, start.starts(with: Self.magic) else {
      return wrong("it does not begin with NumPy's mark")
    }
    let version = start[Self.magic.count]
    guard (1...3).contains(version) else {
      return wrong("it has format version \(version); only versions 1 to 3 are read")
    }
    let lengthBytes = try read(version == 1 ? 2 : 4)
    guard lengthBytes.count == (version == 1 ? 2 : 4) else { return wrong("it ends early") }
    let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.longest else { return wrong("its header claims \(length) bytes") }
    let text = try read(length)
    guard text.count == length else { return wrong("it ends early") }
    guard let fields = PythonDictionary(text) else { return wrong("its header is damaged") }
    guard case .text(let type)? = fields["descr"],
      let format = Self.types.first(where: { $0.name == type })?.format
    else {
      return wrong(
        "its numbers are not 16, 32 or 64-bit floating point, little-endian; save "
          + "array.astype('<f4')"
      )
    }
    guard case .truth(let isFortran)? = fields["fortran_order"] else {
      return wrong("it does not say in which order its numbers are")
    }
    guard case .numbers(let shape)? = fields["shape"] else { return wrong("it has no shape") }
    var size = format.byteCount
    for length in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: length)
      guard !overflow else { return wrong("the shape \(shape) is impossible") }
      size = product
    }
    return .success(
      NumPyHeader(
        format: format, shape: shape, count: size / format.byteCount, isFortran: isFortran))
  }

  /// The numbers in C order, the last dimension fastest.
  func floats(_ bytes: [UInt8]) -> [Float] {
    let values = format.floats(bytes)
    guard isFortran, shape.count > 1 else { return values }
    // The distances in the file between neighbours along each dimension.
    let steps = shape.indices.map { shape[..<$0].reduce(1, *) }
    var place = [Int](repeating: 0, count: shape.count)
    var from = 0
    return values.indices.map { _ in
      defer {
        for axis in shape.indices.reversed() {
          place[axis] += 1
          from += steps[axis]
          guard place[axis] == shape[axis] else { break }
          from -= steps[axis] * shape[axis]
          place[axis] = 0
        }
      }
      return values[from]
    }
  }
}

/// The Python values that a header can hold.
private enum PythonValue {
  case text(String)
  case truth(Bool)
  case numbers([Int])
}

/// A dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
private struct PythonDictionary {
  private var values: [String: PythonValue] = [:]

  subscript(key: String) -> PythonValue? { values[key] }

  init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    func skipSpace() {
      while let byte = rest.first, byte == 0x20 || byte == 0x0A { rest.removeFirst() }
    }
    func take(_ letter: Character) -> Bool {
      skipSpace()
      guard let byte = rest.first, byte == letter.asciiValue else { return false }
      rest.removeFirst()
      return true
    }
    func text() -> String? {
      skipSpace()
      guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
        let end = rest.dropFirst().firstIndex(of: quote)
      else { return nil }
      defer { rest = rest[(end + 1)...] }
      return String(validating: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
    }
    func number() -> Int? {
      skipSpace()
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      rest = rest[digits.endIndex...]
      // The long integers of Python 2.
      if rest.first == UInt8(ascii: "L") { rest.removeFirst() }
      return Int(String(decoding: digits, as: UTF8.self))
    }
    func value() -> PythonValue? {
      if let text = text() { return .text(text) }
      for (word, truth) in [("True", true), ("False", false)] where rest.starts(with: word.utf8) {
        rest.removeFirst(word.utf8.count)
        return .truth(truth)
      }
      guard take("(") else { return nil }
      var numbers: [Int] = []
      while !take(")") {
        guard numbers.count < 32, let next = number() else { return nil }
        numbers.append(next)
        guard take(",") else { return take(")") ? .numbers(numbers) : nil }
      }
      return .numbers(numbers)
    }
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = text(), take(":"), let value = value(), values[key] == nil else { return nil }
      values[key] = value
      guard take(",") else {
        guard take("}") else { return nil }
        break
      }
    }
    skipSpace()
    guard rest.isEmpty else { return nil }
  }
}
