import CProtobuf
public import Failures
import Glibc

/// The weights in a .caffemodel of Caffe, those of the format before 2014 (`layers`) and the later one (`layer`).
///
/// A layer's first blob are its weights and its second one its biases: `conv1.weight`, `conv1.bias`. The blobs of a
/// fully-connected layer had four dimensions in the older format; ones in front are left out.
public final class CaffeModel: WeightSource {
  /// Where the file is.
  public let path: String
  /// What the file calls the network.
  public let name: String
  /// Names and shapes, in the order of the layers.
  public let tensors: [WeightTensor]

  private let message: CaffeMessage<Caffe__NetParameter>
  private let blobs: [UnsafeMutablePointer<Caffe__BlobProto>]

  /// Opens a file.
  /// - Throws: `Failure` (inputMissing) where it cannot be opened, (badData) where it holds no weights, a layer twice
  ///   or blobs that are not as long as their shapes say.
  public init(opening path: String) throws(Failure) {
    self.path = path
    message = try CaffeMessage(
      path, "a .caffemodel", unpack: caffe__net_parameter__unpack,
      release: caffe__net_parameter__free_unpacked)
    let net = message.pointer.pointee
    name = net.name.map { String(cString: $0) } ?? ""
    var layers: [(name: String, blobs: [UnsafeMutablePointer<Caffe__BlobProto>])] = []
    func add(
      _ name: UnsafeMutablePointer<CChar>?, _ count: Int,
      _ blobs: UnsafeMutablePointer<UnsafeMutablePointer<Caffe__BlobProto>?>?
    ) {
      let blobs = UnsafeBufferPointer(start: blobs, count: count).compactMap { $0 }
      guard !blobs.isEmpty else { return }
      layers.append((name.map { String(cString: $0) } ?? "", blobs))
    }
    for layer in UnsafeBufferPointer(start: net.layers, count: net.n_layers) {
      if let layer { add(layer.pointee.name, layer.pointee.n_blobs, layer.pointee.blobs) }
    }
    for layer in UnsafeBufferPointer(start: net.layer, count: net.n_layer) {
      if let layer { add(layer.pointee.name, layer.pointee.n_blobs, layer.pointee.blobs) }
    }
    guard !layers.isEmpty else {
      throw Failure(
        .badData,
        "\(quoted(path)) holds no layer with weights; name a .caffemodel, not a .prototxt or a solver's state."
      )
    }
    var tensors: [WeightTensor] = []
    var found: [UnsafeMutablePointer<Caffe__BlobProto>] = []
    var names: Set<String> = []
    for layer in layers {
      guard names.insert(layer.name).inserted else {
        throw Failure(
          .badData, "\(quoted(path)) holds two layers \(quoted(layer.name)); it is damaged.")
      }
      for (place, blob) in layer.blobs.enumerated() {
        let name = layer.name + (place == 0 ? ".weight" : place == 1 ? ".bias" : ".\(place)")
        tensors.append(
          WeightTensor(name: name, shape: try CaffeBlob.shape(blob.pointee, name, path)))
        found.append(blob)
      }
    }
    self.tensors = tensors
    blobs = found
  }

  /// Reads the numbers of a blob.
  /// - Throws: `Failure` (badData) where there is none of that name.
  public func read(_ tensor: WeightTensor) throws(Failure) -> [Float] {
    guard let place = tensors.firstIndex(of: tensor) else {
      throw Failure(.badData, "\(quoted(path)) holds no tensor \(quoted(tensor.name)).")
    }
    return CaffeBlob.values(blobs[place].pointee)
  }
}

/// The mean image in a .binaryproto of Caffe.
public enum CaffeMean {
  /// Reads the mean image as rows x columns x R, G, B, in 0...255: Caffe keeps B, G, R, map after map.
  /// - Throws: `Failure` (inputMissing, badData) where there is none, or not of `side` x `side` pixels.
  public static func read(_ path: String, side: Int) throws(Failure) -> [Float] {
    let message = try CaffeMessage(
      path, "a .binaryproto", unpack: caffe__blob_proto__unpack,
      release: caffe__blob_proto__free_unpacked)
    let blob = message.pointer.pointee
    let shape = try CaffeBlob.shape(blob, "mean", path)
    guard shape == [3, side, side] else {
      throw Failure(
        .badData,
        "The mean in \(quoted(path)) has the shape \(shape); [3, \(side), \(side)] is expected.")
    }
    let values = CaffeBlob.values(blob)
    let area = side * side
    return (0..<area).flatMap { pixel in (0..<3).map { values[(2 - $0) * area + pixel] } }
  }
}

