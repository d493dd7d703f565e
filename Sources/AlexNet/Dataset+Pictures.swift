package import Data
package import System

extension Dataset {
  /// Decodes pictures in parallel.
  /// - Parameters:
  ///   - split: The part of the dataset.
  ///   - places: The pictures' indices in it.
  ///   - team: The threads that decode.
  /// - Returns: The pictures, in the order of `places`.
  /// - Throws: `Failure` (badData, inputOutput) that names the first record that cannot be read.
  package func pictures(
    _ split: Split, _ places: [Int], team: ThreadTeam
  ) throws(Failure) -> [SquarePicture] {
    let results = team.map(places.count) { number -> Result<SquarePicture, Failure> in
      var pixels = [UInt8](repeating: 0, count: side * side * 3)
      do throws(Failure) {
        try pixels.withUnsafeMutableBufferPointer { buffer throws(Failure) in
          try decode(split, places[number], into: buffer)
        }
        return .success(SquarePicture(square: pixels, side: side))
      } catch { return .failure(error) }
    }
    var pictures: [SquarePicture] = []
    for result in results { pictures.append(try result.get()) }
    return pictures
  }
}
