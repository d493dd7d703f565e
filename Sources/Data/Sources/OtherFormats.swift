import System

/// Dataset formats that are not supported, each with the commands that convert it to one that is.
enum OtherFormats {
  private struct Format: Sendable {
    let isMeant: @Sendable (_ name: String) -> Bool
    /// What the format is, and what to do; `FILE` stands for the file, `DIR` for its folder, `STEM`
    /// for its name without the ending, and `PART` for the first word of that.
    let words: String
  }

  private static func ends(_ endings: String...) -> @Sendable (String) -> Bool {
    { name in endings.contains { name.lowercased().hasSuffix($0) } }
  }

  private static let formats = [
    Format(
      isMeant: ends(".zip"),
      // One folder for each archive: `train.zip` and `test.zip` may hold the same names.
      words:
        "is a zip archive; unpack it with 'mkdir -p FOLDER; unzip -q FILE -d FOLDER/STEM', and "
        + "others next to it in the same way, and give --source FOLDER"),
    Format(
      isMeant: ends(".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2"),
      words:
        "is a compressed archive; unpack it with 'mkdir -p FOLDER/STEM; tar -xf FILE -C "
        + "FOLDER/STEM', and others next to it in the same way, and give --source FOLDER"
    ),
    Format(
      isMeant: ends(".7z", ".rar"),
      words:
        "is a packed archive; unpack it with 'mkdir -p FOLDER/STEM; bsdtar -xf FILE -C "
        + "FOLDER/STEM', and others next to it in the same way, and give --source FOLDER"),
    Format(
      isMeant: ends(".parquet", ".arrow"),
      words: """
        holds pictures in a Hugging Face table (Parquet or Arrow); save them with Python as class \
        folders: \
        from datasets import load_dataset; [(os.makedirs(d := f"out/{s}/{r['label']}", exist_ok=True), \
        r['image'].save(f"{d}/{i}.png")) for s, p in load_dataset("DIR").items() for i, r in enumerate(p)] \
        (import os before) and give --source out
        """),
    Format(
      isMeant: ends("_32x32.mat"),
      words: """
        is SVHN for MATLAB; save its pictures with Python as class folders: \
        m = scipy.io.loadmat("FILE"); [(os.makedirs(d := f"out/PART/{y % 10}", exist_ok=True), \
        PIL.Image.fromarray(m["X"][..., i]).save(f"{d}/{i}.png")) for i, y in enumerate(m["y"][:, 0])] \
        (import os, PIL.Image and scipy.io before; the same for the other files) and give \
        --source out
        """),
    Format(
      isMeant: ends(".mat"),
      words: """
        is a MATLAB file, which is not read; for CIFAR and STL-10 download the binary version, for \
        other data save \
        the pictures with scipy.io.loadmat (or h5py, from version 7.3 on) and PIL.Image.fromarray as files \
        out/CLASS/NUMBER.png, and give --source out
        """),
    Format(
      isMeant: { name in
        ["data_batch_1", "test_batch", "batches.meta", "data_batch_2"].contains(name.lowercased())
      },
      words: """
        is CIFAR's Python version (pickled, which may run any program when read); download the binary version, \
        cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, and give --source the folder that it unpacks to
        """),
    Format(
      isMeant: { name in
        name.contains("idx") && name.contains(/(images|labels)[-.]idx[0-9]-(ubyte|int)(\.gz)?$/)
      },
      words: """
        is one file of an MNIST-like dataset; give --source the folder that holds \
        'train-images-idx3-ubyte' and \
        'train-labels-idx1-ubyte' (or their .gz)
        """),
    Format(
      isMeant: { name in
        // TensorFlow Datasets and ImageNet's scripts number the parts at the end.
        let name = name.lowercased()
        return (name.contains("tfrec") || name.contains("-of-"))
          && name.contains(/\.tfrec(ords?)?(-[0-9]+-of-[0-9]+)?$|-[0-9]{5}-of-[0-9]{5}$/)
      },
      words:
        "holds TensorFlow records; save their pictures as files out/CLASS/NUMBER.jpg and give "
        + "--source out"
    ),
    Format(
      isMeant: ends(".rec"),
      words: """
        holds MXNet records; unpack them with Python: r = mxnet.recordio.MXRecordIO("FILE", "r") \
        and \
        mxnet.recordio.unpack(r.read()), or give the pictures themselves with --list and the .lst file
        """),
    Format(
      isMeant: ends(".npz", ".npy", ".h5", ".hdf5", ".pkl", ".pickle", ".mdb", ".pt", ".pth"),
      words: """
        holds arrays or a database, which are not read; save the pictures with PIL.Image.fromarray as files \
        out/CLASS/NUMBER.png and give --source out
        """),
  ]

  /// Refuses a file in a known but unsupported format.
  /// - Throws: `Failure` (bad data) that says what it is and how to convert it.
  static func refuse(file path: String) throws(Failure) {
    let name = String(path.split(separator: "/").last ?? "")
    guard let format = formats.first(where: { $0.isMeant(name) }) else { return }
    throw refusal(format, path)
  }

  /// Refuses a folder without pictures that holds such a file.
  /// - Throws: `Failure` (bad data) that says what it is and how to convert it.
  static func refuse(_ tree: FolderTree, in path: String) throws(Failure) {
    // CIFAR-100's files have no endings, and names that other datasets may have too.
    if tree.holds("train"), tree.holds("test"), tree.holds("meta") {
      guard let format = formats.first(where: { $0.isMeant("data_batch_1") }) else { return }
      throw refusal(format, "\(path)/train")
    }
    for format in formats {
      guard let file = tree.firstFile(where: format.isMeant) else { continue }
      throw refusal(format, "\(path)/\(file)")
    }
  }

  private static func refusal(_ format: Format, _ path: String) -> Failure {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let stem = String((path.split(separator: "/").last ?? "").prefix { $0 != "." })
    // In one pass, since a path may hold such a word too.
    let words = format.words.replacing(/FILE|DIR|STEM|PART/) { match -> String in
      switch match.output {
      case "FILE": path
      case "DIR": folder.isEmpty ? "." : folder
      case "STEM": stem
      default: String(stem.prefix { $0 != "_" })
      }
    }
    return Failure(.badData, "\(quoted(path)) \(words).")
  }
}
