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
    /// What a data layer says about the pictures.
    var pictures = FilePictures()
  }

  private(set) var layers: [Layer] = []
  /// The height and width of the input; empty if the network does not give them.
  private var sides: [Int] = []
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
    // Of several inputs the pictures are the first.
    let lengths = list(net.input_dim, net.n_input_dim)
    if lengths.count >= 4 { sides = lengths[2..<4].map { Int($0) } }
    let shaped = FilePictures.sides(list(net.input_shape, net.n_input_shape))
    if !shaped.isEmpty { sides = shaped }
  }

  /// Follows the layers from the pictures to the logits.
  /// - Parameter tensor: Finds weights or biases by their name.
  /// - Returns: The layers, nil if a layer with weights has no type; and what is said about the
  ///   pictures by the source that the first of them reads.
  func described(
    _ tensor: (_ name: String) -> WeightTensor?
  ) -> (layers: [FileLayer]?, pictures: FilePictures) {
    var found: [FileLayer] = []
    /// The blob that the next layer must read, and the original of each copied blob.
    var (current, copies): (String?, [String: String]) = (nil, [:])
    /// What is said about the pictures by what makes each blob that comes from outside.
    var sources: [String: FilePictures] = [:]
    var pictures = self.pictures(of: nil)
    /// The last softmax of the logits, with which the network should end, and the blob that it makes.
    var softmax: (name: String, top: String?)?
    var losses: [(name: String, type: String, reads: [String])] = []
    let hasBlobNames = layers.contains { !$0.bottoms.isEmpty }
    for layer in layers {
      let reads = layer.bottoms.map { copies[$0] ?? $0 }
      if layer.type.isEmpty {
        if layer.blobs.isEmpty { continue }
        return (nil, pictures)
      }
      let readsSource = reads.count == 1 && (sources.isEmpty || sources[reads[0]] != nil)
      // Files without blob names list their layers in order.
      let readsSoftmax = softmax.map { reads.isEmpty || reads == [$0.top] } ?? false
      let isNext = reads.isEmpty || readsSoftmax || current.map { reads == [$0] } ?? readsSource
      // Pictures and labels may come from layers of any type.
      let isSource =
        hasBlobNames && reads.isEmpty && layer.blobs.isEmpty && layer.kind == .other(layer.type)
      switch layer.type.lowercased() {
      case let type where type.hasSuffix("data") || type == "input" || isSource:
        for top in layer.tops { sources[top] = layer.pictures }
        continue
      case "split", "flatten":
        for top in layer.tops { copies[top] = reads.first }
        continue
      case "softmax" where !readsSoftmax:
        // Beside the layers it may show what another one is good for.
        if isNext { softmax = (layer.name, layer.tops.first.map { copies[$0] ?? $0 }) }
        continue
      case let type where type.hasSuffix("loss") || type.hasPrefix("softmax") && type != "softmax":
        losses.append((layer.name, layer.type, reads))
        continue
      case "accuracy", "silence", "argmax":
        continue
      default: break
      }
      if current == nil, let read = reads.first { pictures = self.pictures(of: sources[read]) }
      if let top = layer.tops.first { current = copies[top] ?? top }
      guard let kind = isNext ? layer.kind : .branch(type: layer.type, reads: reads) else {
        if readsSoftmax { softmax?.top = current }
        continue
      }
      if readsSoftmax, let softmax {
        found.append(FileLayer(name: softmax.name, kind: .other("Softmax before other layers")))
      }
      softmax = nil
      var layout = FileLayer.Layout()
      layout.isTransposed = layer.isTransposed
      found.append(
        FileLayer(
          name: layer.name, kind: kind, weights: tensor(layer.name + ".weight"),
          biases: tensor(layer.name + ".bias"), layout: layout))
    }
    // A loss of anything but the last layer's output, as of features, only serves training.
    let ends = losses.filter { loss in
      loss.reads.isEmpty || current.map(loss.reads.contains) ?? true
    }
    if softmax == nil, let loss = ends.first, !ends.contains(where: { Self.isOfSoftmax($0.type) }) {
      found.append(FileLayer(name: loss.name, kind: .other(loss.type)))
    }
    return (found, pictures)
  }

  /// What a source and the network itself say about the pictures; without a source, what the last
  /// layer says that says anything.
  private func pictures(of source: FilePictures?) -> FilePictures {
    var pictures =
      source ?? layers.last { $0.pictures != FilePictures() }?.pictures ?? FilePictures()
    pictures.note(sides: sides)
    return pictures
  }

  /// Whether a loss is one of probabilities that a softmax makes.
  private static func isOfSoftmax(_ type: String) -> Bool {
    let word = type.lowercased().replacing("_", with: "")
    return ["softmax", "multinomiallogistic", "infogain"].contains { word.contains($0) }
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
    if let how = layer.transform_param?.pointee { result.pictures.note(how) }
    result.pictures.noteCrops(ofType: result.type)
    if let input = layer.input_param?.pointee {
      result.pictures.note(sides: FilePictures.sides(list(input.shape, input.n_shape)))
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
    if let how = layer.transform_param?.pointee { result.pictures.note(how) }
    for data in [layer.data_param, layer.image_data_param] {
      guard let how = data?.pointee else { continue }
      result.pictures.note(
        side: Int64(how.crop_size), scale: how.has_scale != 0 ? how.scale : nil,
        meanFile: text(how.mean_file))
    }
    result.pictures.noteCrops(ofType: result.type)
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
      result.pictures.note(
        side: Int64(old.cropsize), scale: old.has_scale != 0 ? old.scale : nil,
        meanFile: text(old.meanfile))
    }
    result.pictures.noteCrops(ofType: result.type)
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
