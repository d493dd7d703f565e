import CProtobuf
import Safetensors
import System

/// A Caffe blob: its shape without leading ones, and its numbers.
struct CaffeBlob {
  let shape: [Int]
  private let blob: Caffe__BlobProto

  /// Reads a blob's description; the numbers stay in the message.
  /// - Throws: `Failure` (badData) if the number of values differs from the shape, or their type is
  ///   unknown.
  init(_ blob: Caffe__BlobProto, _ name: String, _ path: String) throws(Failure) {
    self.blob = blob
    let lengths: [Int64] =
      if let shape = blob.shape {
        Array(UnsafeBufferPointer(start: shape.pointee.dim, count: min(shape.pointee.n_dim, 33)))
      } else {
        [blob.num, blob.channels, blob.height, blob.width].map { Int64($0) }
      }
    var raw = 0
    if blob.has_raw_data != 0 {
      guard let format = Self.rawFormat(blob), blob.raw_data.len % format.byteCount == 0 else {
        throw Failure(
          .badData,
          "\(quoted(name)) in \(quoted(path)) has raw_data of NVIDIA's type \(blob.raw_data_type); "
            + "0, 1 and 2 (floating point of 64, 32 and 16 bits) are read.")
      }
      raw = blob.raw_data.len / format.byteCount
    }
    let counts = [blob.n_data, blob.n_double_data, raw]
    let count = counts.max() ?? 0
    guard elementCount(lengths) == count, lengths.count <= 32, counts.count(where: { $0 > 0 }) <= 1
    else {
      throw Failure(
        .badData,
        "\(quoted(name)) in \(quoted(path)) has the shape \(lengths) and \(count) numbers; the "
          + "file is damaged."
      )
    }
    shape = lengths.drop { $0 == 1 }.map { Int($0) }
  }

  /// The numbers as 32-bit floats.
  var values: [Float] {
    if blob.n_data > 0 { return list(blob.data, blob.n_data) }
    if blob.n_double_data > 0 {
      return list(blob.double_data, blob.n_double_data).map { Float($0) }
    }
    return Self.rawFormat(blob)?.floats(list(blob.raw_data.data, blob.raw_data.len)) ?? []
  }

  /// How many of the numbers 32 bits cannot hold.
  var countTooLarge: Int {
    if blob.n_data > 0 { return 0 }
    if blob.n_double_data > 0 {
      return list(blob.double_data, blob.n_double_data).count {
        $0.isFinite && !Float($0).isFinite
      }
    }
    return Self.rawFormat(blob)?.countTooLarge(list(blob.raw_data.data, blob.raw_data.len)) ?? 0
  }

  private static func rawFormat(_ blob: Caffe__BlobProto) -> NumberFormat? {
    switch blob.raw_data_type {
    case 0: .float64
    case 1: .float32
    case 2: .float16
    default: nil
    }
  }
}
