import System

/// How numbers travel between ranks; they are computed with in 32 bits.
package enum WireFormat: String, Codable, CaseIterable, Sendable {
  /// As they are: 4 bytes a number.
  case fp32
  /// The upper half of a float, rounded to even: its range with 8 bits of precision.
  case bf16
  /// IEEE binary16: 11 bits of precision. Each message carries a power of two that brings its
  /// largest number to 2^14, so that small gradients do not vanish.
  case fp16

  /// The elements of 16 bits that `count` numbers take; 0 where they travel as they are.
  func length(of count: Int) -> Int {
    switch self {
    case .fp32: 0
    case .bf16: count
    case .fp16: count + 2
    }
  }

  /// The bytes of a message of `count` numbers.
  package func bytes(of count: Int) -> Int {
    self == .fp32 ? count * MemoryLayout<Float>.stride : length(of: count) * 2
  }

  /// What a receiver reads of these numbers.
  package func received(_ numbers: [Float]) -> [Float] {
    guard self != .fp32, !numbers.isEmpty else { return numbers }
    var message = [UInt16](repeating: 0, count: length(of: numbers.count))
    var result = numbers
    message.withUnsafeMutableBufferPointer { message in
      numbers.withUnsafeBufferPointer { encode($0, into: message.start) }
      result.withUnsafeMutableBufferPointer { decode(message.start, into: $0) }
    }
    return result
  }

  /// Writes numbers as they travel.
  func encode(_ numbers: UnsafeBufferPointer<Float>, into message: UnsafeMutablePointer<UInt16>) {
    switch self {
    case .fp32: break
    case .bf16: HalfPrecision.encodeBrain(numbers, into: message)
    case .fp16:
      let scale = HalfPrecision.scale(of: numbers)
      message[0] = UInt16(truncatingIfNeeded: (1 / scale).bitPattern)
      message[1] = UInt16(truncatingIfNeeded: (1 / scale).bitPattern >> 16)
      HalfPrecision.encode(numbers, scale: scale, into: message + 2)
    }
  }

  /// Reads numbers from what travelled.
  func decode(
    _ message: UnsafePointer<UInt16>, into numbers: UnsafeMutableBufferPointer<Float>
  ) {
    switch self {
    case .fp32: break
    case .bf16: HalfPrecision.decodeBrain(message, into: numbers)
    case .fp16:
      let scale = Float(bitPattern: UInt32(message[0]) | UInt32(message[1]) << 16)
      HalfPrecision.decode(message + 2, scale: scale, into: numbers)
    }
  }
}

/// What travels in which format.
package struct WireFormats: Codable, Equatable, Sendable {
  /// Feature maps, on the way forward.
  package var activations: WireFormat
  /// Gradients by feature maps and by weights, on the way back.
  package var gradients: WireFormat

  /// Makes formats; everything travels as it is unless told otherwise.
  package init(activations: WireFormat = .fp32, gradients: WireFormat = .fp32) {
    self.activations = activations
    self.gradients = gradients
  }
}
