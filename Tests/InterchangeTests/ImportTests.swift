import AlexNet
import Checkpoints
import Foundation
import Interchange
import Layers
import Networks
import Safetensors
import System
import TestSupport
import Testing

@Suite struct ImportTests {
  let folder = TemporaryFolder()
  let network = SmallFiles.network()

  /// Imports a file into the small network, whatever the number of classes.
  func imported(
    _ path: String, into network: NetworkSpecification? = nil, to name: String = "imported"
  ) throws -> (file: NetworkFile, warnings: [String]) {
    let result = try NetworkImport(
      WeightFile.open(path),
      network: { classes throws(Failure) in network ?? SmallFiles.network(classes: classes ?? 5) },
      preprocessing: { network, mean throws(Failure) in
        var preprocessing = SmallFiles.preprocessing(network)
        if let mean { preprocessing.mean = mean }
        return preprocessing
      })
    let warnings = try result.write(to: folder.file(name))
    return (try NetworkFile(opening: folder.file(name)), warnings)
  }

  @Test func exportingAnImportedExportGivesTheSameBytes() throws {
    let path = try SmallFiles.checkpoint(network, folder)
    _ = try imported(path, to: "again.safetensors")
    #expect(try folder.read("again.safetensors") == folder.read("small.safetensors"))
    let file = try NetworkFile(opening: path)
    try NetworkExport.writeNumPy(
      file.network, file.preprocessing, to: folder.file("a.npz"), try NetworkExport.values(of: file)
    )
    let (back, _) = try imported(folder.file("a.npz"), to: "from-npz.safetensors")
    #expect(try folder.read("from-npz.safetensors") == folder.read("small.safetensors"))
    try NetworkExport.writeNumPy(
      back.network, back.preprocessing, to: folder.file("b.npz"), try NetworkExport.values(of: back)
    )
    #expect(try folder.read("a.npz") == folder.read("b.npz"))
  }

  @Test func bfloat16WeightsAreRoundedToNearest() throws {
    // 1 + 2^-8 lies between two numbers: to the even one. A little more goes up.
    #expect(BFloat16.bits(of: 1.00390625) == 0x3F80)
    #expect(BFloat16.bits(of: 1.0039064) == 0x3F81)
    #expect(BFloat16.bits(of: 1.01171875) == 0x3F82)
    #expect(BFloat16.bits(of: -2) == 0xC000)
    #expect(BFloat16.bits(of: .infinity) == 0x7F80)
    #expect(BFloat16.bits(of: .greatestFiniteMagnitude) == 0x7F80)
    #expect(Float(bitPattern: UInt32(BFloat16.bits(of: .nan)) << 16).isNaN)
    let file = try NetworkFile(opening: SmallFiles.checkpoint(network, folder))
    try NetworkExport.writeSafetensors(
      file.network, file.preprocessing, format: .bfloat16, to: folder.file("half.safetensors"),
      try NetworkExport.values(of: file))
    let half = try NetworkFile(opening: folder.file("half.safetensors"))
    let refused = #expect(throws: Failure.self) { _ = try Classifier(half) }
    #expect(refused?.message.contains("'alexnet import' makes a 32-bit checkpoint") == true)
    let (back, warnings) = try imported(folder.file("half.safetensors"))
    #expect(warnings.isEmpty)
    let values = try NetworkExport.values(of: back)
    for tensor in network.tensors {
      let expected = SmallFiles.values(tensor).map { UInt32(BFloat16.bits(of: $0)) << 16 }
      #expect(try values(tensor).map(\.bitPattern) == expected, "\(tensor.name)")
    }
  }

