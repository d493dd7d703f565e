import Glibc
import System

extension ForeignFile {
  /// What a file really is that is not of the kind that its name says, as its first bytes show, and
  /// what to do: a clause behind the file's name; nil if they do not show it.
  package static func contents(of path: String) -> String? {
    guard let file = try? RegularFile(path) else { return nil }
    defer { close(file.descriptor) }
    var start = [UInt8](repeating: 0, count: min(64, file.length))
    let code = start.withUnsafeMutableBytes {
      WholeTransfer.read(into: $0, from: file.descriptor, at: 0)
    }
    guard code == 0, !start.isEmpty else { return nil }
    if start.starts(with: "version https://git-lfs".utf8) {
      return "is only Git LFS's pointer to the file; fetch the file itself with 'git lfs pull'."
    }
    // Gzip, bzip2, xz, zstd.
    let packed: [[UInt8]] = [
      [0x1F, 0x8B, 8], Array("BZh".utf8), [0xFD] + Array("7zXZ".utf8), [0x28, 0xB5, 0x2F, 0xFD],
    ]
    if packed.contains(where: { start.starts(with: $0) }) {
      return "is compressed; unpack it first."
    }
    // An archive of NumPy's is a zip file as well, and its own reader says what is wrong with it.
    let isZip = start.starts(with: "PK\u{3}\u{4}".utf8) && !hasEnding(path, ["npz"])
    // A zero is no instruction of a pickle, and may be part of a header's length.
    let isPickle =
      start[0] == 0x80 && start.count > 2 && (2...5).contains(start[1]) && start[2] != 0
    if isZip || isPickle {
      return "is a \(isZip ? "zip file" : "pickle"), as PyTorch writes; if it is PyTorch's, name "
        + "it .pth and convert it: python3 \(converter) FILE.pth weights.safetensors."
    }
    if start[0] == 0x89, start.dropFirst().starts(with: "HDF".utf8) {
      return hasEnding(path, ["caffemodel"])
        ? "is in HDF5. \(asBinary)"
        : "is in HDF5; if it is Keras's, name it .h5 and convert it: python3 \(converter) FILE.h5 "
          + "weights.safetensors."
    }
    // No kind of file that is read here begins as text.
    guard start.allSatisfy({ (0x20...0x7E).contains($0) || (0x09...0x0D).contains($0) }) else {
      return nil
    }
    let line = String(decoding: start, as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
    return "is text, which begins with \(quoted(String(line))), and not the network; download the "
      + "file itself again."
  }
}
