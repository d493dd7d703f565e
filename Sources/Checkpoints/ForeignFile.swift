import System

/// Weight files of other programs, recognised by their file endings.
package enum ForeignFile {
  /// The script that converts files that `alexnet import` does not read to safetensors.
  package static let converter = "scripts/interchange/to_safetensors.py"

  /// Whether `alexnet import` reads a file with this name.
  private static func isImported(_ path: String) -> Bool {
    hasEnding(path, ["safetensors", "npz", "caffemodel", "onnx"])
  }

  /// Whether the converter reads a file with this name.
  package static func needsConverter(_ path: String) -> Bool {
    hasEnding(
      path,
      [
        "pth", "pt", "bin", "pkl", "pickle", "ckpt", "tar", "npy", "mat", "keras", "h5", "hdf5",
        "index",
      ])
  }

  /// How else to save a network of Caffe in HDF5, which is neither read nor converted; nil for
  /// other files.
  package static func otherFormat(_ path: String) -> String? {
    hasEnding(path, ["caffemodel.h5"]) ? asBinary : nil
  }

  static let asBinary =
    "Save the network as a .caffemodel: with snapshot_format: BINARYPROTO, or in Python with "
    + "caffe.Net(PROTOTXT, FILE, caffe.TEST).save('weights.caffemodel')."

  static func hasEnding(_ path: String, _ endings: [String]) -> Bool {
    endings.contains { path.lowercased().hasSuffix("." + $0) }
  }

  /// What to do about a file that is not a checkpoint; nil if its name is not that of another
  /// program's file.
  package static func remedy(_ path: String) -> String? {
    if isImported(path) {
      return
        "Make a checkpoint from another program's weights: alexnet import \(shellWord(path)) "
        + "--network NAME --out CHECKPOINT.safetensors."
    }
    guard needsConverter(path) else { return nil }
    if let other = otherFormat(path) { return other }
    return
      "Make a checkpoint from another program's weights: python3 \(converter) "
      + "\(shellWord(path)) weights.safetensors, then alexnet import weights.safetensors "
      + "--network NAME --out CHECKPOINT.safetensors."
  }
}
