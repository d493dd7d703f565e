import Data
package import MPI
package import System

/// The picture files named on the command line: files, folders at any depth, and lists on standard
/// input.
package struct PictureList: Sendable {
  /// The files, folder by folder, sorted by name.
  package private(set) var files: [String] = []
  /// What cannot be used: folders that are missing or hold no picture.
  package private(set) var problems: [Failure] = []
  /// Notes on other files in the folders, which are left out; on the first rank only.
  package private(set) var notes: [String] = []

  /// Makes a list of pictures from command-line arguments.
  ///
  /// A folder in a list stands for those of its pictures that the list does not name itself: `find
  /// FOLDER` names folders before their contents, and each picture should occur once.
  /// - Parameters:
  ///   - words: Files and folders; `-` stands for the list on standard input.
  ///   - list: Returns the names on standard input.
  package init(
    _ words: [String],
    list: () throws(Failure) -> [String] = { () throws(Failure) in
      try PathList.standardInput()
    }
  ) {
    for word in words {
      guard word == "-" else {
        add(word)
        continue
      }
      do throws(Failure) {
        let names = try list()
        guard !names.isEmpty else {
          throw Failure(
            .inputMissing, "The list on standard input names no pictures; give one a line.")
        }
        var known = Set(names)
        for name in names { add(name, listed: &known) }
      } catch { problems.append(error) }
    }
  }

  /// The same list on all ranks, whichever rank reads standard input; all ranks call this together.
  /// - Throws: `MPIError` if a message fails.
  package init(_ words: [String], over world: Communicator) throws(MPIError) {
    // mpirun passes its standard input to the first rank only.
    self.init(world.rank == 0 ? words : [])
    // No path contains a zero byte.
    let paths = try world.broadcast(files.map { $0 + "\0" }.joined(), from: 0)
    files = paths.split(separator: "\0").map(String.init)
  }

  private mutating func add(_ path: String) {
    // Missing or unreadable files are reported when they are read.
    guard PictureFiles.isFolder(path) else { return files.append(path) }
    files += pictures(in: path)
  }

  private mutating func add(_ path: String, listed: inout Set<String>) {
    guard PictureFiles.isFolder(path) else { return files.append(path) }
    files += pictures(in: path).filter { listed.insert($0).inserted }
  }

  private mutating func pictures(in folder: String) -> [String] {
    // "set/" and "set" give pictures the same names.
    var name = folder[...]
    while name.count > 1, name.last == "/" { name.removeLast() }
    do throws(Failure) {
      let (found, others) = try PictureFiles.list(in: String(name))
      if found.isEmpty {
        problems.append(
          Failure(
            .inputMissing,
            "The folder \(quoted(folder)) holds no pictures (\(PictureFiles.endings))."))
      }
      notes += others
      return found
    } catch {
      problems.append(error)
      return []
    }
  }
}
