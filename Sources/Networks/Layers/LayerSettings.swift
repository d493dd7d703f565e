import System

/// The settings of a layer on their way from or to a description: each is named once, with the
/// value that it goes to or comes from.
package struct LayerSettings {
  /// The keys that were named.
  private(set) var keys: Set<String> = []
  private var reader: KeyedDecodingContainer<AnyKey>?
  private var writer: KeyedEncodingContainer<AnyKey>?

  /// Takes note of the keys alone.
  init() {}

  /// Reads the settings; what is left out keeps its value.
  init(from reader: KeyedDecodingContainer<AnyKey>) { self.reader = reader }

  /// Writes the settings.
  init(to writer: KeyedEncodingContainer<AnyKey>) { self.writer = writer }

  /// Reads or writes one setting.
  /// - Parameters:
  ///   - key: Its key.
  ///   - value: Its value, by default what it is.
  ///   - isRequired: Whether a description must have it.
  ///   - isWritten: Whether it is written.
  /// - Throws: `DecodingError` where it is missing or of another type.
  package mutating func take<Value: Codable>(
    _ key: String, _ value: inout Value, isRequired: Bool = false, isWritten: Bool = true
  ) throws {
    keys.insert(key)
    let name = AnyKey(stringValue: key)
    if let reader {
      let found =
        isRequired
        ? try reader.decode(Value.self, forKey: name)
        : try reader.decodeIfPresent(Value.self, forKey: name)
      if let found { value = found }
    }
    if isWritten { try writer?.encode(value, forKey: name) }
  }

  /// Reads or writes a setting that may be left out altogether.
  package mutating func takeOptional<Value: Codable>(
    _ key: String, _ value: inout Value?
  ) throws {
    keys.insert(key)
    let name = AnyKey(stringValue: key)
    if let reader { value = try reader.decodeIfPresent(Value.self, forKey: name) }
    try writer?.encodeIfPresent(value, forKey: name)
  }
}

extension LayerTraits {
  /// The keys of its settings.
  package static var settingKeys: Set<String> {
    var (blank, settings) = (Self(name: ""), LayerSettings())
    // Nothing is read, so nothing can be missing.
    try? blank.visitSettings(&settings)
    return settings.keys
  }
}

// A layer is a JSON object with its type's key under "type". What is left out has its default; a
// key that the type does not have is an error, so that a misspelt setting is not taken for a
// default.
extension LayerSpecification: Codable {
  /// Reads one layer from its JSON object.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: AnyKey.self)
    let word = try values.decode(String.self, forKey: "type")
    guard let type = Self.types.first(where: { $0.key == word }) else {
      throw DecodingError.dataCorruptedError(
        forKey: "type", in: values,
        debugDescription: "the type \(quoted(word)) is none of "
          + Self.types.map { $0.key }.joined(separator: ", "))
    }
    let name = try values.decode(String.self, forKey: "name")
    try AnyKey.check(
      decoder, type.settingKeys.union(["type", "name"]), "layer \(quoted(name)) of type \(word)")
    var layer: any LayerTraits = type.init(name: name)
    var settings = LayerSettings(from: values)
    try layer.visitSettings(&settings)
    self = layer.specification
  }

  /// Writes the layer as one JSON object, every setting named.
  package func encode(to encoder: any Encoder) throws {
    var layer = traits
    var values = encoder.container(keyedBy: AnyKey.self)
    try values.encode(layer.name, forKey: "name")
    try values.encode(type(of: layer).key, forKey: "type")
    var settings = LayerSettings(to: values)
    try layer.visitSettings(&settings)
  }
}
