package import Checkpoints
import Data
import Glibc
public import Images
package import Layers
import MPI
import ModelParallel
import Networks
public import System
import Tensors
package import Towers

/// A trained network that classifies pictures, in one process and without MPI.
///
/// ```swift
/// let classifier = try Classifier(opening: "runs/pets/checkpoints/step-00002000.safetensors")
/// let prediction = try classifier.classify(imageFile: "cat.jpg", crops: .ten)
/// for label in prediction.best(5) {
///   print(classifier.classNames[label], prediction.probabilities[label])
/// }
/// ```
///
/// Use from one thread at a time.
public final class Classifier {
  /// The network with its weights.
  package let network: Network
  /// How pictures are converted to its input, and the names of its classes.
  package let preprocessing: Preprocessing
  /// The largest number of crops that the network processes at once.
  public let batchSize: Int

  let input: Tensor
  private let kernel: CropKernel
  let team: ThreadTeam

  /// Opens a checkpoint and reads its weights.
  /// - Parameters:
  ///   - path: The checkpoint, a file of `RUN/checkpoints`.
  ///   - batchSize: The largest number of crops that the network processes at once; at least ten.
  ///   - threadsPerTower: The number of threads in each tower; nil for a share of the cores.
  /// - Throws: `Failure` (inputMissing, badData) if it is not a complete checkpoint.
  public convenience init(
    opening path: String, batchSize: Int = 10, threadsPerTower: Int? = nil
  ) throws(Failure) {
    try self.init(
      NetworkFile(opening: path), batchSize: max(batchSize, Crops.ten.rawValue),
      threadsPerTower: threadsPerTower)
  }

  /// Builds the network of a checkpoint and reads its weights; `gradientAt` names the layer whose
  /// maps are to be explained.
  ///
  /// A network for one crop at a time is computed more exactly: patches take the place of large
  /// tiles. Any other has room for ten, so that ranks which take few or many pictures at once find
  /// the same bits.
  /// - Throws: `Failure` (badData) if tensors are missing.
  package init(
    _ file: NetworkFile, batchSize: Int = 10, threadsPerTower: Int? = nil,
    algorithm: ConvolutionChoice = .automatic, precision: Precision = .fp32,
    gradientAt: String? = nil
  ) throws(Failure) {
    let specification = file.network
    let threads = threadsPerTower ?? max(1, Processors.own.threads / specification.towers)
    self.batchSize = batchSize == 1 ? 1 : max(batchSize, Crops.ten.rawValue)
    preprocessing = file.preprocessing
    network = try Network(
      specification, placement: Placement(towers: specification.towers, over: .alone),
      options: NetworkOptions(
        batchSize: self.batchSize, threadsPerTower: threads, seed: 0, isTrained: false,
        gradientAt: gradientAt, algorithm: algorithm, drawsInitialValues: false))
    try file.readWeights(into: network)
    if precision == .bf16 { network.keepNarrowWeights() }
    input = Tensor(
      self.batchSize, specification.inputSide, specification.inputSide, 3)
    kernel = CropKernel(
      mean: preprocessing.mean, side: specification.imageSide, inputSide: specification.inputSide,
      meanPlace: preprocessing.meanPlace)
    team = ThreadTeam(count: threads)
  }

  /// The names of the classes; a label is an index into this list.
  public var classNames: [String] { preprocessing.classNames }
  /// The height and width of the pictures that crops are taken from.
  public var imageSide: Int { network.specification.imageSide }

  /// Classifies a picture file.
  /// - Parameters:
  ///   - path: The file.
  ///   - crops: The crops of it to evaluate.
  ///   - resizing: How a non-square picture is made square; nil for the way of the training
  ///     pictures.
  /// - Returns: The prediction.
  /// - Throws: `Failure` (inputMissing, badData) if it cannot be read or is damaged.
  public func classify(
    imageFile path: String, crops: Crops = .centre, resizing: Resizing? = nil
  ) throws(Failure) -> Prediction {
    let picture = try SquarePicture(
      contentsOf: path, side: imageSide, resizing: resizing ?? preprocessing.resizing)
    return try classify([picture], crops: crops)[0]
  }

