/// What the program has to know of a type of layer; each type states it in a file of its own, and
/// nowhere else.
///
/// How it is computed stands in the file of the same name in the module Layers.
package protocol LayerTraits: Equatable, Sendable {
  // MARK: In a description

  /// Its `"type"` in a description.
  static var key: String { get }
  /// What messages call it, with its article: `a ReLU`.
  static var title: String { get }
  /// The layer's name, unique in the network.
  var name: String { get set }
  /// A layer with every setting at its default; where a setting has none, at a value that
  /// `complaint` refuses.
  init(name: String)
  /// Hands over every setting but the name, by its key: whatever is called reads or writes it.
  mutating func visitSettings(_ settings: inout LayerSettings) throws
  /// What is wrong with the settings, to follow "layer 'x' "; nil where nothing is.
  func complaint(towers: Int) -> String?
  /// What is wrong with the layer at its place in a tower, to follow "layer 'x' "; nil where
  /// nothing is.
  func complaint(at shape: LayerShape) -> String?
  /// The layer as one of a network's.
  var specification: LayerSpecification { get }

  // MARK: What it computes

  /// What it is there for.
  var role: LayerRole { get }
  /// The maps that it makes in one tower.
  /// - Parameters:
  ///   - input: The maps that it reads; of each tower, where it reads several.
  ///   - kernels: The tower's kernels; 0 for a layer without weights.
  /// - Returns: The shape of one image's maps.
  func output(of input: MapShape, kernels: Int) -> MapShape
  /// Whether the result depends on which maps share a tower.
  var dependsOnTowers: Bool { get }
  /// Whether outputs are the inputs where nothing is trained.
  var isIdentityAtTest: Bool { get }
  /// Whether nothing of a negative number is let through, so that a kernel can be dead.
  var silencesNegatives: Bool { get }

  // MARK: What it needs

  /// Whether its output may take the place of its input in memory.
  var inPlace: InPlaceRule { get }
  /// Whether it takes its gradient from the numbers of its output, which then must stay as they
  /// are.
  var needsItsOutput: Bool { get }
  /// Whether it takes a gradient from the numbers that it read, which then must stay as they are.
  var needsItsInput: Bool { get }
  /// The bytes that the layer remembers of an image for the backward pass, besides its output.
  func rememberedBytes(of output: MapShape) -> Int
  /// Whether it computes so long for an image that what it made of some can travel while it makes
  /// the rest.
  ///
  /// Not where weights take most of the time to fetch: cut into parts, a batch would fetch them
  /// more than once.
  var hidesMessages: Bool { get }
}

/// What a layer is there for.
package enum LayerRole: Sendable {
  /// It learns: its type is a `LayerWithWeights`.
  case weights
  /// A function of each neuron's number alone.
  case activation
  /// Neurons left out in training, each for itself.
  case dropout
  /// Numbers divided by what their neighbours are.
  case normalization
  /// One number for several neighbouring pixels.
  case pooling
}

// What is most types' answer, and the safe one: where a type forgets its own, something is slower
// or refused.
extension LayerTraits {
  /// Nothing.
  package func complaint(at shape: LayerShape) -> String? { nil }
  /// No.
  package var isIdentityAtTest: Bool { false }
  /// No.
  package var silencesNegatives: Bool { false }
  /// Yes.
  package var needsItsInput: Bool { true }
  /// No.
  package var hidesMessages: Bool { false }
}

extension LayerTraits {
  /// Whether each neuron is computed from one number alone, so that the layer can be cut anywhere.
  package var worksOnEachNeuronAlone: Bool { role == .activation || role == .dropout }
  /// Whether its output may ever take the place of its input in memory.
  package var worksInPlace: Bool { inPlace != .never }
}

/// A type of layer without settings, which other tools have under a name of their own.
package protocol PlainLayer: LayerTraits {
  /// ONNX's operator.
  static var onnxOperator: String { get }
  /// Caffe's type.
  static var caffeType: String { get }
}

extension PlainLayer {
  /// None.
  package func visitSettings(_ settings: inout LayerSettings) {}
  /// Nothing.
  package func complaint(towers: Int) -> String? { nil }
}
