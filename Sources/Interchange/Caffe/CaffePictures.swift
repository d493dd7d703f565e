import CProtobuf

/// What the settings of Caffe's data layers say about pictures.
extension FilePictures {
  /// Records what is done to pixels.
  mutating func note(_ how: Caffe__TransformationParameter) {
    let values = list(how.mean_value, how.n_mean_value)
    // One value for all colours, or one for each.
    if values.count == 1 { meanColour = [values[0], values[0], values[0]] }
    if values.count == 3 { meanColour = values }
    note(
      side: Int64(how.crop_size), scale: how.has_scale != 0 ? how.scale : nil,
      meanFile: text(how.mean_file))
  }

  /// Records the crop, the factor and the mean image.
  mutating func note(side: Int64, scale: Float?, meanFile: String) {
    if side > 0 { self.side = Int(side) }
    if let scale, scale.isFinite { factors = [scale, scale, scale] }
    if !meanFile.isEmpty { self.meanFile = meanFile }
  }

  /// Records that a layer which reads stored pictures cuts no crops out of them.
  mutating func noteCrops(ofType type: String) {
    areWhole = ["Data", "ImageData"].contains(type) && side == nil
  }

  /// The height and width of the first of several inputs that has three colours; empty if none has.
  static func sides(_ shapes: [Caffe__BlobShape]) -> [Int] {
    for shape in shapes {
      let lengths = list(shape.dim, min(shape.n_dim, 8))
      if lengths.count == 4, lengths[1] == 3 { return lengths[2...].map { Int($0) } }
    }
    return []
  }
}
