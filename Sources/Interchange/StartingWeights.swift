package import Checkpoints
import Layers
package import Networks
package import System
package import Towers

/// Pretrained weights in a file of any format, from which another network starts.
package struct StartingWeights {
  private let file: String
  private let reset: [String]
  private let classMap: ClassMap?

  /// - Parameters:
  ///   - file: The file.
  ///   - reset: Layers that start with their initial values all the same.
  ///   - classMap: Pairs of class names of the file and the dataset; nil if both must be the same.
  package init(_ file: String, reset: [String], classMap: ClassMap?) {
    (self.file, self.reset, self.classMap) = (file, reset, classMap)
  }

  /// Reads the weights of all layers except those that are reset; each rank keeps the kernels of
  /// its own towers.
  /// - Parameters:
  ///   - network: The network that is trained.
  ///   - classNames: The classes of the dataset that it is trained on.
  /// - Returns: Notes on the weights.
  /// - Throws: `Failure` (badData) if a tensor is missing, has another shape or is not finite,
  ///   (usage) if the file's classes differ from the dataset's.
  package func load(
    into network: Network, for classNames: [String]
  ) throws(Failure) -> StartingPoint {
    let source = try WeightFile.open(file)
    let described = try source.described()
    let classes = try classes(described, network.specification, classNames)
    let weights = try NetworkWeights(source, of: network.specification, but: Set(reset))
    var tensors: [String: NetworkTensor] = [:]
    for tensor in network.specification.tensors { tensors[tensor.name] = tensor }
    for parameter in network.parameters {
      guard let tensor = tensors[parameter.name], !reset.contains(tensor.layer) else { continue }
      let rows = classes.rows(of: tensor)
      let values = try values(of: tensor, in: weights, classes)
      let length = parameter.layout.kernelLength
      values.withUnsafeBufferPointer { values in
        for kernel in 0..<parameter.layout.kernels {
          let row = parameter.kernels.lowerBound + kernel
          parameter.layout.setKernel(
            kernel, of: parameter.value, from: values.start + (rows?[row] ?? row) * length)
        }
      }
      parameter.noteChange()
    }
    try checkUnused(weights)
    let pictures = try Self.preprocessing(
      described, source, network.specification, classNames)
    let decisions = try LayerComparison.decisions(of: network.specification, for: source)
    return StartingPoint(
      preprocessing: pictures.preprocessing,
      notices: [
        described.flatMap { Self.difference($0.network, network.specification, in: file) },
        classes.notice,
      ].compactMap(\.self) + weights.notes + decisions + pictures.statements)
  }

  /// Checks, without a network to fill, what `load` checks.
  package func check(
    _ network: NetworkSpecification, for classNames: [String]
  ) throws(Failure) {
    let source = try WeightFile.open(file)
    let described = try source.described()
    let classes = try classes(described, network, classNames)
    let weights = try NetworkWeights(source, of: network, but: Set(reset))
    for tensor in network.tensors where !reset.contains(tensor.layer) {
      _ = try values(of: tensor, in: weights, classes)
    }
    try checkUnused(weights)
    _ = try Self.preprocessing(described, source, network, classNames)
  }

  /// Checks that the file has no layers with weights that the network lacks, apart from those in the
  /// place of layers that are reset.
  private func checkUnused(_ weights: NetworkWeights) throws(Failure) {
    _ = try weights.checkUnused(but: Set(reset)) { layer in
      "If the network does not need them, make a checkpoint without them: alexnet import "
        + "\(quoted(file)) --leave-out \(layer)."
    }
  }

  /// The weights of a tensor: all kernels of the file.
  private func values(
    of tensor: NetworkTensor, in weights: NetworkWeights, _ classes: Classes
  ) throws(Failure) -> [Float] {
    let values: [Float]
    do throws(Failure) {
      values = try weights.read(tensor, rows: classes.rows(of: tensor).map { _ in classes.count })
    } catch {
      throw Failure(
        error.exitCode,
        error.message + " --reset \(tensor.layer) lets that layer begin with its initial values.")
    }
    try weights.checkFinite(tensor, values)
    return values
  }

  /// How the network of the weights differs from the one that starts with them, if it does.
  private static func difference(
    _ own: NetworkSpecification, _ network: NetworkSpecification, in file: String
  ) -> String? {
    let own = own.withClasses(network.classes)
    let pair = zip(own.layers, network.layers).first { $0.0 != $0.1 }
    guard pair != nil || own.layers.count != network.layers.count || own.towers != network.towers
    else { return nil }
    return
      "Warning: the weights in \(quoted(file)) belong to the network \(quoted(own.name)), but "
      + "\(quoted(network.name)) is trained"
      + (pair.map { ": the first layer that differs is \(quoted($0.0.name))" } ?? "")
      + ". Leave out --network to use the file's network."
  }

  /// The network of a file that describes it.
  /// - Throws: `Failure` (badData) if it is damaged.
  package static func network(
    in path: String
  ) throws(Failure) -> NetworkSpecification? {
    try WeightFile.open(path).described()?.network
  }

  /// How pictures must be read for the weights of a file: as the file says, unless the network says
  /// it too.
  /// - Throws: `Failure` (usage) if the two contradict each other, (badData) if the file is
  ///   damaged.
  package static func pictures(
    for network: NetworkSpecification, in path: String
  ) throws(Failure) -> PixelScaling? {
    guard let described = try WeightFile.open(path).described() else {
      return network.preprocessing
    }
    if let difference = described.pictureDifference(from: network) {
      throw Failure(
        .usage,
        "\(quoted(path)) describes its preprocessing: \(difference). Leave \"preprocessing\" out "
          + "of the network's description, or give the same.")
    }
    return network.preprocessing ?? described.network.preprocessing
  }

  // MARK: Classes

  /// The file's class for each kernel of the last layer.
  private struct Classes {
    /// The last layer, whose kernels correspond to classes.
    let layer: String?
    /// The file's kernel for each class of the dataset; nil if the order is the same.
    var rows: [Int]?
    /// The number of classes in the file.
    var count = 0
    var notice: String?

    /// The file's kernel for each of a tensor's; nil if the order is the same.
    func rows(of tensor: NetworkTensor) -> [Int]? { tensor.layer == layer ? rows : nil }
  }

  /// Checks that each kernel of the last layer keeps the class that it was trained for.
  private func classes(
    _ described: DescribedNetwork?, _ network: NetworkSpecification, _ names: [String]
  ) throws(Failure) -> Classes {
    let layer = network.tensors.last?.layer
    var classes = Classes(layer: layer)
    guard let layer, !reset.contains(layer) else {
      guard classMap == nil else {
        throw Failure(
          .usage,
          "--class-map and --reset of the last layer cannot be combined: a layer with initial "
            + "values has learnt no classes."
        )
      }
      return classes
    }
    let own = described?.preprocessing.classNames
    let isUnknown = own == nil || (described?.preprocessing.namesClasses == false && own != names)
    if let classMap {
      guard let own, !isUnknown else {
        throw Failure(
          .usage,
          "\(quoted(file)) does not name its classes, so --class-map has nothing to map; make a "
            + "checkpoint of it with 'alexnet import --classes' first.")
      }
      classes.rows = try classMap.places(of: names, in: own)
      classes.count = own.count
      return classes
    }
    if isUnknown {
      classes.notice =
        "Warning: \(quoted(file)) does not name its classes. They are assumed to be those of the "
        + "dataset, in the same order: the file's class 0 is \(quoted(names.first ?? "")) and so "
        + "on. If that is wrong, give --reset \(layer)."
      return classes
    }
    // If the numbers differ, the layer's shape is reported instead.
    guard let own, own.count == names.count,
      let difference = ClassMap.difference(own, in: quoted(file), names, in: "the dataset")
    else { return classes }
    throw Failure(
      .usage,
      "The weights of \(quoted(layer)) are for other classes: \(difference). Start the layer from "
        + "its initial values with --reset \(layer), or map the classes with --class-map FILE"
        + (own.sorted() == names.sorted() ? ", here --class-map \(ClassMap.byNameWord)." : "."))
  }

  // MARK: Pictures

  private static func preprocessing(
    _ described: DescribedNetwork?, _ source: any WeightSource, _ network: NetworkSpecification,
    _ classNames: [String]
  ) throws(Failure) -> (preprocessing: Preprocessing, statements: [String]) {
    guard let described else {
      do throws(Failure) {
        return try PictureChoice().preprocessing(
          for: network, classNames: classNames, of: source)
      } catch {
        throw Failure(
          error.exitCode,
          error.message + " That is for 'alexnet import': make a checkpoint of the file with it, "
            + "and start from that.")
      }
    }
    guard described.network.imageSide == network.imageSide else {
      throw Failure(
        .badData,
        "The network in \(quoted(source.path)) reads pictures of \(described.network.imageSide) "
          + "pixels, but \(quoted(network.name)) reads pictures of \(network.imageSide) pixels.")
    }
    var preprocessing = described.preprocessing
    preprocessing.classNames = classNames
    preprocessing.namesClasses = true
    let (order, factors) = (preprocessing.channelOrder, preprocessing.factors)
    guard order != .rgb || factors != [1, 1, 1] else { return (preprocessing, []) }
    return (
      preprocessing,
      [
        "Preprocessing is that of \(quoted(source.path)): \(order.rawValue), less the mean, times "
          + factors.map { plain($0) }.joined(separator: ", ") + "."
      ]
    )
  }
}
