/// Files of Caffe, written byte by byte.
package enum CaffeFiles {
  /// A blob with the shape of later files, or with the four lengths of older ones.
  package static func blob(
    _ shape: [Int], _ values: [Float], isOld: Bool = false, isPacked: Bool = true
  ) -> [UInt8] {
    var blob = ProtobufWire()
    if isOld {
      let lengths = [Int](repeating: 1, count: max(0, 4 - shape.count)) + shape
      for (place, length) in lengths.enumerated() { blob.add(1 + place, length) }
      blob.add(5, values, isPacked: isPacked)
    } else {
      // The numbers first: the order of fields is free.
      blob.add(5, values, isPacked: isPacked)
      var lengths = ProtobufWire()
      lengths.add(1, shape.flatMap { ProtobufWire.varint(UInt64(bitPattern: Int64($0))) })
      blob.add(7, lengths.bytes)
    }
    return blob.bytes
  }

  /// A network of layers with blobs; `isOld` takes the format before 2014.
  ///
  /// A layer without a type is not described.
  package static func model(
    _ layers: [(name: String, type: String, blobs: [[UInt8]])], isOld: Bool = false
  ) -> [UInt8] {
    var net = ProtobufWire()
    net.add(1, "AlexNet")
    for (name, type, blobs) in layers {
      var layer = ProtobufWire()
      layer.add(isOld ? 4 : 1, name)
      layer.add(isOld ? 2 : 3, "data")
      if !type.isEmpty {
        // The number of a fully-connected layer, or of a convolution.
        if isOld { layer.add(5, type == "InnerProduct" ? 14 : 4) } else { layer.add(2, type) }
      }
      for blob in blobs { layer.add(isOld ? 6 : 7, blob) }
      // A field that is not known here, as concat_param is.
      layer.add(isOld ? 9 : 104, [8, 96])
      net.add(isOld ? 2 : 100, layer.bytes)
    }
    return net.bytes
  }

  /// Two layers with weights, conv1 and fc8, after one without.
  package static func small(isOld: Bool) -> [UInt8] {
    model(
      [
        ("data", "", []),
        (
          "conv1", "",
          [
            blob([2, 1, 1, 2], [1, 2, 3, 4], isOld: isOld),
            blob([2], [0.5, -0.5], isOld: isOld, isPacked: false),
          ]
        ),
        (
          "fc8", "",
          [blob([2, 3], [1, 2, 3, 4, 5, 6], isOld: isOld), blob([2], [7, 8], isOld: isOld)]
        ),
      ], isOld: isOld)
  }
}