  /// Classifies pictures in batches.
  /// - Parameters:
  ///   - pictures: Squares of `imageSide` pixels.
  ///   - crops: The crops of each to evaluate.
  /// - Returns: One prediction per picture, in order.
  /// - Throws: `Failure` (usage) if a picture has another size.
  public func classify(
    _ pictures: [SquarePicture], crops: Crops = .centre
  ) throws(Failure) -> [Prediction] {
    let most = batchSize / crops.rawValue
    var predictions: [Prediction] = []
    while predictions.count < pictures.count {
      let part = pictures[predictions.count..<min(predictions.count + most, pictures.count)]
      try forward(Array(part), crops: crops)
      predictions += part.indices.map { number in
        let first = (number - part.startIndex) * crops.rawValue
        return prediction(ofCrops: first..<(first + crops.rawValue))
      }
    }
    return predictions
  }

  /// Computes the logits of pictures, which then are in the network crop by crop.
  /// - Parameters:
  ///   - pictures: Squares of `imageSide` pixels, with at most `batchSize` crops in all.
  ///   - crops: The crops of each to evaluate.
  /// - Throws: `Failure` (usage) if a picture has another size.
  package func forward(_ pictures: [SquarePicture], crops: Crops) throws(Failure) {
    let specification = network.specification
    let places = crops.places(side: imageSide, inputSide: specification.inputSide)
    precondition(pictures.count * places.count <= batchSize, "The crops must fit into the batch.")
    guard pictures.allSatisfy({ $0.side == imageSide }) else {
      throw Failure(
        .usage, "The network \(quoted(specification.name)) reads pictures of \(imageSide) pixels.")
    }
    let length = specification.inputSide * specification.inputSide * 3
    team.split(pictures.count * places.count) { range, _ in
      for number in range {
        let place = places[number % places.count]
        pictures[number / places.count].pixels.withUnsafeBufferPointer { pixels in
          kernel.cut(
            x: place.x, y: place.y, isMirrored: place.isMirrored, from: pixels,
            into: input.pointer + number * length)
        }
        preprocessing.adapt(input.pointer + number * length, count: length / 3)
      }
    }
    try run(crops: pictures.count * places.count)
  }

  /// Computes the logits of the first rows of `input`.
  func run(crops: Int) throws(Failure) {
    do {
      try network.forward(input, Pass(images: crops, isTraining: false))
    } catch { throw Self.sent(error) }
  }

  /// The logits of a crop in the last forward pass, by class.
  package func logits(ofCrop crop: Int) -> [Double] {
    network.logits.flatMap { tower in
      let classes = tower.count / batchSize
      return tower.elements[crop * classes..<(crop + 1) * classes].map { Double($0) }
    }
  }

  /// The last layer's input for a crop in the last forward pass: the features of the last hidden
  /// layer, tower by tower.
  package func features(ofCrop crop: Int) -> [Float] {
    lastHiddenOutputs.flatMap { output in
      let length = output.count / batchSize
      return Array(output.elements[crop * length..<(crop + 1) * length])
    }
  }

  /// The number of features per crop.
  package var featureCount: Int { lastHiddenOutputs.reduce(0) { $0 + $1.count / batchSize } }

  /// The last layer's input from each tower.
  private var lastHiddenOutputs: [Tensor] {
    let layers = network.specification.layers
    guard layers.count > 1 else { return [] }
    let name = layers[layers.count - 2].name
    return (0..<network.specification.towers).compactMap { network.output(of: name, tower: $0) }
  }

  /// The sum of the losses in the last forward pass, added as in training.
  package func lossSum(labels: [Int32]) throws(Failure) -> Double {
    let pass = Pass(images: labels.count, isTraining: false)
    do {
      return try network.softmax.score(network.logits, labels: labels, pass).lossSum
    } catch { throw Self.sent(error) }
  }

  static func sent(_ error: any Error) -> Failure {
    Failure(.internal, "A network in one process sent a message: \(error).")
  }

  /// The mean of the softmax outputs of some crops in the last forward pass.
  package func prediction(ofCrops crops: Range<Int>) -> Prediction {
    var sum = [Double](repeating: 0, count: network.specification.classes)
    for crop in crops {
      let logits = logits(ofCrop: crop)
      let largest = logits.max() ?? 0
      let exponentials = logits.map { exp($0 - largest) }
      let total = exponentials.reduce(0, +)
      for label in sum.indices { sum[label] += exponentials[label] / total }
    }
    return Prediction(probabilities: sum.map { $0 / Double(crops.count) })
  }
}
