public import AlexNet
public import Failures
public import Threads

/// Reads picture files a part at a time, side by side, and keeps account of those that cannot be read.
public struct PictureReader {
  /// What could not be read so far.
  public private(set) var problems: [Failure] = []
  private let files: [String]
  private let side: Int
  private let team: ThreadTeam
  private var next = 0

  /// Makes a reader.
  /// - Parameters:
  ///   - list: The files; what is wrong with the list counts among the problems.
  ///   - side: The side of the squares in pixels.
  ///   - team: The threads that read.
  public init(_ list: PictureList, side: Int, team: ThreadTeam) {
    files = list.files
    problems = list.problems
    self.side = side
    self.team = team
  }

  /// The next pictures that can be read, of so many files at most; nil at the end.
  public mutating func read(_ count: Int) -> [(file: String, picture: SquarePicture)]? {
    guard next < files.count else { return nil }
    let part = files[next..<min(next + count, files.count)]
    next = part.endIndex
    let side = side
    let results = team.map(part.count) { place -> Result<SquarePicture, Failure> in
      do throws(Failure) {
        return .success(try SquarePicture(contentsOf: part[part.startIndex + place], side: side))
      } catch { return .failure(error) }
    }
    var pictures: [(file: String, picture: SquarePicture)] = []
    for (file, result) in zip(part, results) {
      switch result {
      case .success(let picture): pictures.append((file, picture))
      case .failure(let problem): problems.append(problem)
      }
    }
    return pictures
  }
}
