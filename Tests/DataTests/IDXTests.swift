import Data
import Foundation
import System
import TestSupport
import Testing

@Suite("IDX files")
struct IDXTests {
  private func file(_ dimensions: [Int], _ values: [UInt8], type: UInt8 = 8) -> [UInt8] {
    let sizes = dimensions.flatMap { size in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) }
    }
    return [0, 0, type, UInt8(dimensions.count)] + sizes + values
  }

  private func write(
    _ place: TemporaryFolder, _ folder: String, labels: [UInt8], side: Int = 8,
    prefix: String = "train",
    separator: String = "-"
  ) throws {
    let pixels = labels.indices.flatMap { image in
      (0..<side * side).map { UInt8(truncatingIfNeeded: 10 * image + $0) }
    }
    try place.write(
      file([labels.count, side, side], pixels), "\(folder)/\(prefix)-images\(separator)idx3-ubyte")
    try place.write(
      file([labels.count], labels), "\(folder)/\(prefix)-labels\(separator)idx1-ubyte")
  }

  @Test(
    "grey values become RGB, and the labels that occur are the classes", arguments: [false, true])
  func content(isCompressed: Bool) throws {
    let place = TemporaryFolder()
    let labels: [UInt8] = [3, 7, 3, 200, 7, 3, 3]
    try write(place, "source", labels: labels, separator: isCompressed ? "." : "-")
    try write(place, "source", labels: [7, 200], prefix: "t10k")
    if isCompressed {
      for name in try place.names("source") {
        #expect(try Program.run(["/usr/bin/gzip", place.file("source/\(name)")]).code == 0)
      }
    }
    try place.prepare()
    let dataset = try place.dataset()
    #expect(dataset.classNames == ["3", "7", "200"])
    #expect(dataset.counts(.train) == [4, 2, 1] && dataset.counts(.validation) == [0, 1, 1])
    var images: Set<Int> = []
    for record in 0..<7 {
      let pixels = try dataset.pixels(.train, record)
      let image = Int(pixels[0]) / 10
      images.insert(image)
      #expect(pixels == (0..<192).map { UInt8(10 * image + $0 / 3) })
      #expect(dataset.classNames[dataset.label(.train, record)] == String(labels[image]))
    }
    #expect(images == Set(0..<7))
  }

  @Test("without a validation part, one is held out")
  func holdOut() throws {
    let place = TemporaryFolder()
    try write(place, "source", labels: (0..<20).map { $0 % 2 })
    try place.prepare { $0.holdOut = 0.2 }
    #expect(try place.dataset().counts(.validation) == [2, 2])
  }

  @Test("damaged files are reported")
  func damage() throws {
    let place = TemporaryFolder()
    let labels: [UInt8] = [0, 1, 0, 1]
    func attempt(_ name: String, _ bytes: [UInt8], _ words: String...) throws {
      try? FileManager.default.removeItem(atPath: place.file("source"))
      try write(place, "source", labels: labels)
      try place.write(bytes, "source/\(name)")
      let message = expectFailure(.badData, name) { try place.prepare() }
      for word in words { #expect(message.contains(word), "\(message)") }
    }
    let images = "train-images-idx3-ubyte"
    let pixels = [UInt8](repeating: 1, count: 4 * 64)
    try attempt(images, [], "empty or damaged")
    try attempt(images, [0, 0, 8], "not an IDX file")
    try attempt(images, file([4, 64], pixels), "not an IDX file")
    try attempt(images, file([4, 8, 8], pixels, type: 13), "not an IDX file")
    try attempt(images, file([4, 8, 8], Array(pixels.dropLast())), "ends after 255 of 256 values")
    try attempt(images, file([4, 8, 8], pixels + [0]), "longer than")
    let most = "more than the 1024 MiB"
    try attempt(images, file([4, 0, 8], []), "[4, 0, 8]", most)
    try attempt(images, file([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], pixels), most)
    try attempt(images, file([4, 1 << 14, 1 << 14], pixels), "16384x16384 pixels")
    try attempt(images, file([4, 1 << 14, (1 << 14) + 1], pixels), most)
    // A claim of 256 MiB is not believed before the bytes are there.
    try attempt(images, file([4, 8192, 8192], pixels), "ends after 256 of 268435456 values")
    // Labels and pictures that do not belong together are not unpacked.
    try attempt(
      images, file([1 << 14, 1 << 8, 1 << 8], pixels), "holds 16384 pictures", "4 labels")
    try attempt(images, file([3, 8, 8], Array(pixels.prefix(192))), "holds 3 pictures", "4 labels")
    try attempt("train-labels-idx1-ubyte", file([4], [2, 2]), "ends after 2 of 4 values")
    try? FileManager.default.removeItem(atPath: place.file("source"))
    try write(place, "source", labels: [5, 5, 5])
    expectFailure(.badData, "one class only") { try place.prepare() }
    try write(place, "source", labels: [4, 5])
    try write(place, "source", labels: [6], prefix: "t10k")
    expectFailure(.badData, "class 6", "none for training") { try place.prepare() }
    try FileManager.default.removeItem(atPath: place.file("source/train-labels-idx1-ubyte"))
    expectFailure(.inputMissing, "no label file") { try place.prepare() }
  }

  @Test("truncated compressed files are reported")
  func cutOff() throws {
    let place = TemporaryFolder()
    try write(place, "source", labels: (0..<100).map { $0 % 2 }, side: 28)
    let name = "source/train-images-idx3-ubyte"
    #expect(try Program.run(["/usr/bin/gzip", place.file(name)]).code == 0)
    let whole = try place.read("\(name).gz")
    try place.write(Array(whole[..<(whole.count / 2)]), "\(name).gz")
    expectFailure(.badData, "idx3-ubyte.gz", "download it again") { try place.prepare() }
  }

  static let isInstalled = FileManager.default.fileExists(
    atPath: FashionMNIST.folder + "/train-images-idx3-ubyte.gz")

  @Test(
    "Fashion-MNIST is recognised", .enabled(if: isInstalled, "needs \(FashionMNIST.debianPackage)"))
  func fashion() throws {
    let place = TemporaryFolder()
    let folder = try FashionMNIST.installedFolder()
    var settings = PreparationSettings(source: folder, destination: place.file("dataset"))
    settings.side = 28
    settings.limitPerClass = 5
    _ = try Preparation.run(settings)
    let dataset = try place.dataset()
    #expect(dataset.classNames == FashionMNIST.classNames)
    #expect(dataset.counts(.train) == Array(repeating: 5, count: 10))
    #expect(dataset.counts(.validation) == Array(repeating: 5, count: 10))
  }
}
