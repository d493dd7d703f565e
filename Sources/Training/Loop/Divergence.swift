import Layers
package import MPI
import ModelParallel
import Networks
import System
import Tensors
package import Towers

/// Describes where numbers stopped being finite, in the same words on every rank.
package struct Divergence {
  private let network: Network
  private let world: Communicator

  package init(_ network: Network, _ world: Communicator) {
    self.network = network
    self.world = world
  }

  /// The names of the parameters, in the same order on all ranks.
  private var names: [String] {
    var seen: Set<String> = []
    return network.parameters.map(\.name).filter { seen.insert($0).inserted }
  }

  /// A parameter's number among all names, for an index into the network's list.
  package func number(ofParameter place: Int?) -> Int? {
    place.flatMap { names.firstIndex(of: network.parameters[$0].name) }
  }

  /// A sentence that names the parameter with numbers that are not finite.
  package func sentence(parameter number: Int, step: Int) -> String {
    let name = names.indices.contains(number) ? names[number] : "?"
    return "'\(name)' is no longer finite after the update of step \(step)"
  }

  /// A sentence about a loss that is not finite and the first layer whose activations are not; all
  /// ranks call this together.
  package func sentence(loss: Double, _ which: String) throws(MPIError) -> String {
    let layers = network.specification.layers
    var first = layers.count
    for (number, layer) in layers.enumerated().reversed() {
      for output in network.outputs(of: layer.name) {
        let numbers = output.images * output.shape.count
        if (0..<numbers).contains(where: { !output.tensor.pointer[$0].isFinite }) { first = number }
      }
    }
    let number = Int(try world.allReduce(Int64(first), .min))
    let place =
      number < layers.count ? ": the maps of layer '\(layers[number].name)' are not finite" : ""
    return "The \(which) is \(plain(loss, digits: 6))\(place)"
  }
}
