import CProtobuf
import Networks

/// The layers of a Caffe file, in any of its three formats.
struct CaffeLayers {
  /// A layer, in the terms of the newest format.
  struct Layer {
    var name: String
    /// `Convolution`, `LRN`; empty if the file gives none.
    var type: String
    var bottoms: [String] = []
    var tops: [String] = []
    var kind: FileLayer.Kind?
    var isTransposed = false
    var blobs: [Caffe__BlobProto]
  }

  private(set) var layers: [Layer] = []
  private(set) var pictures = FilePictures()
  /// The format's name, if it is not the newest.
  private(set) var kind = ""
  /// The padding of a padding layer of 2013, which is added to the next convolution.
  private var padding = 0

  init(_ net: Caffe__NetParameter) {
    for layer in list(net.layers, net.n_layers) {
      kind =
        layer.layer == nil ? "in Caffe's format before 2014 (V1)" : "in Caffe's format of 2013 (V0)"
      if let old = layer.layer { add(old.pointee, in: layer) } else { add(layer) }
    }
    for layer in list(net.layer, net.n_layer) { add(layer) }
    let sides = list(net.input_dim, net.n_input_dim)
    if sides.count >= 4 { pictures.note(sides: sides.suffix(2).map { Int($0) }) }
    for shape in list(net.input_shape, net.n_input_shape) { note(shape) }
  }

  /// The layers from the pictures to the logits.
  /// - Parameter tensor: Finds a layer's weights or biases.
  /// - Returns: The layers; nil if a layer with weights has no type.
  func described(
    _ tensor: (_ layer: String, _ part: String) -> WeightTensor?
  ) -> [FileLayer]? {
    var found: [FileLayer] = []
    /// The blob that the next layer must read, and the original of each copied blob.
    var (current, copies): (String?, [String: String]) = (nil, [:])
    for layer in layers {
      let reads = layer.bottoms.map { copies[$0] ?? $0 }
      if layer.type.isEmpty {
        if layer.blobs.isEmpty { continue }
        return nil
      }
      switch layer.type.lowercased() {
      case let type where type.hasSuffix("data") || type == "input":
        current = layer.tops.first
        continue
      case "split", "flatten":
        for top in layer.tops { copies[top] = reads.first }
        continue
      case let type where type.hasSuffix("loss") || type.hasPrefix("softmax"):
        continue
      case "accuracy", "silence", "argmax":
        continue
      default: break
      }
      // Files without blob names list their layers in order.
      let isNext = reads.isEmpty || current.map { reads == [$0] } ?? (reads.count == 1)
      if let top = layer.tops.first { current = copies[top] ?? top }
      let kind = isNext ? layer.kind : .other("\(layer.type) of \(reads.joined(separator: ", "))")
      guard let kind else { continue }
      var layout = FileLayer.Layout()
      layout.isTransposed = layer.isTransposed
      found.append(
        FileLayer(
          name: layer.name, kind: kind, weights: tensor(layer.name, "weight"),
          biases: tensor(layer.name, "bias"), layout: layout))
    }
    return found
  }

  // MARK: The three formats

  private mutating func add(_ layer: Caffe__LayerParameter) {
    var result = Layer(
      name: text(layer.name), type: text(layer.type), bottoms: texts(layer.bottom, layer.n_bottom),
      tops: texts(layer.top, layer.n_top), blobs: list(layer.blobs, layer.n_blobs))
    result.isTransposed = layer.inner_product_param?.pointee.transpose == 1
    result.kind = kind(
      result.type, layer.convolution_param?.pointee, layer.pooling_param?.pointee,
      layer.lrn_param?.pointee, layer.dropout_param?.pointee, layer.relu_param?.pointee)
    if let how = layer.transform_param?.pointee { note(how) }
    if let input = layer.input_param?.pointee {
      for shape in list(input.shape, input.n_shape) { note(shape) }
    }
    layers.append(result)
  }

  private mutating func add(_ layer: Caffe__V1LayerParameter) {
    var result = Layer(
      name: text(layer.name), type: layer.has_type == 0 ? "" : Self.typeName(Int(layer.type)),
      bottoms: texts(layer.bottom, layer.n_bottom), tops: texts(layer.top, layer.n_top),
      blobs: list(layer.blobs, layer.n_blobs))
    result.isTransposed = layer.inner_product_param?.pointee.transpose == 1
    result.kind = kind(
      result.type, layer.convolution_param?.pointee, layer.pooling_param?.pointee,
      layer.lrn_param?.pointee, layer.dropout_param?.pointee, layer.relu_param?.pointee)
    if let how = layer.transform_param?.pointee { note(how) }
    for data in [layer.data_param, layer.image_data_param] {
      guard let how = data?.pointee else { continue }
      note(
        side: Int64(how.crop_size), scale: how.has_scale != 0 ? how.scale : nil,
        meanFile: text(how.mean_file))
    }
    layers.append(result)
  }

