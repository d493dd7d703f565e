import Data
public import Failures
public import MPI

/// The picture files that a command line names: files, folders at any depth, and lists on standard input.
public struct PictureList: Sendable {
  /// The files, folder by folder in the order of their names.
  public private(set) var files: [String] = []
  /// What cannot be used: folders that are missing or hold no picture.
  public private(set) var problems: [Failure] = []

  /// Makes a list of the pictures that words name.
  /// - Parameters:
  ///   - words: Files and folders; `-` stands for the lines of standard input.
  ///   - lines: Gives the lines of standard input.
  public init(_ words: [String], lines: () -> [String] = PictureList.standardInput) {
    for word in words {
      let paths = word == "-" ? lines().filter { !$0.isEmpty } : [word]
      if word == "-" && paths.isEmpty {
        problems.append(
          Failure(.inputMissing, "The list on standard input names no pictures; give one a line."))
      }
      for path in paths { add(path) }
    }
  }

  /// The same list on all ranks, whoever of them has the standard input; all ranks call it together.
  /// - Throws: `MPIError` where a message fails.
  public init(_ words: [String], over world: Communicator) throws(MPIError) {
    // mpirun gives its standard input to the first rank alone.
    self.init(world.rank == 0 ? words : [])
    // No path holds a zero.
    let paths = try world.broadcast(files.map { $0 + "\0" }.joined(), from: 0)
    files = paths.split(separator: "\0").map(String.init)
  }

  private mutating func add(_ path: String) {
    // What is missing or unreadable shows itself when it is read.
    guard PictureFiles.isFolder(path) else { return files.append(path) }
    do throws(Failure) {
      let found = try PictureFiles.list(in: path)
      if found.isEmpty {
        problems.append(
          Failure(
            .inputMissing,
            "The folder \(quoted(path)) holds no pictures (\(PictureFiles.endings))."))
      }
      files += found
    } catch { problems.append(error) }
  }

  /// The lines of standard input.
  public static func standardInput() -> [String] {
    var lines: [String] = []
    while let line = readLine() { lines.append(line) }
    return lines
  }
}
