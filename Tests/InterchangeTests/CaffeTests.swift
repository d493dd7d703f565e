import Interchange
import System
import TestSupport
import Testing

@Suite struct CaffeTests {
  let folder = TemporaryFolder()

  func complaint(_ bytes: [UInt8]) throws -> String? {
    do {
      let model = try CaffeModel(opening: folder.write(bytes, "damaged.caffemodel"))
      for tensor in model.tensors { _ = try model.read(tensor) }
      return nil
    } catch {
      #expect(error.exitCode == .badData)
      return error.message
    }
  }

  @Test(arguments: [false, true]) func everyBlobIsRead(isOld: Bool) throws {
    let path = try folder.write(CaffeFiles.small(isOld: isOld), "small.caffemodel")
    let model = try CaffeModel(opening: path)
    #expect(model.name == "AlexNet")
    #expect(
      model.tensors == [
        WeightTensor(name: "conv1.weight", shape: [2, 1, 1, 2]),
        WeightTensor(name: "conv1.bias", shape: [2]),
        WeightTensor(name: "fc8.weight", shape: [2, 3]),
        WeightTensor(name: "fc8.bias", shape: [2]),
      ])
    let values = try model.tensors.map { tensor in try model.read(tensor) }
    #expect(values == [[1, 2, 3, 4], [0.5, -0.5], [1, 2, 3, 4, 5, 6], [7, 8]])
  }

  @Test func doublesAreRead() throws {
    var blob = ProtobufWire()
    blob.add(1, 1)
    blob.add(2, 1)
    blob.add(3, 1)
    blob.add(4, 2)
    blob.add(8, [0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0])
    let bytes = CaffeFiles.model([("ip", "", [blob.bytes])])
    let model = try CaffeModel(opening: folder.write(bytes, "double.caffemodel"))
    #expect(try model.read(model.tensors[0]) == [1.5, -2])
  }

  @Test(
    arguments: [
      // 1.5 and -2 in 64, 32 and 16 bits.
      (0, [0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0]),
      (1, [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0]), (2, [0, 0x3E, 0, 0xC0]),
    ] as [(Int, [UInt8])])
  func rawDataOfNVIDIACaffeIsRead(_ type: Int, _ numbers: [UInt8]) throws {
    func blob(_ type: Int, _ numbers: [UInt8]) -> [UInt8] {
      var blob = ProtobufWire()
      blob.add(7, [10, 1, 2])
      blob.add(10, type)
      blob.add(12, numbers)
      return blob.bytes
    }
    let bytes = CaffeFiles.model([("ip", "", [blob(type, numbers)])])
    let model = try CaffeModel(opening: folder.write(bytes, "raw.caffemodel"))
    #expect(try model.read(model.tensors[0]) == [1.5, -2])
    #expect(
      try complaint(CaffeFiles.model([("ip", "", [blob(3, numbers)])]))?.contains("NVIDIA's type 3")
        == true)
    #expect(
      try complaint(CaffeFiles.model([("ip", "", [blob(type, Array(numbers.dropLast()))])]))
        != nil)
  }

  @Test func mismatchedShapesAreNamed() throws {
    for isOld in [false, true] {
      for shape in [[3], [-2, -1], [1 << 30, 1 << 30, 1 << 30, 1 << 30], [0]] {
        let bytes = CaffeFiles.model(
          [("conv1", "", [CaffeFiles.blob(shape, [1, 2], isOld: isOld)])], isOld: isOld)
        #expect(try complaint(bytes)?.contains("'conv1.weight'") == true, "\(shape)")
      }
    }
  }

  @Test func filesThatAreNotModelsAreRefused() throws {
    #expect(try complaint([]) != nil)
    #expect(try complaint(Array("name: \"AlexNet\"".utf8)) != nil)
    #expect(try complaint(CaffeFiles.model([])) != nil)
    let twice = CaffeFiles.model([
      ("a", "", [CaffeFiles.blob([1], [1])]), ("a", "", [CaffeFiles.blob([1], [1])]),
    ])
    #expect(try complaint(twice)?.contains("two layers 'a'") == true)
  }

  @Test(arguments: [false, true]) func aTruncatedFileIsRefusedOrHasFewerLayers(isOld: Bool) throws {
    let bytes = CaffeFiles.small(isOld: isOld)
    var whole = 0
    for length in 0..<bytes.count where try complaint(Array(bytes[..<length])) == nil { whole += 1 }
    // Between two layers a message can end; the import then misses what is lacking.
    #expect(whole == 1)
  }

  @Test func manyEmptyLayersDoNotFillTheMemory() throws {
    // Two bytes a layer, which would become a struct each.
    let bytes = [UInt8](repeating: 0, count: 200_000).enumerated().map { place, _ in
      place % 2 == 0 ? UInt8(2 << 3 | 2) : 0
    }
    #expect(try complaint(bytes) != nil)
  }

  @Test func theMeanIsConvertedToRGB() throws {
    // Maps B, G, R of 2 x 2 pixels.
    let values = (0..<12).map { Float($0) }
    for isOld in [false, true] {
      let path = try folder.write(
        CaffeFiles.blob([3, 2, 2], values, isOld: isOld), "mean.binaryproto")
      #expect(try CaffeMean.read(path, side: 2) == [8, 4, 0, 9, 5, 1, 10, 6, 2, 11, 7, 3])
      let failure = #expect(throws: Failure.self) { _ = try CaffeMean.read(path, side: 3) }
      #expect(failure?.message.contains("[3, 2, 2]; [3, 3, 3] is expected") == true)
    }
  }
}
