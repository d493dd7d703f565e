import Networks
import TestSupport
import Testing

/// One training step of the full-size AlexNet against a whole network with grouped convolutions in
/// Double.
@Suite(.serialized, .enabled(if: TestWorld.isOneProcess, "run without mpirun")) struct FullSizeTests
{
  /// The paper's recipe with its dropout; the code's without, and with an odd number of classes.
  static let networks: [NetworkSpecification] = {
    let code = NetworkSpecification.alexNet(classes: 11, recipe: .code2012)
    return [
      .alexNet(classes: 1000, recipe: .paper),
      (try? code.applying(.noDropout, recipe: .paper)) ?? code,
    ]
  }()

  @Test(arguments: networks) func aStepAgreesWithTheReference(
    _ network: NetworkSpecification
  ) throws {
    // Pixels as they come: 0 to 255 less their mean.
    let bench = try NetworkBench(network, images: 2, capacity: 4, scale: 128)
    let (loss, activations, gradients) = try bench.errors()
    print("\(network.name), \(network.classes) classes, relative errors: loss \(loss)")
    #expect(loss < 1e-5)
    for (name, error) in activations {
      print("  \(name) \(error)")
      #expect(error < 1e-5, "\(name)")
    }
    for (name, error) in gradients {
      print("  \(name) \(error)")
      #expect(error < 1e-4, "\(name)")
    }
    #expect(gradients.count == 16)
  }
}