/// What a blob says of itself.
private enum CaffeBlob {
  /// The lengths of the dimensions, ones in front left out, which fit the numbers that are there.
  static func shape(
    _ blob: Caffe__BlobProto, _ name: String, _ path: String
  ) throws(Failure) -> [Int] {
    let lengths: [Int64] =
      if let shape = blob.shape {
        Array(UnsafeBufferPointer(start: shape.pointee.dim, count: min(shape.pointee.n_dim, 33)))
      } else {
        [blob.num, blob.channels, blob.height, blob.width].map { Int64($0) }
      }
    let count = max(blob.n_data, blob.n_double_data)
    var product = 1
    for length in lengths {
      let (next, overflow) = product.multipliedReportingOverflow(by: Int(length))
      guard length >= 0, !overflow else { product = -1; break }
      product = next
    }
    guard product == count, lengths.count <= 32, blob.n_data == 0 || blob.n_double_data == 0 else {
      throw Failure(
        .badData,
        "\(quoted(name)) in \(quoted(path)) has the shape \(lengths) and \(count) numbers; the file is damaged."
      )
    }
    return lengths.drop { $0 == 1 }.map { Int($0) }
  }

  static func values(_ blob: Caffe__BlobProto) -> [Float] {
    blob.n_data > 0
      ? Array(UnsafeBufferPointer(start: blob.data, count: blob.n_data))
      : UnsafeBufferPointer(start: blob.double_data, count: blob.n_double_data).map { Float($0) }
  }
}

/// A message that was read from a file, as long as it is needed.
private final class CaffeMessage<Message> {
  let pointer: UnsafeMutablePointer<Message>
  private let release:
    (UnsafeMutablePointer<Message>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void

  /// The largest file that is read: protobuf's own limit.
  private static var largest: Int { 1 << 31 }

  init(
    _ path: String, _ kind: String,
    unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) ->
      UnsafeMutablePointer<Message>?,
    release:
      @escaping (UnsafeMutablePointer<Message>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void
  ) throws(Failure) {
    let file = try RegularFile(path)
    defer { close(file.descriptor) }
    let length = file.length
    guard length > 0, length < Self.largest else {
      throw Failure(.badData, "\(quoted(path)) has \(length) bytes and is not \(kind).")
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 64)
    defer { bytes.deallocate() }
    let code = WholeTransfer.read(into: bytes, from: file.descriptor)
    guard code == 0 else {
      throw .system(.inputOutput, "\(quoted(path)) cannot be read", errno: code)
    }
    // A layer of two bytes becomes a struct of a hundred: what a small file can ask for is limited.
    let budget = MemoryBudget(8 * length + 1 << 20)
    var allocator = ProtobufCAllocator(
      alloc: { context, size in
        context.flatMap { Unmanaged<MemoryBudget>.fromOpaque($0).takeUnretainedValue().take(size) }
      },
      free: { _, memory in Glibc.free(memory) },
      allocator_data: Unmanaged.passUnretained(budget).toOpaque())
    let message = withExtendedLifetime(budget) {
      unpack(&allocator, length, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    guard let message else {
      throw Failure(.badData, "\(quoted(path)) is not \(kind), or not whole.")
    }
    pointer = message
    self.release = release
  }

  // Every block came from `malloc`, which protobuf-c's own allocator frees.
  deinit { release(pointer, nil) }
}

/// How much memory may still be asked for.
private final class MemoryBudget {
  private var rest: Int

  init(_ bytes: Int) { rest = bytes }

  func take(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size <= rest else { return nil }
    rest -= size
    return malloc(size)
  }
}
