package import System

/// Recognises the kind of source at a path.
package enum ImageSources {
  /// Opens a source.
  /// - Parameters:
  ///   - path: The folder that holds the pictures or archives, or a single shard.
  ///   - options: How to read it.
  /// - Returns: The source.
  /// - Throws: `Failure` (input missing) if there is nothing, (bad data) if it is in no supported
  ///   format.
  package static func open(
    _ path: String, _ options: SourceOptions = SourceOptions()
  ) throws(Failure) -> any ImageSource {
    guard options.list == nil || !options.namesFolders else {
      throw Failure(
        .usage,
        "--list and --train-folder, --validation-folder or --test-folder exclude each other.")
    }
    guard options.list != nil || options.root == nil else {
      throw Failure(.usage, "--root needs --list.")
    }
    let location = PathBytes(path)
    guard let status = location.status else {
      throw Failure(
        .inputMissing,
        "There is no folder \(quoted(path)); give --source the folder that holds the pictures.")
    }
    guard status.isFolder else {
      guard status.isFile else {
        throw Failure(
          .inputMissing,
          "\(quoted(path)) is not a folder; give --source the folder that holds the pictures.")
      }
      try OtherFormats.refuse(file: path)
      guard let shard = try WebDatasetSource(lookingIn: path, options) else {
        throw Failure(
          .inputMissing,
          "\(quoted(path)) is not a folder; give --source the folder that holds the pictures.")
      }
      return options.list.map { ListedSource(shard, list: $0) } ?? shard
    }
    if let source = try archives(path, options) { return source }
    if let list = options.list {
      // A single archive among pictures is not a source.
      if let shards = try WebDatasetSource(lookingIn: path, options),
        try FolderWalk(path).tree.pictureCount == 0
      {
        return ListedSource(shards, list: list)
      }
      return try ListedSource(folder: path, list: list, root: options.root)
    }
    let walk = try FolderWalk(path)
    if walk.tree.pictureFolders.isEmpty, !options.namesFolders {
      if let shards = try WebDatasetSource(lookingIn: path, options) {
        return NotedSource(base: shards, notes: notes(walk, beside: shards.readNames))
      }
      if walk.tree.pictures.isEmpty {
        // Unpacked archives often have an outer folder, or several; the walk has already read
        // everything below.
        var (folder, inner) = (walk.tree, path)
        while folder.folders.count == 1, folder.folders[0].isText {
          folder = folder.folders[0]
          inner += "/\(folder.nameText)"
          if let source = try archives(inner, options) { return source }
          if let shards = try WebDatasetSource(lookingIn: inner, options) { return shards }
        }
        if folder !== walk.tree { return try open(inner, options) }
        try OtherFormats.refuse(walk.tree, in: path)
      }
    }
    do throws(Failure) {
      return try PictureFolderSource(path, walk, options)
    } catch {
      // A folder of pictures comes before shards, which it may only illustrate.
      guard !options.namesFolders, walk.tree.pictureFolders.count == 1,
        let found = try? WebDatasetSource(lookingIn: path), let shard = found.shards.first
      else { throw error }
      throw Failure(
        error.exitCode,
        "\(error.message) If the dataset is in shards (\(quoted(shard.name))), move "
          + "\(walk.tree.pictureFolders[0].title) out of \(quoted(path)).")
    }
  }

  /// Notes on files next to shards, which were left out.
  private static func notes(_ walk: FolderWalk, beside read: Set<String>) -> [String] {
    var walk = walk
    walk.countOthers(in: walk.tree, but: Set(read.map { Array($0.utf8) }))
    let pictures = walk.tree.pictureCount + walk.unusable.count
    return walk.notes
      + (pictures > 0
        ? ["\(counted(pictures, "picture", "pictures")) next to the shards were left out."] : [])
  }

  /// Sources of arrays or archives, which are recognised by the names of their files.
  private static func archives(
    _ path: String, _ options: SourceOptions
  ) throws(Failure) -> (any ImageSource)? {
    guard !options.namesFolders else { return nil }
    var found: (any ImageSource)?
    var readFolder = path
    if let files = try IDXSource(lookingIn: path) {
      found = files
    } else if let files = try CIFARSource(lookingIn: path) {
      found = files
      readFolder = files.folder
    } else if let files = try STL10Source(lookingIn: path) {
      found = files
    } else if let archives = try ILSVRCSource(lookingIn: path) {
      found = archives
    }
    guard var found else { return nil }
    let folders = try FolderListing(of: PathBytes(path)).entries.filter { entry in
      entry.kind == .folder && "\(path)/\(readable(entry.name))" != readFolder
    }
    if !folders.isEmpty {
      found = NotedSource(
        base: found,
        notes: [
          "Folders next to the \(found.kind) were not read: "
            + "\(listed(folders.map { readable($0.name) }))."
        ])
    }
    return options.list.map { ListedSource(found, list: $0) } ?? found
  }
}
