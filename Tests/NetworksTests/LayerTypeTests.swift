import Foundation
import Networks
import TestSupport
import Testing

/// What holds for every type of layer in a description.
@Suite struct LayerTypeTests {
  @Test func everyTypeHasAnExampleAndAKeyOfItsOwn() {
    let keys = LayerSpecification.types.map { $0.key }
    #expect(keys.sorted() == LayerExamples.all.map { type(of: $0.traits).key }.sorted())
    #expect(Set(keys).count == keys.count)
    #expect(
      LayerSpecification.types.allSatisfy { type in
        let layer = type.init(name: "blank")
        return layer.name == "blank" && type.key == Swift.type(of: layer.specification.traits).key
      })
  }

  @Test(arguments: LayerExamples.all) func comesBackFromItsJSON(_ layer: LayerSpecification) throws
  {
    let json = try JSONEncoder().encode(layer)
    #expect(try JSONDecoder().decode(LayerSpecification.self, from: json) == layer)
    let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    let traits = type(of: layer.traits)
    // Each setting is written, so that what was read is not a default.
    #expect(Set(object.keys) == traits.settingKeys.union(["type", "name"]))
    #expect(object["type"] as? String == traits.key)
  }

  @Test(arguments: LayerExamples.all) func doesNotHaveTheSettingsOfOthers(
    _ layer: LayerSpecification
  ) throws {
    let keys = Set(LayerSpecification.types.flatMap { $0.settingKeys } + ["misspelt"])
    let json = try JSONEncoder().encode(layer)
    for key in keys.subtracting(type(of: layer.traits).settingKeys) {
      var object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
      object[key] = 1
      let text = try JSONSerialization.data(withJSONObject: object)
      let error = #expect(throws: DecodingError.self) {
        _ = try JSONDecoder().decode(LayerSpecification.self, from: text)
      }
      #expect("\(String(describing: error))".contains(key))
    }
  }

  @Test(arguments: LayerExamples.all) func isWhatItIsForOneReason(_ layer: LayerSpecification) {
    #expect((layer.traits.role == .weights) == layer.hasWeights)
    #expect(layer.hasWeights == (layer.tensorName != nil))
    #expect(!layer.hasWeights || layer.tensorName == "t.0")
    #expect(layer.traits.inPlace == .never || !layer.hasWeights)
    #expect(layer.traits.complaint(towers: 1) == nil)
    #expect(layer.traits.complaint(at: LayerExamples.shape(layer)) == nil)
  }

  @Test func aTypeThatThereIsNotIsNamedWithThoseThatThereAre() {
    let json = Data(#"{"type": "leakyRelu", "name": "l"}"#.utf8)
    let error = #expect(throws: DecodingError.self) {
      _ = try JSONDecoder().decode(LayerSpecification.self, from: json)
    }
    guard case .dataCorrupted(let context)? = error else {
      Issue.record("It is \(String(describing: error)).")
      return
    }
    #expect(context.debugDescription.hasPrefix("the type 'leakyRelu' is none of conv"))
  }
}
