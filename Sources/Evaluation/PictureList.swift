import Data
package import MPI
package import System

/// The picture files that a command line names: files, folders at any depth, and lists on standard input.
package struct PictureList: Sendable {
  /// The files, folder by folder in the order of their names.
  package private(set) var files: [String] = []
  /// What cannot be used: folders that are missing or hold no picture.
  package private(set) var problems: [Failure] = []
  /// What lies in the folders besides pictures, and is left out; on the first rank alone.
  package private(set) var notes: [String] = []

  /// Makes a list of the pictures that words name.
  ///
  /// A folder in a list stands for those pictures in it that the list does not name itself: `find FOLDER` names folders before
  /// what is in them, and each picture is wanted once.
  /// - Parameters:
  ///   - words: Files and folders; `-` stands for the list on standard input.
  ///   - list: Gives the names in that list.
  package init(
    _ words: [String], list: () throws(Failure) -> [String] = PictureList.standardInput
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

  /// The same list on all ranks, whoever of them has the standard input; all ranks call it together.
  /// - Throws: `MPIError` where a message fails.
  package init(_ words: [String], over world: Communicator) throws(MPIError) {
    // mpirun gives its standard input to the first rank alone.
    self.init(world.rank == 0 ? words : [])
    // No path holds a zero.
    let paths = try world.broadcast(files.map { $0 + "\0" }.joined(), from: 0)
    files = paths.split(separator: "\0").map(String.init)
  }

  private mutating func add(_ path: String) {
    // What is missing or unreadable shows itself when it is read.
    guard PictureFiles.isFolder(path) else { return files.append(path) }
    files += pictures(in: path)
  }

  private mutating func add(_ path: String, listed: inout Set<String>) {
    guard PictureFiles.isFolder(path) else { return files.append(path) }
    files += pictures(in: path).filter { listed.insert($0).inserted }
  }

  private mutating func pictures(in folder: String) -> [String] {
    // "set/" and "set" hold pictures of the same names.
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

  /// The names in the list on standard input.
  /// - Throws: `Failure` (inputOutput) where it cannot be read, (badData) where it is too long or in UTF-16.
  package static func standardInput() throws(Failure) -> [String] { try PathList.standardInput() }
}
