package import Checkpoints
import Networks
package import System

/// A tensor in a file of weights.
package struct WeightTensor: Equatable, Sendable {
  /// Its name in the file.
  package let name: String
  /// The lengths of its dimensions, the slowest first.
  package let shape: [Int]

  /// Makes a description from its parts.
  package init(name: String, shape: [Int]) {
    self.name = name
    self.shape = shape
  }
}

/// A file of weights, whatever its format: tensors by name, in 32-bit numbers, and what else it says of its network.
package protocol WeightSource: AnyObject {
  /// The file's path.
  var path: String { get }
  /// What kind of file it is, for messages where that matters; empty elsewhere.
  var kind: String { get }
  /// Names and shapes of the tensors of floating-point numbers, in the order of the file; names differ.
  var tensors: [WeightTensor] { get }
  /// Why other tensors cannot be read, by their names.
  var unreadable: [String: String] { get }
  /// The layers between the pictures and the softmax, in their order; nil if the file does not describe them.
  var layers: [FileLayer]? { get }
  /// What it says of the pictures.
  var pictures: FilePictures { get }
  /// Reads the numbers of one of `tensors`, in the order of C.
  /// - Throws: `Failure` (inputOutput, badData) if they cannot be read.
  func read(_ tensor: WeightTensor) throws(Failure) -> [Float]
  /// What the file says of the network that its weights are of; nil if it says nothing, as other programs' do.
  /// - Throws: `Failure` (badData) if that is not understood or its parts do not fit together.
  func described() throws(Failure) -> DescribedNetwork?
}

extension WeightSource {
  /// Nothing: the file is not one of ours.
  package func described() throws(Failure) -> DescribedNetwork? { nil }
}

extension WeightSource {
  /// The kind goes without saying.
  package var kind: String { "" }
  /// Nothing is unreadable.
  package var unreadable: [String: String] { [:] }
  /// No layers are described.
  package var layers: [FileLayer]? { nil }
  /// Nothing is said.
  package var pictures: FilePictures { FilePictures() }
}
