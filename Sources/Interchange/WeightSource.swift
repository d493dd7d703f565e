package import Checkpoints
import Networks
package import System

/// A tensor in a file of weights.
package struct WeightTensor: Equatable, Sendable {
  /// Its name in the file.
  package let name: String
  /// The lengths of its dimensions, the slowest first.
  package let shape: [Int]

  package init(name: String, shape: [Int]) {
    self.name = name
    self.shape = shape
  }
}

/// A file of weights in any format: named tensors as 32-bit numbers, and what the file says about
/// its network.
package protocol WeightSource: AnyObject {
  /// The file's path.
  var path: String { get }
  /// The kind of file for messages, if it matters; otherwise empty.
  var kind: String { get }
  /// Names and shapes of the tensors of floating-point numbers, in the order of the file; names
  /// differ.
  var tensors: [WeightTensor] { get }
  /// Why other tensors cannot be read, by name.
  var unreadable: [String: String] { get }
  /// The layers between the input and the softmax, in order; nil if the file does not describe
  /// them.
  var layers: [FileLayer]? { get }
  /// What the file says about the pictures.
  var pictures: FilePictures { get }
  /// Reads the numbers of one of `tensors`, in C order.
  /// - Throws: `Failure` (inputOutput, badData) if they cannot be read.
  func read(_ tensor: WeightTensor) throws(Failure) -> [Float]
  /// Counts the finite numbers of one of `tensors` that 32 bits cannot hold, which `read` makes
  /// infinite.
  /// - Throws: `Failure` (inputOutput, badData) if they cannot be read.
  func countTooLarge(_ tensor: WeightTensor) throws(Failure) -> Int
  /// What the file says about the network of its weights; nil if it says nothing, like those of
  /// other programs.
  /// - Throws: `Failure` (badData) if that is invalid or inconsistent.
  func described() throws(Failure) -> DescribedNetwork?
}

extension WeightSource {
  /// Nil: the file is not one of ours.
  package func described() throws(Failure) -> DescribedNetwork? { nil }
}

extension WeightSource {
  /// Empty: the kind does not matter.
  package var kind: String { "" }
  /// Empty: all tensors can be read.
  package var unreadable: [String: String] { [:] }
  /// Nil: the file does not describe its layers.
  package var layers: [FileLayer]? { nil }
  /// Empty: the file says nothing about pictures.
  package var pictures: FilePictures { FilePictures() }
}