  private mutating func add(_ old: Caffe__V0LayerParameter, in layer: Caffe__V1LayerParameter) {
    let types = [
      "conv": "Convolution", "innerproduct": "InnerProduct", "lrn": "LRN", "pool": "Pooling",
      "relu": "ReLU", "dropout": "Dropout", "softmax": "Softmax", "softmax_loss": "SoftmaxWithLoss",
      "tanh": "TanH", "flatten": "Flatten", "split": "Split", "accuracy": "Accuracy",
      "data": "Data", "images": "ImageData", "window_data": "WindowData", "hdf5_data": "HDF5Data",
    ]
    let word = text(old.type)
    var result = Layer(
      name: text(old.name), type: types[word.lowercased()] ?? word,
      bottoms: texts(layer.bottom, layer.n_bottom), tops: texts(layer.top, layer.n_top),
      blobs: list(old.blobs, old.n_blobs))
    let window = FileWindow(
      size: Int(old.kernelsize), stride: Int(old.stride), padding: Int(old.pad))
    switch result.type {
    case "padding":
      padding = Int(old.pad)
      result.type = "Split"
    case "Convolution":
      var padded = window
      padded.padding += padding
      padded.paddingAfter += padding
      padding = 0
      result.kind = .convolution(padded, groups: Int(old.group))
    case "Pooling":
      var whole = window
      whole.roundsUp = true
      result.kind = Self.pooling(Int(old.pool), whole)
    case "LRN":
      result.kind = .responseNormalization(
        FileNorm(
          size: Int(old.local_size), scale: Double(old.alpha) / Double(max(1, old.local_size)),
          exponent: Double(old.beta), constant: Double(old.k)), parts: [])
    default: result.kind = kind(result.type, nil, nil, nil, nil, nil)
    }
    if result.type.hasSuffix("Data") {
      note(
        side: Int64(old.cropsize), scale: old.has_scale != 0 ? old.scale : nil,
        meanFile: text(old.meanfile))
    }
    layers.append(result)
  }

  // MARK: Settings

  /// What a type computes; nil if it does nothing at test.
  private func kind(
    _ type: String, _ convolution: Caffe__ConvolutionParameter?,
    _ pooling: Caffe__PoolingParameter?, _ norm: Caffe__LRNParameter?,
    _ dropout: Caffe__DropoutParameter?, _ relu: Caffe__ReLUParameter?
  ) -> FileLayer.Kind? {
    switch type {
    case "Convolution":
      return convolution.map { Self.convolution($0) } ?? .other("Convolution without settings")
    case "InnerProduct": return .fullyConnected
    case "ReLU" where (relu?.negative_slope ?? 0) != 0: return .other("leaky ReLU")
    case "Pooling":
      guard let pooling else { return .other("Pooling without settings") }
      func pair(_ both: UInt32, _ has: (Int32, Int32), _ parts: (UInt32, UInt32)) -> Int? {
        guard has.0 != 0 || has.1 != 0 else { return Int(both) }
        return parts.0 == parts.1 ? Int(parts.0) : nil
      }
      guard
        let size = pair(
          pooling.kernel_size, (pooling.has_kernel_h, pooling.has_kernel_w),
          (pooling.kernel_h, pooling.kernel_w)),
        let stride = pair(
          pooling.stride, (pooling.has_stride_h, pooling.has_stride_w),
          (pooling.stride_h, pooling.stride_w)),
        let pad = pair(
          pooling.pad, (pooling.has_pad_h, pooling.has_pad_w), (pooling.pad_h, pooling.pad_w))
      else { return .other("Pooling whose height and width differ") }
      let isGlobal = pooling.global_pooling != 0
      return Self.pooling(
        Int(pooling.pool),
        FileWindow(
          size: isGlobal ? nil : size, stride: stride, padding: pad,
          roundsUp: pooling.round_mode == 0))
    case "LRN":
      let (size, alpha, beta, k) =
        norm.map { (Int($0.local_size), Double($0.alpha), Double($0.beta), Double($0.k)) }
        ?? (5, 1, 0.75, 1)
      let isWithin = norm?.norm_region == 1
      // Caffe divides alpha by the number of summed values, and has no k within a map.
      let summed = Double(size) * (isWithin ? Double(size) : 1)
      let found = FileNorm(
        size: size, scale: alpha / max(1, summed), exponent: beta, constant: isWithin ? 1 : k)
      return isWithin ? .spatialNormalization(found) : .responseNormalization(found, parts: [])
    case "Dropout":
      guard let dropout, dropout.scale_train == 0 else { return nil }
      return .scaling(1 - Double(dropout.dropout_ratio))
    default:
      let plain = LayerSpecification.plainTypes.first { $0.caffeType == type }
      return plain.map { .plain($0.key) } ?? .other(type)
    }
  }

