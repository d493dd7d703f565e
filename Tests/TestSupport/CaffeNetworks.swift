/// Networks in the three formats of Caffe, written byte by byte with their layers' settings.
package struct CaffeNetworks {
  /// A layer: its type by the newest format's word, its settings by Caffe's words, its blobs'
  /// shapes and numbers.
  package struct Layer {
    /// Its name.
    package var name: String
    /// Its type, by the newest format's word.
    package var type: String
    /// Its settings that are integers.
    package var integers: [String: Int]
    /// Its other settings.
    package var floats: [String: Float]
    /// The shapes and numbers of its blobs.
    package var blobs: [(shape: [Int], values: [Float])]
    /// What it reads; nil for the first output of the layer before it.
    package var bottoms: [String]?
    /// Its outputs; nil for one of its name.
    package var tops: [String]?

    /// Makes a layer from its parts.
    package init(
      _ name: String, _ type: String, _ integers: [String: Int] = [:],
      _ floats: [String: Float] = [:],
      blobs: [(shape: [Int], values: [Float])] = [], bottoms: [String]? = nil,
      tops: [String]? = nil
    ) {
      (self.name, self.type, self.integers, self.floats) = (name, type, integers, floats)
      (self.blobs, self.bottoms, self.tops) = (blobs, bottoms, tops)
    }
  }

  /// The numbers of the settings in each type's message of the two newer formats.
  private static let fields: [String: [String: Int]] = [
    "Convolution": ["pad": 3, "kernel_size": 4, "group": 5, "stride": 6],
    "LRN": ["local_size": 1, "alpha": 2, "beta": 3, "norm_region": 4, "k": 5],
    "Pooling": ["pool": 1, "kernel_size": 2, "stride": 3, "pad": 4],
    "Dropout": ["dropout_ratio": 1, "scale_train": 2], "ReLU": ["negative_slope": 1],
  ]
  /// The same in the one message of 2013.
  private static let oldest = [
    "pad": 7, "kernel_size": 8, "group": 9, "stride": 10, "pool": 11, "local_size": 13, "alpha": 14,
    "beta": 15, "k": 22, "crop_size": 20, "scale": 17,
  ]

  /// The bytes of a .caffemodel of a generation: 0 for 2013, 1 for what came before 2014, 2 for
  /// now; with the lengths of its inputs, four for each.
  package static func model(
    _ layers: [Layer], generation: Int, inputs: [Int] = []
  ) -> [UInt8] {
    var net = ProtobufWire()
    net.add(1, "net")
    for length in inputs { net.add(4, length) }
    var previous = "data"
    for layer in layers {
      let bottoms = layer.bottoms ?? (layer.type == "Data" ? [] : [previous])
      let tops = layer.tops ?? [layer.name]
      var body = ProtobufWire()
      let old = generation < 2
      switch generation {
      case 0:
        let words = [
          "Convolution": "conv", "InnerProduct": "innerproduct", "LRN": "lrn", "Pooling": "pool",
          "ReLU": "relu", "Dropout": "dropout", "Softmax": "softmax", "Padding": "padding",
          "Data": "data", "SoftmaxWithLoss": "softmax_loss",
        ]
        var inner = ProtobufWire()
        inner.add(1, layer.name)
        inner.add(2, words[layer.type] ?? layer.type)
        add(layer, Self.oldest, to: &inner)
        for blob in layer.blobs {
          inner.add(50, CaffeFiles.blob(blob.shape, blob.values, isOld: true))
        }
        body.add(1, inner.bytes)
        for bottom in bottoms { body.add(2, bottom) }
        for top in tops { body.add(3, top) }
      default:
        let types = [
          "Convolution": 4, "InnerProduct": 14, "LRN": 15, "Pooling": 17, "ReLU": 18, "Dropout": 6,
          "Softmax": 20, "Data": 5, "Split": 22, "SoftmaxWithLoss": 21, "EuclideanLoss": 7,
          "HingeLoss": 28, "InfogainLoss": 13, "MultinomialLogisticLoss": 16,
          "SigmoidCrossEntropyLoss": 27,
        ]
        body.add(old ? 4 : 1, layer.name)
        if old { body.add(5, types[layer.type] ?? 0) } else { body.add(2, layer.type) }
        for bottom in bottoms { body.add(old ? 2 : 3, bottom) }
        for top in tops { body.add(old ? 3 : 4, top) }
        for blob in layer.blobs where layer.type != "Data" {
          body.add(old ? 6 : 7, CaffeFiles.blob(blob.shape, blob.values, isOld: old))
        }
        let numbers = [
          "Convolution": (10, 106), "LRN": (18, 118), "Pooling": (19, 121), "Dropout": (12, 108),
          "ReLU": (30, 123),
        ]
        if let (first, second) = numbers[layer.type] {
          var settings = ProtobufWire()
          add(layer, Self.fields[layer.type] ?? [:], to: &settings)
          body.add(old ? first : second, settings.bytes)
        }
        if layer.type == "Data" {
          var how = ProtobufWire()
          add(layer, ["crop_size": 3, "scale": 1], to: &how)
          if let mean = layer.blobs.first { how.add(5, mean.values, isPacked: false) }
          body.add(old ? 36 : 100, how.bytes)
        }
      }
      net.add(old ? 2 : 100, body.bytes)
      previous = tops.first ?? previous
    }
    return net.bytes
  }

  private static func add(_ layer: Layer, _ fields: [String: Int], to wire: inout ProtobufWire) {
    for (name, value) in layer.integers { if let field = fields[name] { wire.add(field, value) } }
    for (name, value) in layer.floats {
      if let field = fields[name] { wire.add(field, [value], isPacked: false) }
    }
  }

  /// bvlc_alexnet, or CaffeNet, which pools first; a number stands for the weights of each layer
  /// that has some.
  package static func alexNet(poolsFirst: Bool) -> [Layer] {
    let blob: [(shape: [Int], values: [Float])] = [([1], [1])]
    func conv(_ number: Int, _ settings: [String: Int]) -> [Layer] {
      [
        Layer("conv\(number)", "Convolution", settings, blobs: blob),
        Layer("relu\(number)", "ReLU"),
      ]
    }
    func normAndPool(_ number: Int) -> [Layer] {
      let norm = Layer("norm\(number)", "LRN", ["local_size": 5], ["alpha": 1e-4, "beta": 0.75])
      let pool = Layer("pool\(number)", "Pooling", ["kernel_size": 3, "stride": 2])
      return poolsFirst ? [pool, norm] : [norm, pool]
    }
    func connected(_ number: Int) -> [Layer] {
      [
        Layer("fc\(number)", "InnerProduct", blobs: blob), Layer("relu\(number)", "ReLU"),
        Layer("drop\(number)", "Dropout", [:], ["dropout_ratio": 0.5]),
      ]
    }
    return conv(1, ["kernel_size": 11, "stride": 4]) + normAndPool(1)
      + conv(2, ["kernel_size": 5, "pad": 2, "group": 2]) + normAndPool(2)
      + conv(3, ["kernel_size": 3, "pad": 1]) + conv(4, ["kernel_size": 3, "pad": 1, "group": 2])
      + conv(5, ["kernel_size": 3, "pad": 1, "group": 2])
      + [Layer("pool5", "Pooling", ["kernel_size": 3, "stride": 2])] + connected(6) + connected(7)
      + [Layer("fc8", "InnerProduct", blobs: blob), Layer("prob", "Softmax")]
  }
}
