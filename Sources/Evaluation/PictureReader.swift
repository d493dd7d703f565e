package import AlexNet
package import Images
package import MPI
import Networks
package import System

/// Reads picture files in groups, several at a time, and records those that cannot be read.
///
/// Several ranks take turns: the first rank reads the first group, the second rank the second
/// group.
package struct PictureReader {
  /// What this rank could not read so far.
  private var problems: [Failure] = []
  private let files: [String]
  private let side: Int
  private let resizing: Resizing
  private let world: Communicator
  private let team: ThreadTeam
  private var next = 0

  /// - Parameters:
  ///   - list: The files; problems with the list are added to the problems.
  ///   - side: The side of the squares in pixels.
  ///   - resizing: How non-square pictures are made square.
  ///   - team: The threads that read.
  ///   - world: The ranks that share the files.
  package init(
    _ list: PictureList, side: Int, resizing: Resizing, team: ThreadTeam,
    over world: Communicator = .alone
  ) {
    files = list.files
    problems = list.problems
    self.side = side
    self.resizing = resizing
    self.team = team
    self.world = world
  }

  /// This rank's next readable pictures, out of at most `count` files; none if only other ranks
  /// have files left, and nil on all ranks at the end.
  package mutating func read(_ count: Int) -> [(file: String, picture: SquarePicture)]? {
    guard next < files.count else { return nil }
    let start = min(next + world.rank * count, files.count)
    let part = files[start..<min(start + count, files.count)]
    next += world.size * count
    let (side, resizing) = (side, resizing)
    let results = team.map(part.count) { place -> Result<SquarePicture, Failure> in
      do throws(Failure) {
        return .success(
          try SquarePicture(
            contentsOf: part[part.startIndex + place], side: side, resizing: resizing))
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
  /// All pictures that could not be read, rank by rank; all ranks call this together and get the
  /// same.
  /// - Throws: `MPIError` if a message fails.
  package func allProblems() throws(MPIError) -> [Failure] {
    let own = problems.map { "\($0.exitCode.rawValue) \($0.message)\0" }.joined()
    return try world.allGather(own).flatMap { $0.split(separator: "\0") }.compactMap { line in
      let words = line.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let code = Int32(words[0]).flatMap(ExitCode.init) else { return nil }
      return Failure(code, String(words[1]))
    }
  }
}
