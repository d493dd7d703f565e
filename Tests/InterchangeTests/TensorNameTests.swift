import Interchange
import Networks
import System
import TestSupport
import Testing

/// Tensors that are found by their names alone.
@Suite struct TensorNameTests {
  let folder = TemporaryFolder()
  let network = SmallFiles.network()

  /// Finds and reads all of the network's tensors in a file where they have other names.
  func check(
    more: [(name: String, shape: [Int])] = [], prefix: String? = nil,
    _ name: (NetworkTensor) -> String
  ) throws -> [String] {
    let path = try SmallFiles.foreign(network, folder, more: more) { (name($0), $0.shape) }
    let weights = try NetworkWeights(WeightFile.open(path), of: network, prefix: prefix)
    for tensor in network.tensors {
      #expect(try weights.read(tensor) == SmallFiles.values(tensor), "\(tensor.name)")
    }
    return weights.notes
  }

  @Test(arguments: [
    "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "model.module.",
    "net.backbone.", "module.module.", "state_dict.model.", "1.", "MODULE.",
  ])
  func prefixesOfWrappersAreAccepted(_ front: String) throws {
    let notes = try check { front + $0.name }
    #expect(notes.count == 1 && notes[0].contains("without their prefix '\(front.lowercased())'"))
  }

  @Test func wrappersInTheMiddleOfNamesAreAccepted() throws {
    // The ImageNet example of PyTorch lets several devices work on the features alone.
    #expect(
      try check { $0.name.replacing("features.", with: "features.module.") }.isEmpty)
    let both = try check { "_orig_mod." + $0.name.replacing("features.", with: "features.module.") }
    #expect(both.count == 1)
  }

  @Test func layerNamesAreFoundIgnoringCase() throws {
    #expect(try check { $0.layerName.uppercased() }.isEmpty)
    #expect(try check { $0.layerName }.isEmpty)
  }

  @Test func plainNamesArePreferredToCopies() throws {
    let copies = network.tensors.map { (name: "ema." + $0.name, shape: $0.shape) }
    #expect(try check(more: copies) { $0.name }.isEmpty)
  }

  @Test func severalCopiesAreRefusedUntilAPrefixChoosesOne() throws {
    let copies = network.tensors.map { (name: "ema." + $0.name, shape: $0.shape) }
    let failure = #expect(throws: Failure.self) {
      _ = try check(more: copies) { "model." + $0.name }
    }
    #expect(failure?.message.contains("'ema.', 'model.'; say with --prefix") == true)
    _ = try check(more: copies, prefix: "model.") { "model." + $0.name }
    _ = try check(more: copies, prefix: "model") { "model." + $0.name }
  }

  @Test func ambiguousTensorsAreRefused() throws {
    let failure = #expect(throws: Failure.self) {
      _ = try check(more: [("features.a.0.weight", [4, 3, 5, 5])]) {
        $0.name.replacing("features.", with: "features.b.")
      }
    }
    #expect(failure?.message.contains("'features.b.0.weight' and 'features.a.0.weight'") == true)
  }

  @Test func aNumberInTheMiddleMeansAnotherLayer() throws {
    let path = try SmallFiles.foreign(network, folder) {
      ($0.name.replacing("features.0", with: "features.0.1"), $0.shape)
    }
    let weights = try NetworkWeights(WeightFile.open(path), of: network)
    #expect(throws: Failure.self) { _ = try weights.read(network.tensors[0]) }
  }

  @Test func aRenamedLastLayerIsReportedWithTheRemedy() throws {
    let path = try SmallFiles.foreign(network, folder) {
      ($0.name.replacing("head", with: "new_head"), $0.shape)
    }
    let source = try WeightFile.open(path)
    let head = try #require(network.tensors.first { $0.name == "head.weight" })
    let weights = try NetworkWeights(source, of: network)
    let failure = #expect(throws: Failure.self) { _ = try weights.read(head) }
    let message = try #require(failure?.message)
    #expect(message.contains("for layer 'out'") && message.contains("'new_head.weight'"))
    #expect(message.contains("--layer out=new_head"))
    let named = try NetworkWeights(source, of: network, named: ["out": "new_head"])
    #expect(try named.read(head) == SmallFiles.values(head))
    #expect(named.classes == 5)
  }
}
