import Interchange
import Networks
import Safetensors
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
    #expect(
      failure?.message.contains("'ema.', 'model.'; say with 'alexnet import --prefix'") == true)
    _ = try check(more: copies, prefix: "model.") { "model." + $0.name }
    _ = try check(more: copies, prefix: "model") { "model." + $0.name }
  }

  /// What a file is refused with whose network has more than ours; nil where it is taken.
  func complaint(
    _ more: [String], leavingOut leftOut: [String] = [], named names: [String: String] = [:],
    prefix: String? = nil, front: String = "", but reset: Set<String> = []
  ) throws -> String? {
    let path = try SmallFiles.foreign(network, folder, more: more.map { ($0, [4]) }) {
      (front + $0.name, $0.shape)
    }
    let weights = try NetworkWeights(
      WeightFile.open(path), of: network, named: names, prefix: prefix, but: reset)
    do throws(Failure) {
      _ = try weights.checkUnused(leavingOut: leftOut, but: reset) { "Give --leave-out \($0)." }
      return nil
    } catch { return error.message }
  }

  @Test(arguments: [
    "bn1.weight", "bn1.running_mean", "c3b.weight", "fc11.bias", "c1.scale", "c2.lora_A.weight",
    "c2.weight_g", "c2.parametrizations.weight.original0", "c2.anything", "bn1_gamma",
    "norm/moving_variance", "block.prelu.alpha", "features.0.mask", "BN1.Running_Var",
    "0.mean", "norm.std", "normalize.new_mean", "normalize.new_std", "pixel_mean", "pixel_std",
    "temperature", "clip.logit_scale",
  ])
  func tensorsThatTheFilesNetworkComputesWithAreRefused(_ name: String) throws {
    for front in ["", "model."] {
      let full = front + name
      let message = try #require(try complaint([full], front: front), "\(full)")
      #expect(message.contains("'\(full)', with which its own network computes"), "\(message)")
      #expect(message.contains("Give --leave-out "), "\(message)")
      #expect(try complaint([full], leavingOut: [full], front: front) == nil)
    }
  }

  @Test(arguments: [
    "bn1.num_batches_tracked", "optimizer.exp_avg.bn1.weight", "c1.weight.momentum_buffer",
    "c1/weights/Adam_1", "c1/weights/RMSProp", "c1.weight.ExponentialMovingAverage",
    "optimizer_weights/c1/kernel",
    "optimizer/iterations", "velocity.c9.weight", "preprocessing.mean", "ema.decay", "epoch",
    "best_acc1", "ema.mean",
  ])
  func tensorsThatOnlyTrainingNeedsAreNotRefused(_ name: String) throws {
    #expect(try complaint([name]) == nil)
  }

  @Test func refusalsSayWhatToDoWithFamiliarLayers() throws {
    #expect(try complaint(["bn1.running_var"])?.contains("Fold a batch normalisation") == true)
    #expect(try complaint(["c1.lora_A.weight"])?.contains("merge_and_unload()") == true)
    let pictures = try complaint(["0.mean", "0.std"])
    #expect(
      pictures?.contains("--mean, from 0 to 255, and --deviation") == true
        && pictures?.contains("Give --leave-out 0.") == true, "\(pictures ?? "")")
    #expect(try complaint(["temperature"])?.contains("Scale the weights and biases") == true)
    #expect(
      try complaint(["bn1.weight", "bn1.bias"])?.contains("Give --leave-out bn1.") == true)
  }

  @Test func theUserDecidesWhatIsLeftOut() throws {
    let more = ["aux.weight", "aux.bias", "auxiliary.weight"]
    #expect(try complaint(more, leavingOut: ["aux"])?.contains("holds 'auxiliary.weight',") == true)
    #expect(try complaint(more, leavingOut: ["aux.", "auxiliary"]) == nil)
    #expect(try complaint(more, leavingOut: ["au"])?.contains("no tensor of") == true)
    #expect(try complaint(more, leavingOut: ["features"])?.contains("uses these tensors") == true)
    // A prefix says as much, and so does another layer in the place of ours.
    #expect(try complaint(["loss.weight"], front: "model.") != nil)
    #expect(try complaint(["loss.weight"], prefix: "model", front: "model.") == nil)
    #expect(try complaint(["model.bn.weight"], prefix: "model.", front: "model.") != nil)
  }

  @Test func layersThatStartAnewMayBeOthersInTheFile() throws {
    #expect(try complaint(["fc9.weight", "fc9.bias"], but: ["out"]) == nil)
    #expect(try complaint(["bn1.weight", "bn1.running_mean"], but: ["out"]) != nil)
    #expect(try complaint(["c1.lora_A.weight"], but: ["out"]) != nil)
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

  /// What the refusal suggests is taken, with the words in front of all names or without any.
  @Test(arguments: [
    ("module.", "module.head.1"), ("model.", "final"), ("a.b.", "A.b.head.1"), ("", "x.y.final"),
  ]) func aLayerMayBeNamedInFull(_ front: String, _ head: String) throws {
    let path = try SmallFiles.foreign(network, folder) { tensor in
      let name = tensor.name
      return (
        tensor.layer == "out" ? name.replacing("head", with: head) : front + name, tensor.shape
      )
    }
    let source = try WeightFile.open(path)
    let weight = try #require(network.tensors.first { $0.name == "head.weight" })
    let refused = #expect(throws: Failure.self) {
      _ = try NetworkWeights(source, of: network).read(weight)
    }
    #expect(
      refused?.message.contains("--layer out=\(head).") == true, "\(refused?.message ?? "")")
    for prefix in [nil, front] {
      let named = try NetworkWeights(source, of: network, named: ["out": head], prefix: prefix)
      #expect(named.classes == 5)
      for tensor in network.tensors {
        #expect(try named.read(tensor) == SmallFiles.values(tensor), "\(tensor.name)")
      }
      #expect(try named.checkUnused { $0 } == [])
    }
  }

  /// Why reading the first layer's weights fails.
  func reason(_ path: String) throws -> String {
    let weights = try NetworkWeights(WeightFile.open(path), of: network)
    let failure = #expect(throws: Failure.self) { _ = try weights.read(network.tensors[0]) }
    return failure?.message ?? ""
  }

  @Test(arguments: [
    "features.0.weight_v", "module.features.0.weight_orig",
    "features.0.parametrizations.weight.original0", "C1.parametrizations.weight.original",
  ]) func whatAWeightWouldBeComputedFromIsNamed(_ name: String) throws {
    let path = try SmallFiles.foreign(network, folder) {
      ($0.name == "features.0.weight" ? name : $0.name, $0.shape)
    }
    let message = try reason(path)
    #expect(
      message.contains("computed from '\(name)'") && message.contains("remove_parametrizations"),
      "\(message)")
  }

  @Test func aPartOfANetworkIsRecognised() throws {
    let whole = try SmallFiles.foreign(network, folder) { tensor in
      guard tensor.layer != "c1" else { return nil }
      return (tensor.name, tensor.shape)
    }
    let part = try folder.write(
      folder.read("foreign.safetensors"), "model-00001-of-00002.safetensors")
    let message = try reason(part)
    #expect(
      message.contains("one of several parts") && message.contains("save_file("), "\(message)")
    let other = try reason(whole)
    #expect(!other.contains("several parts"), "\(other)")
  }

  @Test func weightsOfAnotherTypeAreNamedBehindAPrefix() throws {
    var tensors: [(name: String, format: NumberFormat, shape: [Int])] = []
    for tensor in network.tensors {
      let format: NumberFormat = tensor.name == "features.0.weight" ? .int8 : .float32
      tensors.append(("model." + tensor.name, format, tensor.shape))
    }
    let path = folder.file("quantised.safetensors")
    try SafetensorsWriter.create(path, SafetensorsHeader(metadata: [:], tensors: tensors))
    let message = try reason(path)
    #expect(
      message.contains("'model.features.0.weight' in") && message.contains("of type 'I8'"),
      "\(message)")
  }
}