  @Test func mismatchedTensorsAreNamedWithBothShapes() throws {
    let path = try SmallFiles.checkpoint(network, folder)
    var wider = network
    guard case .convolution(var layer) = wider.layers[0] else {
      Issue.record("the layer c1 is no convolution")
      return
    }
    layer.kernels = 8
    wider.layers[0] = .convolution(layer)
    let shape = #expect(throws: Failure.self) { _ = try imported(path, into: wider) }
    let message = try #require(shape?.message)
    #expect(
      message.contains("'features.0.weight'") && message.contains("[4, 3, 5, 5]")
        && message.contains("[8, 3, 5, 5]") && message.contains("'c1'"))
    var longer = network
    longer.layers.insert(
      .convolution(
        ConvolutionSpecification(
          name: "extra", kernels: 6, window: .init(size: 1, stride: 1), reads: .all)), at: 5)
    let missing = #expect(throws: Failure.self) { _ = try imported(path, into: longer) }
    #expect(missing?.message.contains("no tensor 'extra.weight'") == true)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left.allSatisfy { !$0.hasPrefix("imported") }, "\(left)")
  }

  /// Writes the network as another program does, in 32 or 64 bits, with other numbers in places.
  func foreign<Number: BinaryFloatingPoint & BitwiseCopyable>(
    _ format: NumberFormat, _ changes: [String: [Int: Number]]
  ) throws -> String {
    let tensors = network.tensors
    let header = SafetensorsHeader(
      metadata: [:],
      tensors: tensors.map { ("module.\($0.name)", format, $0.shape) } + [
        ("counter", .int64, [1]), ("ema.decay", .float32, [2]),
      ])
    let path = folder.file("foreign.safetensors")
    try SafetensorsWriter.create(path, header)
    let writer = try SafetensorsWriter(opening: path, header)
    for tensor in tensors {
      var values = SmallFiles.values(tensor).map { Number($0) }
      for (place, number) in changes[tensor.name] ?? [:] { values[place] = number }
      try values.withUnsafeBufferPointer {
        try writer.write(writer.entry("module.\(tensor.name)"), $0)
      }
    }
    try writer.finish()
    return path
  }

  @Test func tensorsThatDoNotMatterAreReported() throws {
    let (_, warnings) = try imported(foreign(.float32, [String: [Int: Float]]()))
    #expect(warnings.count == 1)
    #expect(warnings[0].contains("'ema.decay'") && !warnings[0].contains("counter"))
  }

  @Test func numbersThatAreNotFiniteAreRefused() throws {
    for (changes, says) in [
      (["c2.bias": [3: Float.nan]], "'module.c2.bias'"),
      (["head.weight": [0: Float.infinity, 1: -Float.infinity]], "'module.head.weight'"),
    ] {
      let path = try foreign(.float32, changes)
      let failure = #expect(throws: Failure.self) { _ = try imported(path) }
      let message = failure?.message ?? ""
      #expect(failure?.exitCode == .badData && message.contains(says), "\(message)")
      #expect(
        message.contains(says.contains("bias") ? "1 of 6 numbers that are NaN" : "holds 2 of "),
        "\(message)")
      #expect(!FileManager.default.fileExists(atPath: folder.file("imported")))
    }
  }

  @Test func numbersTooLargeForOurBitsAreToldFromInfiniteOnes() throws {
    let large = #expect(throws: Failure.self) {
      _ = try imported(foreign(.float64, ["c2.bias": [1: 1e300, 3: -1e40]]))
    }
    #expect(
      large?.message.contains("2 of 6 numbers in 64 bits that are too large") == true,
      "\(large?.message ?? "")")
    let both = #expect(throws: Failure.self) {
      _ = try imported(foreign(.float64, ["c2.bias": [1: 1e300, 3: Double.nan]]))
    }
    #expect(
      both?.message.contains("1 of 6 numbers that are NaN or infinite, and 1 in 64 bits") == true,
      "\(both?.message ?? "")")
    #expect(try imported(foreign(.float64, ["c2.bias": [1: 1e30]])).warnings.count == 1)
  }

  @Test(arguments: [Float.nan, .infinity, -1e6]) func anImpossibleMeanImageIsRefused(
    _ number: Float
  ) throws {
    let failure = #expect(throws: Failure.self) {
      _ = try NetworkImport(
        WeightFile.open(SmallFiles.checkpoint(network, folder)),
        network: { _ throws(Failure) in network },
        preprocessing: { network, _ throws(Failure) in
          var preprocessing = SmallFiles.preprocessing(network)
          preprocessing.mean[7] = number
          return preprocessing
        })
    }
    #expect(failure?.exitCode == .badData)
    #expect(failure?.message.contains("mean image") == true, "\(failure?.message ?? "")")
  }

  /// Names that are given for nothing.
  @Test func optionsWithoutEffectAreRefused() throws {
    let path = try SmallFiles.checkpoint(network, folder)
    let layer = #expect(throws: Failure.self) {
      _ = try NetworkWeights(WeightFile.open(path), of: network, named: ["c7": "head"])
    }
    #expect(layer?.exitCode == .usage)
    #expect(
      layer?.message.contains("--layer c7=head") == true
        && layer?.message.contains("c1, c2, c3, out") == true, "\(layer?.message ?? "")")
    let caffe = try folder.write(
      CaffeNetworks.model(CaffeNetworks.alexNet(poolsFirst: false), generation: 2), "n.caffemodel")
    let prefix = #expect(throws: Failure.self) {
      _ = try NetworkWeights(
        WeightFile.open(caffe), of: .caffeAlexNet(classes: 9), prefix: "model.")
    }
    #expect(prefix?.message.contains("leave out --prefix") == true, "\(prefix?.message ?? "")")
  }

  @Test func theNumberOfClassesComesFromTheFile() throws {
    let path = try SmallFiles.checkpoint(SmallFiles.network(classes: 9), folder)
    #expect(try imported(path).file.network.classes == 9)
  }

  @Test func aSingleOutputIsRefusedWithTheRemedy() throws {
    let path = try SmallFiles.foreign(SmallFiles.network(classes: 1), folder) {
      ("model." + $0.name, $0.shape)
    }
    let failure = #expect(throws: Failure.self) { _ = try imported(path) }
    let message = try #require(failure?.message)
    #expect(failure?.exitCode == .badData)
    #expect(
      message.contains("'\(path)' has 1 output by its 'model.head.bias'")
        && message.contains("two outputs"), "\(message)")
  }

  @Test func aNetworkOfCaffeInHDF5IsNotSentToTheConverter() throws {
    let failure = #expect(throws: Failure.self) { _ = try WeightFile.open("net.caffemodel.h5") }
    #expect(failure?.exitCode == .usage)
    #expect(
      failure?.message.contains("BINARYPROTO") == true
        && failure?.message.contains("to_safetensors") == false, "\(failure?.message ?? "")")
  }

  @Test(arguments: [
    "model.pth", "model.pt", "pytorch_model.bin", "model_best.pth.tar", "last.ckpt",
    "bvlc_alexnet.npy", "imagenet-caffe-alex.mat", "model.keras", "model.H5",
  ])
  func unsupportedFilesAreRefusedWithTheConversionCommand(_ name: String) throws {
    let failure = #expect(throws: Failure.self) { _ = try WeightFile.open(name) }
    #expect(failure?.exitCode == .usage)
    #expect(
      failure?.message.contains("python3 scripts/interchange/to_safetensors.py \(name) ") == true)
  }

  @Test(arguments: [
    ("deploy.prototxt", "Give the .caffemodel that"),
    ("caffe_iter_1000.solverstate", "Give the .caffemodel that"),
    ("model.safetensors.index.json", "Join them first"), ("bvlc.caffemodel.GZ", "Unpack it first"),
    ("alexnet.onnx.data", "Give the .onnx file beside it"), ("alexnet.tflite", "as ONNX"),
  ])
  func filesThatAreNoWeightsAreRefusedWithTheirRemedy(_ name: String, _ says: String) throws {
    let failure = #expect(throws: Failure.self) { _ = try WeightFile.open(name) }
    #expect(failure?.exitCode == .usage)
    #expect(failure?.message.contains(says) == true, "\(failure?.message ?? "")")
  }

  @Test func endingsInCapitalsAreThoseOfTheSameFiles() throws {
    for name in ["N.ONNX", "N.CaffeModel", "N.NPZ", "N.SafeTensors"] {
      let failure = #expect(throws: Failure.self) { _ = try WeightFile.open(folder.file(name)) }
      #expect(failure?.exitCode == .inputMissing, "\(failure?.message ?? "")")
    }
  }

  @Test func whatWeightsAloneLeaveToTheNetworkIsSaid() throws {
    func notes(_ path: String) throws -> [String] {
      let result = try NetworkImport(
        WeightFile.open(path), network: { _ throws(Failure) in network },
        preprocessing: { network, _ throws(Failure) in SmallFiles.preprocessing(network) })
      return result.notes
    }
    let said = try notes(SmallFiles.foreign(network, folder) { ($0.name, $0.shape) })
    #expect(said.count == 1)
    #expect(
      said.first?.contains(
        "the network 'small': r1, n1 (an LRN of size 3, alpha 0.0001 a square, beta 0.75, k 2, "
          + "across the maps of each of 2 towers (2, 2)), s1 (a norm within maps") == true,
      "\(said)")
    #expect(
      said.first?.hasSuffix("p3, p4, d4 (a dropout that multiplies by 0.75 at test).") == true,
      "\(said)")
    // Ours say all of it.
    #expect(try notes(SmallFiles.checkpoint(network, folder)).isEmpty)
  }

  @Test func weightsForGreyPicturesAreRefusedWithTheRemedy() throws {
    let path = folder.file("grey.safetensors")
    try SafetensorsWriter.create(
      path,
      SafetensorsHeader(
        metadata: [:],
        tensors: network.tensors.map {
          ($0.name, .float32, $0.name == "features.0.weight" ? [4, 1, 5, 5] : $0.shape)
        }))
    let failure = #expect(throws: Failure.self) { _ = try imported(path) }
    #expect(
      failure?.message.contains("[4, 1, 5, 5]") == true
        && failure?.message.contains("0.299, 0.587, 0.114") == true, "\(failure?.message ?? "")")
  }

  /// The small network in a file of a format, whole.
  func file(_ format: String) throws -> [UInt8] {
    let file = try NetworkFile(opening: SmallFiles.checkpoint(network, folder))
    switch format {
    case "npz":
      try NetworkExport.writeNumPy(
        network, file.preprocessing, to: folder.file("small.npz"), NetworkExport.values(of: file))
    case "caffemodel":
      let tensors = network.tensors
      let layers = tensors.map(\.layer).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
      let bytes = CaffeFiles.model(
        layers.map { layer in
          let blobs = tensors.filter { $0.layer == layer }.map {
            CaffeFiles.blob($0.shape, SmallFiles.values($0))
          }
          return (layer, "", blobs)
        })
      try folder.write(bytes, "small.caffemodel")
    default: break
    }
    return try folder.read("small.\(format)")
  }

  @Test(arguments: ["safetensors", "npz", "caffemodel"])
  func aFileTruncatedAtAnyPercentageIsRefused(_ format: String) throws {
    let bytes = try file(format)
    _ = try imported(folder.write(bytes, "whole.\(format)"))
    for percent in 0..<100 {
      let path = try folder.write(Array(bytes[..<(bytes.count * percent / 100)]), "cut.\(format)")
      let failure = #expect(throws: Failure.self, "cut at \(percent) %") { _ = try imported(path) }
      #expect(failure?.exitCode == .badData)
    }
  }

  @Test func checksumsDetectDamageToAnExport() throws {
    let path = try SmallFiles.checkpoint(network, folder)
    let file = try NetworkFile(opening: path)
    #expect(file.file.header.metadata["formatVersion"] == "3")
    // A part a tensor.
    #expect(try file.verify() == network.tensors.count)
    let bytes = try folder.read("small.safetensors")
    for entry in file.file.header.tensors {
      var damaged = bytes
      damaged[entry.bytes.upperBound - 1] ^= 4
      let other = try folder.write(damaged, "damaged.safetensors")
      let failure = #expect(throws: Failure.self) { _ = try imported(other) }
      #expect(failure?.message.contains("'\(entry.name)'") == true)
      #expect(failure?.message.contains("SHA-256") == true)
    }
    var damaged = bytes
    let name = try #require(file.file.header.metadata["classes"]?.utf8.first)
    damaged[try #require(damaged.firstIndex(of: name))] ^= 1
    #expect(throws: Failure.self) {
      _ = try imported(folder.write(damaged, "damaged.safetensors"))
    }
  }

  @Test func sixteenBitWeightsAreVerifiedToo() throws {
    let file = try NetworkFile(opening: SmallFiles.checkpoint(network, folder))
    let path = folder.file("half.safetensors")
    try NetworkExport.writeSafetensors(
      network, file.preprocessing, format: .bfloat16, to: path, NetworkExport.values(of: file))
    #expect(try NetworkFile(opening: path).verify() == network.tensors.count)
    var bytes = try folder.read("half.safetensors")
    let entry = try #require(try NetworkFile(opening: path).file.header.tensors.first)
    bytes[entry.bytes.lowerBound] ^= 1
    let failure = #expect(throws: Failure.self) {
      try NetworkFile(opening: folder.write(bytes, "half.safetensors")).verify()
    }
    #expect(failure?.message.contains("'\(entry.name)'") == true)
  }

  @Test func aFormatOfAnotherVersionIsRefused() throws {
    func file(_ version: String) throws -> String {
      let side = network.imageSide
      let header = SafetensorsHeader(
        metadata: [
          "format": "alexnet-train", "formatVersion": version, "network": network.json,
          "classes": "[\"a\",\"b\",\"c\",\"d\",\"e\"]",
        ],
        tensors: network.tensors.map { ($0.name, .float32, $0.shape) }
          + [("preprocessing.mean", .float32, [side, side, 3])])
      let path = folder.file("version-\(version).safetensors")
      try SafetensorsWriter.create(path, header)
      return path
    }
    let old = #expect(throws: Failure.self) { _ = try NetworkFile(opening: file("1")) }
    #expect(old?.message.contains("format version 1, which has no checksums") == true)
    let newer = #expect(throws: Failure.self) { _ = try NetworkFile(opening: file("1000")) }
    #expect(newer?.message.contains("format version 1000") == true)
    let weights = #expect(throws: Failure.self) { _ = try WeightFile.open(file("4")) }
    #expect(weights?.message.contains("versions up to 3") == true)
  }
}