  private static func pooling(_ method: Int, _ window: FileWindow) -> FileLayer.Kind? {
    switch method {
    case 0: .maxPooling(window)
    case 1 where window.isIdentity: nil
    // Caffe's average includes the padding.
    case 1 where window.padding == 0: .averagePooling(window)
    case 1: .other("average pooling that counts its padding")
    default: .other("stochastic pooling")
    }
  }

  private static func convolution(_ settings: Caffe__ConvolutionParameter) -> FileLayer.Kind {
    func side(
      _ both: [UInt32], _ has: (Int32, Int32), _ parts: (UInt32, UInt32), _ usual: UInt32
    ) -> Int? {
      let all = has.0 != 0 || has.1 != 0 ? [parts.0, parts.1] : both.isEmpty ? [usual] : both
      return all.allSatisfy { $0 == all[0] } ? Int(all[0]) : nil
    }
    guard
      let size = side(
        list(settings.kernel_size, settings.n_kernel_size),
        (settings.has_kernel_h, settings.has_kernel_w), (settings.kernel_h, settings.kernel_w), 0),
      let stride = side(
        list(settings.stride, settings.n_stride), (settings.has_stride_h, settings.has_stride_w),
        (settings.stride_h, settings.stride_w), 1),
      let pad = side(
        list(settings.pad, settings.n_pad), (settings.has_pad_h, settings.has_pad_w),
        (settings.pad_h, settings.pad_w), 0)
    else { return .other("Convolution whose height and width differ") }
    guard list(settings.dilation, settings.n_dilation).allSatisfy({ $0 == 1 }) else {
      return .other("dilated Convolution")
    }
    return .convolution(
      FileWindow(size: size, stride: stride, padding: pad), groups: Int(settings.group))
  }

  private mutating func note(_ how: Caffe__TransformationParameter) {
    let values = list(how.mean_value, how.n_mean_value)
    // One value for all colours, or B, G and R as convert_imageset stores them.
    if values.count == 1 { pictures.meanColour = [values[0], values[0], values[0]] }
    if values.count == 3 { pictures.meanColour = values.reversed() }
    note(
      side: Int64(how.crop_size), scale: how.has_scale != 0 ? how.scale : nil,
      meanFile: text(how.mean_file))
  }

  private mutating func note(side: Int64, scale: Float?, meanFile: String) {
    if side > 0 { pictures.side = Int(side) }
    if let scale, scale.isFinite { pictures.factors = [scale, scale, scale] }
    if !meanFile.isEmpty { pictures.meanFile = meanFile }
  }

  private mutating func note(_ shape: Caffe__BlobShape) {
    let lengths = list(shape.dim, min(shape.n_dim, 8))
    if lengths.count == 4, lengths[1] == 3 {
      pictures.note(sides: lengths.suffix(2).map { Int($0) })
    }
  }

  /// The newest format's type name for a type number of the previous format.
  private static func typeName(_ number: Int) -> String {
    let names = [
      1: "Accuracy", 4: "Convolution", 5: "Data", 6: "Dropout", 7: "EuclideanLoss", 8: "Flatten",
      9: "HDF5Data", 12: "ImageData", 13: "InfogainLoss", 14: "InnerProduct", 15: "LRN",
      16: "MultinomialLogisticLoss", 17: "Pooling", 18: "ReLU", 20: "Softmax",
      21: "SoftmaxWithLoss", 22: "Split", 23: "TanH", 24: "WindowData",
      27: "SigmoidCrossEntropyLoss", 28: "HingeLoss", 29: "MemoryData", 30: "ArgMax",
      32: "DummyData", 36: "Silence",
    ]
    return names[number] ?? "type \(number)"
  }
}
