import Foundation
import Images
import TestSupport

extension TemporaryFolder {
  /// Makes a tar archive of what lies in a folder, with the system's tar.
  func tar(_ archive: String, of folder: String, _ options: String...) throws {
    let names = try names(folder)
    let result = try Program.run(
      ["/usr/bin/tar"] + options + ["-cf", file(archive), "-C", file(folder), "--"] + names)
    guard result.code == 0 else { throw ArchiveError(text: result.error) }
  }

  struct ArchiveError: Error { let text: String }

  /// A picture as the bytes of a PNG file.
  func png(_ picture: TestPicture) throws -> [UInt8] {
    try writePicture(picture, "scratch/picture.png")
    defer { try? FileManager.default.removeItem(atPath: file("scratch")) }
    return try read("scratch/picture.png")
  }

  /// ILSVRC's three archives: pictures by class of `MetaFiles` for training, pictures with their
  /// classes in order for validation.
  func writeILSVRC(
    _ year: Int, train: [[[UInt8]]], validation: [(label: Int, bytes: [UInt8])],
    in folder: String = "source", format: String = "gnu"
  ) throws {
    let isFirst = year == 2010
    try makeFolder(folder)
    try makeFolder("work/train")
    for (label, pictures) in train.enumerated() {
      for (number, picture) in pictures.enumerated() {
        try write(
          picture, "work/class/n0000000\(label)_\(String(format: "%06d", number)).JPEG")
      }
      try tar("work/train/n0000000\(label).tar", of: "work/class", "--format=\(format)")
      try FileManager.default.removeItem(atPath: file("work/class"))
    }
    let images = isFirst ? "images" : "img"
    try tar("\(folder)/ILSVRC\(year)_\(images)_train.tar", of: "work/train", "--format=\(format)")
    var truth = ""
    for (place, picture) in validation.enumerated() {
      let number = String(format: "%08d", place + 1)
      try write(
        picture.bytes, "work/val/\(isFirst ? "val/" : "")ILSVRC\(year)_val_\(number).JPEG")
      truth += "\(MetaFiles.ids[picture.label])\n"
    }
    if !validation.isEmpty {
      try tar("\(folder)/ILSVRC\(year)_\(images)_val.tar", of: "work/val", "--format=\(format)")
    }
    let kit = isFirst ? "devkit-1.0" : "ILSVRC2012_devkit_t12"
    try write(isFirst ? MetaFiles.of2010 : MetaFiles.of2012, "work/kit/\(kit)/data/meta.mat")
    try write(
      Array(truth.utf8), "work/kit/\(kit)/data/ILSVRC\(year)_validation_ground_truth.txt")
    let kitArchive = isFirst ? "ILSVRC2010_devkit-1.0.tar.gz" : "ILSVRC2012_devkit_t12.tar.gz"
    try tar("\(folder)/\(kitArchive)", of: "work/kit", "-z")
    try FileManager.default.removeItem(atPath: file("work"))
  }
}
