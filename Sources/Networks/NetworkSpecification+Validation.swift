package import System

extension NetworkSpecification {
  /// Checks that a network can be built from the description.
  /// - Throws: `Failure` (badData) that names the layer, the number and what it should be.
  package func validate() throws(Failure) {
    func require(_ condition: Bool, _ complaint: @autoclosure () -> String) throws(Failure) {
      if !condition {
        throw Failure(.badData, "The network \(quoted(name)) cannot be built: \(complaint()).")
      }
    }
    func require(plain name: String, _ what: String) throws(Failure) {
      try require(
        (1...1000).contains(name.utf8.count) && !name.unicodeScalars.contains { $0.isControl },
        "\(what) is \(quoted(name)); take 1 to 1000 letters without control characters")
    }
    // Files in archives and folders are called after layers; '/' is in Caffe's names, conv1/7x7_s2.
    func require(layerName name: String, _ what: String) throws(Failure) {
      try require(plain: name, what)
      let isPlain = name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        part in
        !part.isEmpty && !part.hasPrefix(".")
          && part.allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) }
      }
      try require(
        isPlain,
        "\(what) is \(quoted(name)); take letters, digits, '.', '_' and '-', without '.' in front, "
          + "in parts between '/'")
    }
    try require(plain: name, "its 'name'")
    // Folders of runs and exported files are called after networks, and descriptions come from
    // others.
    try require(
      name.utf8.count <= 200 && !name.hasPrefix(".") && !name.utf8.contains(UInt8(ascii: "/")),
      "its 'name' is \(quoted(name)); take at most 200 letters, without '/' and without '.' in "
        + "front")
    try require((1...64).contains(towers), "'towers' is \(towers); 1 to 64 are allowed")
    try require(
      (1...4096).contains(inputSide), "'inputSide' is \(inputSide); 1 to 4096 are allowed")
    try require(
      (inputSide...8192).contains(imageSide),
      "'imageSide' is \(imageSide); 'inputSide' (\(inputSide)) to 8192 are allowed")
    try require(
      (2...1_000_000).contains(classes), "'classes' is \(classes); 2 to 1000000 are allowed")
    if let scaling = preprocessing {
      let (mean, deviation) = (scaling.mean ?? [0, 0, 0], scaling.deviation)
      try require(
        scaling.scale.isFinite && scaling.scale > 1e-9 && scaling.scale < 1e9,
        "the 'scale' of its 'preprocessing' is \(scaling.scale), not a positive number (1 for 0 to "
          + "255, 0.00392156862745098 for 0 to 1)")
      try require(
        mean.count == 3
          && mean.allSatisfy { $0.isFinite && abs($0 / scaling.scale) <= 255.5 },
        "the 'mean' of its 'preprocessing' is \(mean), not three numbers (R, G, B) from 0 to 255 x "
          + "'scale'"
      )
      try require(
        deviation.count == 3 && deviation.allSatisfy { $0.isFinite && $0 > 1e-9 && $0 < 1e9 },
        "the 'deviation' of its 'preprocessing' is \(deviation), not three positive numbers (R, G, "
          + "B)"
      )
    }
    try require(
      (1...1000).contains(layers.count), "it has \(layers.count) layers; 1 to 1000 are allowed")
    var (names, tensors): (Set<String>, Set<String>) = ([], [])
    for layer in layers {
      try require(layerName: layer.name, "the name of a layer")
      try require(
        names.insert(layer.name).inserted, "two layers are called \(quoted(layer.name))")
      if let tensor = layer.tensorName {
        try require(layerName: tensor, "the 'tensor' of layer \(quoted(layer.name))")
        try require(
          tensors.insert(tensor).inserted, "two layers have tensors called \(quoted(tensor))")
      }
      try validate(layer, require)
    }
    guard let last = layers[layers.count - 1].weights, last.isFullyConnected else {
      throw Failure(
        .badData,
        "The network \(quoted(name)) cannot be built: its last layer is not fully connected.")
    }
    try require(
      last.kernels == classes,
      "its last layer \(quoted(last.name)) has \(last.kernels) kernels for \(classes) classes")
    var total = 0
    let first = shapes(ofTower: 0)
    for tower in 0..<towers {
      for (shape, twin) in zip(shapes(ofTower: tower), first) {
        let name = shape.layer.name
        try require(
          shape.output.height > 0 && shape.output.width > 0 && shape.output.maps > 0,
          "layer \(quoted(name)) has no output, since its input is \(shape.inputs[0])")
        try require(
          shape.output.count < 1 << 28, "the output of layer \(quoted(name)) is too large")
        let complaint = shape.layer.traits.complaint(at: shape)
        try require(complaint == nil, "layer \(quoted(name)) \(complaint ?? "")")
        total += shape.parameters
        try require(total < 1 << 34, "it has more than 17 billion parameters")
        // All kernels of a layer are rows of one tensor in files.
        try require(
          shape.kernels.isEmpty
            || shape.parameters / shape.kernels.count == twin.parameters / twin.kernels.count,
          "layer \(quoted(name)) reads \(Self.text(shape.inputs)) in tower \(tower) and "
            + "\(Self.text(twin.inputs)) in tower 0; let it read all, or give the layers that it "
            + "reads as many kernels in each tower"
        )
      }
    }
  }

  private static func text(_ inputs: [MapShape]) -> String {
    inputs.map(\.description).joined(separator: " and ")
  }

  private func validate(
    _ layer: LayerSpecification,
    _ require: (Bool, @autoclosure () -> String) throws(Failure) -> Void
  ) throws(Failure) {
    let name = layer.name
    if case .listed(let lists) = layer.reads {
      try require(
        lists.count == towers,
        "'reads' of layer \(quoted(name)) has lists for \(lists.count) towers, but the network has "
          + "\(towers)"
      )
      for (tower, list) in lists.enumerated() {
        try require(
          Set(list).count == list.count && list.allSatisfy((0..<towers).contains)
            && list.contains(tower) && list == list.sorted(),
          "in 'reads' of layer \(quoted(name)) tower \(tower) reads \(list); list different towers "
            + "from 0 to \(towers - 1), in order, the tower itself among them")
      }
    }
    let complaint = layer.traits.complaint(towers: towers)
    try require(complaint == nil, "layer \(quoted(name)) \(complaint ?? "")")
  }
}
