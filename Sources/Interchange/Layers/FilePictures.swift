/// What a file of weights says about the pictures that its network reads.
package struct FilePictures: Equatable, Sendable {
  /// The height and width of the input.
  package var side: Int?
  /// The height and width of the input, if they differ.
  package var oblong: [Int]?
  /// The factors by which pixels minus their mean are multiplied.
  package var factors: [Float]?
  /// The mean of each colour, from 0 to 255, in the order in which the network reads them.
  package var meanColour: [Float]?
  /// The path of the mean image that was subtracted.
  package var meanFile: String?
  /// Whether the network read whole stored pictures, whose size the file does not give.
  package var areWhole = false

  /// A file that says nothing about pictures.
  package init() {}

  /// Records the height and width of the input, if they are valid.
  mutating func note(sides: [Int]) {
    guard sides.count == 2, sides.allSatisfy({ (1...8192).contains($0) }) else { return }
    if sides[0] == sides[1] { side = sides[0] } else { oblong = sides }
  }
}
